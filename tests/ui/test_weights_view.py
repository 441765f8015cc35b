"""The weights' box: what it says and offers in every state, in both languages."""

import pytest

from cxr_demo import fit
from cxr_demo.paths import models_dir
from cxr_demo.records import Precision
from cxr_demo.ui import picker_view
from cxr_demo.ui.errands import Errand, Kind, State
from cxr_demo.ui.state import Choice
from cxr_demo.ui.weights_view import weights_view
from cxr_demo.versions import installed
from cxr_demo.weights import faults, hashes, prepared, record, shelf
from cxr_demo.weights.prepared import About
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.weights.sources import PACKAGES, package
from tests.weights.hub_server import COMMIT, tiny_model

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"


def put(name=ID, recorded=True, published=True):
    """A model's folder as a fetch (or an import without hashes) leaves it."""
    place = models_dir() / name
    place.mkdir(parents=True)
    files = {}
    for name, data in tiny_model().items():
        if "/" not in name and not name.endswith((".py", ".bin", ".md")):
            (place / name).write_bytes(data)
            sha256 = hashes.file_sha256(place / name)
            files[name] = FileRecord(len(data), sha256, None, REPO, published)
    if recorded:
        record.write(place, Record(ID, {REPO: COMMIT}, files))
    return place


def errand(kind, state, **fields):
    """One that has ended, or that has come so far, without its child."""
    made = Errand.__new__(Errand)
    made.kind, made.model, made.state = kind, ID, state
    made.progress = made.plan = made.error = None
    made.lines = []
    vars(made).update(fields)
    return made


def shown(language="en", now=None, precision=None, model=ID):
    wanted = package(model)
    return weights_view(wanted, shelf.look(wanted), now, language, precision)


def offered(view):
    return [each["id"] for each in view["actions"]]


@pytest.mark.parametrize("model", PACKAGES)
@pytest.mark.parametrize("language", ["en", "pt"])
def test_licence_gate_source_and_folder_stand_before_a_fetch(model, language):
    view = shown(language, model=model)
    facts = dict(view["facts"])
    named = list(facts.values())
    assert len(named) == 5 and all(named)
    assert PACKAGES[model].sources[0].repo in named[2]
    assert str(models_dir() / model) in named[4]
    assert offered(view) == ["fetch", "import", "urls"]
    assert view["actions"][0]["primary"]
    assert "huggingface.co" in view["confirm"][0]


def test_size_and_host_are_told_before_a_download(monkeypatch):
    view = shown("pt", model="chexagent-8b")
    assert "cerca de 31,2 GiB" in dict(view["facts"])["Tamanho"]  # 33 GB, in float32
    assert "5.9 GiB" in dict(shown(model="chexagent-2-3b")["facts"])["Download"]
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.hospital:8443/")
    view = shown()
    assert "asks mirror.hospital:8443 for" in view["confirm"][0]
    assert dict(view["facts"])["From"].startswith("mirror.hospital:8443/google/")


def test_a_copy_that_was_begun_is_told_gone_on_with_and_deleted():
    put()
    begun = prepared.folder(package(ID).card, Precision.NF4).with_name(f"{ID}.nf4.part")
    begun.mkdir()
    (begun / "model-00001.safetensors").write_bytes(bytes(3 * 2**20))
    view = shown("pt", precision=Precision.NF4)
    assert "4 bits: começado, 3,0 MiB gravados" in view["copies"][1]
    words = {each["id"]: each["words"] for each in view["actions"]}
    assert words["prepare"] == "Continuar a preparar 4 bits" and "delete_copy" in words
    now = errand(Kind.PREPARE, State.PAUSED)
    assert "continua dali" in shown("pt", now)["outcome"]["words"]


def test_what_was_fetched_is_verified_and_its_commit_stands():
    put()
    view = shown()
    assert view["badge"]["state"] == "verified" and "hash that its publisher" in view["says"]
    assert f"@ {COMMIT[:12]}" in dict(view["facts"])["From"]
    assert offered(view)[0] == "verify" and "delete" in offered(view)


def test_a_copy_without_publishers_hashes_is_not_called_verified():
    put(published=False)
    assert shown()["badge"]["state"] == "uncompared"
    assert "compare-os" in shown("pt")["says"]


def test_files_put_there_by_hand_have_nothing_to_be_compared_with():
    put(recorded=False)
    view = shown()
    assert view["badge"]["state"] == "unverified" and "by hand" in view["says"]
    assert "verify" not in offered(view)


def test_a_fetch_that_was_refused_before_its_first_byte_left_nothing():
    for each in put().iterdir():
        if each.name != "cxr-demo.json":
            each.unlink()
    view = shown()
    assert view["badge"]["state"] == "absent" and "Nothing of it" in view["says"]
    assert view["actions"][0]["words"] == "Fetch…" and offered(view) == ["fetch", "import", "urls"]
    assert dict(view["facts"])["Download"] == "4.0 MiB"  # as its record names it


def test_what_is_missing_or_altered_is_named():
    place = put()
    (place / "config.json").write_text("{}")
    view = shown()
    assert view["badge"]["state"] == "altered" and "config.json" in view["says"]
    assert view["actions"][0] == {
        "id": "fetch", "words": "Fetch again…", "primary": True, "danger": False,
    }  # fmt: skip
    (place / "config.json").unlink()
    (place / "model.safetensors.part").write_bytes(b"x")
    assert shown()["badge"]["state"] == "partial"


def test_progress_has_rate_and_time_left_in_the_pages_language():
    progress = {
        "phase": "receive", "file": "model.safetensors", "done": 2**30, "total": 2**32,
        "rate": 2.0**20 * 12.5, "remaining": 250.0,
    }  # fmt: skip
    now = errand(Kind.FETCH, State.RUNNING, progress=progress)
    going = shown("pt", now)["going"]
    assert going["words"] == "Recebendo model.safetensors" and going["share"] == 0.25
    assert going["figures"] == "1,0 GiB de 4,0 GiB · 12,5 MiB/s · restam 4 min 10 s"
    assert offered(shown("en", now)) == ["stop"]
    assert shown("en", now)["outcome"] is None


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (faults.NotLoggedIn(repo=REPO, page="p", tokens="t"), "hf auth login"),
        (faults.ProxyWantsLogin(host="h"), "app starts"),
        (faults.ConnectionLost(host="h"), ""),
    ],
)
def test_an_error_says_where_a_token_or_a_variable_goes(error, hint):
    outcome = shown(now=errand(Kind.FETCH, State.FAILED, error=error))["outcome"]
    assert outcome["words"] == error.message("en")
    assert (hint in outcome["hint"]) if hint else outcome["hint"] == ""


def test_a_verification_lists_every_file():
    lines = [
        {"name": "a", "state": "right", "sha256": "ab" * 32, "published": True},
        {"name": "b", "state": "altered", "sha256": "cd" * 32, "published": True},
    ]
    outcome = shown(now=errand(Kind.VERIFY, State.DONE, lines=lines))["outcome"]
    assert outcome["state"] == "failed" and outcome["words"] == "Not right: b."
    assert "b: ALTERED" in outcome["text"]
    outcome = shown(now=errand(Kind.VERIFY, State.DONE, lines=lines[:1]))["outcome"]
    assert (outcome["state"], outcome["words"]) == ("done", "1 of 1 files are right.")
    lines[0] |= {"published": False}
    outcome = shown(now=errand(Kind.VERIFY, State.DONE, lines=lines[:1]))["outcome"]
    assert "as they were when imported" in outcome["words"] and "a: as imported" in outcome["text"]
    lines[0] |= {"published": True}
    lines[1] |= {"state": "unrecorded"}
    outcome = shown("pt", errand(Kind.VERIFY, State.DONE, lines=lines))["outcome"]
    assert outcome["state"] == "failed" and "deveriam ser 1 dos arquivos" in outcome["words"]
    assert "b: NÃO VERIFICADO" in outcome["text"]


def test_an_import_without_publishers_hashes_is_not_said_to_be_verified():
    for compared, words in ((True, "verified in full"), (False, "No publisher's hashes came")):
        lines = [{"model": ID, "compared": compared}]  # as `weights import --json` ends
        outcome = shown(now=errand(Kind.IMPORT, State.DONE, lines=lines))["outcome"]
        assert words in outcome["words"]


def test_a_prepared_copy_is_shown_and_suffices_for_its_precision():
    put()
    assert "prepare" in offered(shown(precision=Precision.NF4))
    assert "prepare" not in offered(shown(precision=Precision.BF16))
    source = hashes.file_sha256(models_dir() / ID / "model.safetensors")
    library = installed("bitsandbytes")["bitsandbytes"]
    about = About(Precision.NF4, source, COMMIT, False, library, "cpu", "2026-11-26T04:00:00Z")
    prepared.write_about(put(f"{ID}.nf4"), about)
    view = shown(precision=Precision.NF4)
    assert view["badge"]["copies"] == "prepared: 4 bits"
    assert "prepare" not in offered(view) and "delete_copy" in offered(view)
    (models_dir() / ID / "cxr-demo.json").unlink()
    assert "verify" in offered(shown())  # the copy has a record
    assert view["copies"][1].startswith("4 bits: ") and "next start" in view["copies"][1]
    for each in (models_dir() / ID).iterdir():
        each.unlink()
    offers = picker_view.picker_view(Choice(ID), fit.answers(None, 2**35), "en")["models"]
    model = next(each for each in offers if each["id"] == ID)
    here = {each["precision"]: each["here"] for each in model["pairs"]}
    assert model["here"] and here == {"bf16": False, "nf4": True, "nf4_emb": False}
