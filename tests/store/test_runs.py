import sqlite3
import subprocess
import sys

import pytest

from cxr_demo.paths import private_dir
from cxr_demo.store import migrations
from cxr_demo.store.runs import Prediction, RunStore, run_id

RECIPE = {"count": 3, "model": "embedded"}


@pytest.fixture
def path():
    return private_dir() / "store.sqlite"


def test_the_same_recipe_goes_on_and_another_one_does_not(path):
    with RunStore(path) as store:
        run = store.open_run("phantoms", RECIPE, 3)
        store.commit(run.id, Prediction("a", report="r", labels={"rules": {"Edema": "positive"}}))
        store.commit(run.id, Prediction("b", error="out_of_memory"))
        store.set_state(run.id, "stopped")
    with RunStore(path) as store:
        again = store.open_run("phantoms", dict(reversed(RECIPE.items())), 3)
        assert again.id == run.id == run_id("phantoms", RECIPE)
        assert store.keys(again.id) == {"a", "b"}
        assert store.counts(again.id) == (2, 1)
        assert [each.id for each in store.runs("running")] == [run.id]
        other = store.open_run("phantoms", RECIPE | {"count": 4}, 4)
        assert store.keys(other.id) == set()
        a, b = store.predictions(run.id)
        assert a.labels == {"rules": {"Edema": "positive"}} and b.error == "out_of_memory"


def test_what_was_committed_survives_kill_9(path):
    code = f"""
import os, signal
from pathlib import Path
from cxr_demo.store.runs import Prediction, RunStore
store = RunStore(Path({str(path)!r}))
run = store.open_run("phantoms", {RECIPE!r}, 3)
store.commit(run.id, Prediction("a", report="whole"))
store.begin(run.id, "b")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with RunStore(path) as store:
        (run,) = store.runs("running")
        assert [each.report for each in store.predictions(run.id)] == ["whole"]
        assert store.begin(run.id, "b") == 2  # it was tried before, and did not end well
        assert store.begin(run.id, "c") == 1
        store.forget_try(run.id)
        assert store.begin(run.id, "c") == 1


def test_a_row_is_written_once(path):
    with RunStore(path) as store:
        run = store.open_run("phantoms", RECIPE, 3)
        store.commit(run.id, Prediction("a", report="first"))
        store.commit(run.id, Prediction("a", report="second"))
        assert [each.report for each in store.predictions(run.id)] == ["first"]


def test_a_reader_sees_commits_while_the_writer_works(path):
    with RunStore(path) as writer, RunStore(path) as reader:
        run = writer.open_run("phantoms", RECIPE, 3)
        writer.commit(run.id, Prediction("a"))
        assert reader.counts(run.id) == (1, 0)


def test_the_file_is_private_and_a_newer_one_is_refused(path):
    RunStore(path).close()
    assert path.stat().st_mode & 0o077 == 0
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(migrations.STEPS) + 1}")
    connection.close()
    with pytest.raises(ValueError, match="this app knows"):
        RunStore(path)


def test_a_file_of_the_first_version_is_brought_on(path):
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(f"{migrations.STEPS[0]} PRAGMA user_version = 1;")
    old.execute("INSERT INTO run VALUES ('r', 'phantoms', '{}', 1, 'finished', '', NULL, 0)")
    old.execute("INSERT INTO prediction (run, key, report, created) VALUES ('r', 'a', 'kept', '')")
    old.close()
    with RunStore(path) as store:
        store.commit("r", Prediction("b", answers={"yes": {"Edema": 0.25}}))
        a, b = store.predictions("r")
    assert (a.report, a.answers) == ("kept", None)
    assert b.answers == {"yes": {"Edema": 0.25}}
