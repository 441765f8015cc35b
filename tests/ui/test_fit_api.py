"""The addresses of the screen "Will it fit?" and of the picker, asked as the page asks them."""

import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cxr_demo import fit
from cxr_demo.fit import Gpu, Machine
from cxr_demo.models.confirmations import Confirmation, How, keep
from cxr_demo.records import Precision
from cxr_demo.ui import catalogue
from cxr_demo.ui.api import Sessions
from cxr_demo.ui.fit_api import FitApi
from cxr_demo.ui.fitness import Fitness
from cxr_demo.units import GIB
from cxr_demo.weights import hashes
from tests.ui.test_fit_view import Worker
from tests.ui.test_weights_view import put

CARDS = (
    Gpu("NVIDIA RTX 4070", 12 * GIB, 11 * GIB, (8, 9), 0),
    Gpu("NVIDIA RTX 3050", 8 * GIB, 7 * GIB, (8, 6), 1),
)


class Errands:
    def __init__(self):
        self.started, self.forgotten = [], []

    def start(self, kind, model, *arguments):
        self.started.append((str(kind), model, *arguments))

    def of(self, model):
        return None

    def forget(self, model):
        self.forgotten.append(model)


@pytest.fixture
def page(monkeypatch):
    """A page's own view of the routes; `.session`, `.errands` and `.worker` lie behind it."""
    monkeypatch.setattr(
        fit, "machine", lambda telemetry: Machine(CARDS, 32 * GIB, 20 * GIB, visible=0)
    )
    sessions = Sessions(None, catalogue.default_choice())
    session, errands, worker = sessions.new("en"), Errands(), Worker()
    api = FitApi(sessions, errands, Fitness(lambda: None, worker))
    client = TestClient(Starlette(routes=api.routes()), base_url=f"http://t/cxr/{session.id}/")
    client.session, client.errands, client.worker = session, errands, worker
    return client


def test_the_gpu_that_the_app_uses_is_compared_unless_another_is_chosen(page):
    shown = page.get("fit").json()
    assert [each["selected"] for each in shown["targets"]] == [True, False]
    other = page.get("fit", params={"gpu": "1"}).json()
    assert [each["selected"] for each in other["targets"]] == [False, True]
    assert "7.0 GiB of 8.0 GiB free" in other["memory"]["words"]
    assert shown["advice"][1] != other["advice"][1]


def test_a_typed_card_replaces_it_and_a_slip_says_what_is_right(page):
    typed = page.get("fit", params={"card": "24 GB"}).json()
    assert "24.0 GiB card" in typed["memory"]["words"] and typed["error"] is None
    slip = page.get("fit", params={"card": "much"}).json()
    assert (
        "type a number of GB" in slip["error"]
        and slip["models"] == page.get("fit").json()["models"]
    )


def test_what_is_chosen_is_shown_in_full_in_the_pages_language(page):
    page.session.set_language("pt")
    shown = page.get("fit", params={"model": "chexagent-8b", "precision": "nf4"}).json()
    assert shown["chosen"] == ["chexagent-8b", "nf4"]
    assert shown["pair"]["title"] == "CheXagent 8B · 4 bits"
    assert shown["weights"]["id"] == "chexagent-8b"
    assert "não confirmada" in shown["pair"]["marks"][0][0]
    labeler = page.get("fit", params={"model": "chexbert"}).json()
    assert labeler["pair"] is None and labeler["weights"]["name"] == "CheXbert"
    assert "acadêmica" in str(labeler["weights"]["facts"])


def test_a_confirmed_port_says_how_and_loses_its_mark(page):
    place = put()
    sha256 = hashes.digest([place / "model.safetensors"])
    keep(Confirmation("medgemma-4b-it", sha256, How.STOCK, {}), stand_in=False)
    pair = page.get("fit", params={"model": "medgemma-4b-it", "precision": "bf16"}).json()["pair"]
    assert "the same tokens" in pair["confirmed"] and pair["marks"] == []


def test_errands_are_started_for_known_models_only(page):
    def ask(**given):
        return page.post("weights", json=given).status_code

    assert ask(model="medgemma-4b-it", do="fetch") == 200
    assert ask(model="chexbert", do="import", folder="/from/a/disk") == 200
    assert ask(model="medgemma-4b-it", do="prepare", precision="nf4_emb") == 200
    assert ask(model="chexagent-8b", do="forget") == 200
    assert ask(model="../elsewhere", do="delete") == 404
    assert ask(model="medgemma-4b-it", do="format c:") == 200  # and nothing happens
    assert page.errands.started == [
        ("fetch", "medgemma-4b-it"),
        ("import", "chexbert", "/from/a/disk", "--model", "chexbert"),
        ("prepare", "medgemma-4b-it", "medgemma-4b-it", "--precision", "nf4_emb"),
    ]
    assert page.errands.forgotten == ["chexagent-8b"]


def test_a_measurement_is_started_shown_and_stopped(page):
    asked = {"model": "chexagent-8b", "precision": "nf4"}
    page.post("measure", json={"do": "start", **asked})
    assert page.worker.asked == [("chexagent-8b", Precision.NF4)]
    assert page.get("fit", params=asked).json()["pair"]["measure"]["going"]
    page.post("measure", json={"do": "stop"})
    ended = page.get("fit", params=asked).json()["pair"]["measure"]
    assert ended["going"] is None and "stopped" in ended["error"]


def test_the_picker_follows_the_sessions_choice(page):
    shown = page.get("picker").json()
    assert shown["chosen"] == ["embedded", "bf16"] and shown["missing"] is None
    assert {each["id"] for each in shown["models"]} >= {"embedded", "chexagent-2-3b"}


def test_a_page_that_is_gone_is_told_so(page):
    assert page.get("http://t/cxr/nobody/fit").status_code == 410
    assert page.post("http://t/cxr/nobody/weights", json={}).status_code == 410


def test_nothing_here_brings_the_hub_into_the_apps_process():
    code = "import sys, cxr_demo.ui.fit_api\n"
    code += "assert not {'huggingface_hub', 'httpx2', 'torch'} & set(sys.modules), 'imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
