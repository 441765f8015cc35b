"""Children of the app that fetch: told apart, paused, gone on with, and never left behind."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from benchmarks import checkpoints
from cxr_demo.paths import models_dir
from cxr_demo.ui.errands import Errands, Kind, State
from cxr_demo.weights import shelf
from cxr_demo.weights.shelf import Stock
from cxr_demo.weights.sources import package
from tests.weights.hub_server import LARGE, FakeHub, tiny_model

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"


@pytest.fixture
def fake():
    server = FakeHub({REPO: tiny_model()})
    yield server
    server.close()


@pytest.fixture
def given(fake, tmp_path):
    """What a user's environment would be, with the hub on loopback."""
    odd = ("HF_", "TRANSFORMERS_", "HTTP", "ALL_PROXY", "NO_PROXY", "SSL_")
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(odd)}
    return {**kept, "HF_ENDPOINT": fake.endpoint, "HF_HOME": str(tmp_path / "hf")}


@pytest.fixture
def errands(given):
    made = Errands(given)
    yield made
    made.close()


def stock():
    return shelf.look(package(ID))


def until(condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def ended(errand):
    errand.wait(40)
    return errand.state


def test_a_fetch_tells_its_plan_and_progress_and_ends_verified(errands):
    assert stock().state is Stock.ABSENT
    errand = errands.start(Kind.FETCH, ID)
    assert ended(errand) is State.DONE
    assert errand.plan["missing"] > 4_000_000
    assert errand.progress["phase"] == "verify" and errand.progress["done"] > 4_000_000
    found = stock()
    assert (found.state, found.verified, found.published) == (Stock.HERE, True, True)
    assert found.come == found.total


def test_a_pause_keeps_what_came_and_the_next_start_asks_only_for_the_rest(errands, fake):
    fake.stall_after = 3_000_000
    errand = errands.start(Kind.FETCH, ID)
    part = models_dir() / ID / f"{LARGE}.part"
    until(lambda: part.exists() and part.stat().st_size > 2_000_000)
    assert errands.start(Kind.VERIFY, ID) is errand, "one at a time"
    errand.stop()
    assert ended(errand) is State.PAUSED and errand.error is None
    found = stock()
    assert found.state is Stock.PARTIAL and 2_000_000 < found.come < found.total
    came = part.stat().st_size
    fake.stall_after = None
    fake.released.set()
    assert ended(errands.start(Kind.FETCH, ID)) is State.DONE
    assert fake.gets(LARGE)[-1].range == f"bytes={came}-"
    assert stock().verified


def test_the_child_ends_with_an_app_that_is_killed(fake, given, tmp_path):
    fake.stall_after = 3_000_000
    code = f"""
        import os, time
        from cxr_demo.ui.errands import Errands, Kind
        errand = Errands(os.environ).start(Kind.FETCH, {ID!r})
        print(errand._process.pid, flush=True)
        time.sleep(60)
    """
    app = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=given, stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(app.stdout.readline()))
    until(lambda: fake.gets(LARGE))
    app.send_signal(signal.SIGKILL)
    app.wait(10)
    fake.released.set()  # the host sends no more, and the child looks up from its work
    gone, _ = psutil.wait_procs([child], 20)
    assert gone
    assert stock().state is Stock.PARTIAL
    assert not stock().verified


@pytest.mark.parametrize(
    ("odd", "code", "step"),
    [
        ({"gated": True}, "not_logged_in", "hf auth login"),
        ({"status": 404}, "not_found_or_private", "huggingface"),
        ({"status": 407}, "proxy_wants_login", "HTTPS_PROXY"),
        ({"storage_status": 403}, "storage_blocked", "weights urls"),
    ],
)
def test_refusals_are_told_apart_with_their_next_step(errands, fake, odd, code, step):
    for name, value in odd.items():
        setattr(fake, name, value)
    errand = errands.start(Kind.FETCH, ID)
    assert ended(errand) is State.FAILED
    assert errand.error.code == code
    assert step in errand.error.message("en").replace(fake.endpoint, "https://huggingface.co")
    errands.forget(ID)
    assert errands.of(ID) is None


def test_what_came_is_verified_altered_and_deleted(errands):
    ended(errands.start(Kind.FETCH, ID))
    path = models_dir() / ID / LARGE
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stock().state is Stock.HERE, "only reading it can tell"
    checked = errands.start(Kind.VERIFY, ID)
    assert ended(checked) is State.DONE
    assert {each["name"]: each["state"] for each in checked.lines}[LARGE] == "altered"
    assert (stock().state, stock().names) == (Stock.ALTERED, (LARGE,))
    assert ended(errands.start(Kind.DELETE, ID)) is State.DONE
    assert stock().state is Stock.ABSENT and not (models_dir() / ID).exists()


def test_a_folder_is_imported_and_addresses_are_listed(errands, tmp_path, fake):
    checkpoints.write(ID, tmp_path, tiny=True)
    done = errands.start(Kind.IMPORT, ID, str(tmp_path), "--model", ID)
    assert ended(done) is State.DONE
    assert (stock().state, stock().published) == (Stock.HERE, False)
    listed = errands.start(Kind.URLS, ID)
    assert ended(listed) is State.DONE
    assert listed.lines[0]["hosts"] and len(listed.lines[0]["files"]) == 5
    assert json.dumps(listed.lines[0]).count("sha256:") == 1


def test_without_a_record_nothing_is_called_verified():
    folder = models_dir() / ID
    folder.mkdir(parents=True)
    assert stock().state is Stock.ABSENT
    (folder / "config.json").write_text("{}")
    assert stock().state is Stock.PARTIAL and "tokenizer.json" in stock().names
    for name, data in tiny_model().items():
        if "/" not in name:
            (folder / name).write_bytes(data)
    found = stock()
    assert (found.state, found.recorded, found.verified) == (Stock.HERE, False, False)
    (folder / "cxr-demo.json").write_text("{")
    assert stock().state is Stock.BROKEN


def test_a_child_whose_app_is_gone_before_it_begins_asks_nothing(given, fake):
    command = [sys.executable, "-m", "cxr_demo", "weights", "fetch", ID, "--json", "--attached"]
    done = subprocess.run(command, env=given, input="", capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "fetch_stopped"
    assert fake.asked == []
