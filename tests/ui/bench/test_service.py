"""The desk behind the screen: what it shows, what it asks of the worker, what it refuses."""

import json
from concurrent.futures import Future

import pytest

from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation.job import store_path
from cxr_demo.paths import models_dir
from cxr_demo.results.book import Book
from cxr_demo.store.reading import StoreReader
from cxr_demo.ui.bench.folders import Folders
from cxr_demo.ui.bench.service import Bench
from cxr_demo.worker.faults import JobRunning
from cxr_demo.worker.messages import WorkerState, WorkerStatus
from tests.results.build import Made, fill


class Worker:
    """Keeps what it is asked for; answers with `error`, if there is one."""

    def __init__(self):
        self.asked = []
        self.error = None
        self.now = WorkerStatus(WorkerState.READY)

    def status(self):
        return self.now

    def _answer(self, *asked):
        self.asked.append(asked)
        future = Future()
        if self.error is None:
            future.set_result(None)
        else:
            future.set_exception(self.error)
        return future

    def start_evaluation(self, recipe, data, options=None):
        return self._answer("start", recipe, data, options)

    def pause_job(self):
        return self._answer("pause")

    def resume_job(self, group=None):
        return self._answer("resume", group)

    def stop_job(self):
        return self._answer("stop")


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def bench(worker):
    made = Bench(worker, Book(store_path()), lambda: StoreReader(store_path()), Folders())
    yield made
    made.close()


def test_a_fresh_machine_offers_the_phantoms_in_one_click(bench, worker):
    state = bench.state("en")
    assert state["current"] is None
    assert state["earlier"] == []
    assert "phantoms" in state["quick"]["button"]
    bench.quick()
    ((kind, recipe, data, options),) = worker.asked
    assert (kind, recipe.name, data, options) == ("start", "preliminary", {"phantoms": "234"}, {})
    assert recipe.models == ("embedded",)
    assert [str(each) for each in recipe.precisions] == ["bf16", "nf4"]
    assert len(recipe.pipelines) == 2


def test_a_page_is_told_only_what_is_new(bench):
    first = bench.state("en")
    assert bench.state("en", first["version"]) == {"same": True}
    assert bench.state("pt", first["version"])["version"] != first["version"]
    bench.take_wish({"evaluation": "phantoms", "models": ["embedded"], "count": 20})
    assert bench.state("en", first["version"])["setup"]["wish"]["count"] == 20


def test_what_is_chosen_is_there_again_after_a_restart(bench, worker):
    bench.take_wish({"evaluation": "phantoms", "models": ["embedded"], "precisions": ["nf4"]})
    again = Bench(worker, bench.book, lambda: StoreReader(store_path()), Folders())
    assert again.state("en")["setup"]["wish"]["precisions"] == ["nf4"]


def test_without_chexbert_it_asks_before_patients_are_read(bench, worker, tmp_path, monkeypatch):
    monkeypatch.setattr("cxr_demo.ui.bench.setup.able", lambda card, wish: True)
    root = write_layout("chexpert", tmp_path / "chexpert", 4, width=256)
    bench.folders.check("chexpert", str(root))
    bench.folders.close()  # waits for nothing; the check itself is quick
    while bench.folders.known("chexpert").busy:
        pass
    bench.take_wish({"evaluation": "preliminary", "models": ["medgemma-4b-it"]})
    answer = bench.start(trial=False, agreed=False, language="en")
    assert "F1 (rules)" in " ".join(answer["question"])
    assert worker.asked == []
    assert bench.start(trial=False, agreed=True, language="en") == {}
    assert worker.asked[0][2:] == ({"chexpert": str(root)}, {"trial": True})
    assert bench.state("en")["setup"]["start"] == "Estimate the time, then ask"
    folder = models_dir() / "chexbert"
    folder.mkdir(parents=True)
    (folder / "chexbert.pth").write_bytes(b"x")
    assert bench.start(trial=True, agreed=False, language="en") == {}
    assert worker.asked[1][3] == {"trial": True}


def test_nothing_starts_while_something_is_missing(bench, worker):
    bench.take_wish({"evaluation": "preliminary", "models": ["medgemma-4b-it"]})
    assert bench.start(trial=False, agreed=True, language="en") == {}
    assert worker.asked == []
    assert bench.state("en")["setup"]["ready"]


def test_why_the_worker_refused_is_said_until_the_next_thing(bench, worker):
    worker.error = JobRunning()
    bench.quick()
    assert bench.state("pt")["error"] == JobRunning().message("pt")
    worker.error = None
    bench.pause()
    assert bench.state("pt")["error"] is None
    assert [each[0] for each in worker.asked] == ["start", "pause"]


def test_what_lies_in_the_store_is_shown_without_a_word_of_the_worker(bench):
    fill(store_path(), [Made(), Made(precision="nf4", done=40)], images=60)
    state = bench.state("en")
    shown = [state["current"]] if state["current"] else state["earlier"]
    assert len(shown) == 1
    assert shown[0]["board"] == shown[0]["group"]
    assert "CheXpert valid" in shown[0]["title"]
    assert state["quick"] is None
    json.dumps(state)  # all of it can travel
