"""The desk behind the screen: what it shows, what it asks of the worker, what it refuses."""

import json
from concurrent.futures import Future

import pytest

from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation import rank_files
from cxr_demo.fit import Gpu, Machine
from cxr_demo.paths import models_dir
from cxr_demo.records import Precision
from cxr_demo.results.book import Book
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.ui.bench.folders import Folders
from cxr_demo.ui.bench.service import Bench
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.picker_view import picker_view
from cxr_demo.ui.state import Choice
from cxr_demo.units import GIB
from cxr_demo.worker.faults import JobRunning
from cxr_demo.worker.messages import WorkerState, WorkerStatus
from tests.results.build import Made, fill

ROOMY = Gpu("Roomy", 80 * GIB, 79 * GIB, (9, 0), 0)
SMALL = Gpu("Small", 8 * GIB, 7 * GIB, (8, 9), 0)
OLD = Gpu("Tesla T4", 16 * GIB, 15 * GIB, (7, 5), 0)


def fitness_of(gpu):
    """What fits on a machine with this GPU, or with none."""
    made = Fitness(lambda: None, measurer=None)
    made._machine = Machine((gpu,) if gpu else (), 32 * GIB, 4 * GIB, visible=0 if gpu else None)
    made._asked = float("inf")
    return made


def reader():
    return StoreReader(store_path())


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
    made = Bench(worker, Book(store_path()), reader, Folders(), fitness_of(ROOMY))
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
    again = Bench(worker, bench.book, reader, Folders(), fitness_of(ROOMY))
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


def test_what_ranks_read_is_shown_and_steered_from_their_terminal_only(bench, worker):
    fill(store_path(), (Made(done=20),), images=60)
    with EvaluationStore(store_path()) as store:
        store.set_group_state("group0000000001", "running")
    with rank_files.launch_lease("group0000000001"):
        state = bench.state("pt")
        assert (state["current"]["state"], state["current"]["actions"]) == ("running", [])
        assert "terminal" in state["current"]["notes"][0] and state["running"]
        assert "em andamento" in state["setup"]["ready"]
    assert bench.state("pt")["current"]["notes"] == []  # their launch was killed
    worker.now = WorkerStatus(WorkerState.READY, pid=7)
    state = bench.state("pt")
    (left,) = state["earlier"]
    assert (state["current"], left["state_words"]) == (None, "interrompida")
    assert [each["act"] for each in left["actions"]] == ["resume"]


def test_what_lies_in_the_store_is_shown_without_a_word_of_the_worker(bench):
    fill(store_path(), [Made(), Made(precision="nf4", done=40)], images=60)
    state = bench.state("en")
    shown = [state["current"]] if state["current"] else state["earlier"]
    assert len(shown) == 1
    assert shown[0]["board"] == shown[0]["group"]
    assert "CheXpert valid" in shown[0]["title"]
    assert state["quick"] is None
    json.dumps(state)  # all of it can travel


@pytest.fixture
def at(bench, monkeypatch):
    """The desk on a machine with another GPU, where every model is installed."""
    monkeypatch.setattr("cxr_demo.ui.bench.setup.able", lambda card, wish: True)

    def moved(gpu, *precisions, models=("medgemma-4b-it",)):
        bench._fitness = fitness_of(gpu)
        wish = {"evaluation": "phantoms", "models": models, "precisions": precisions}
        bench.take_wish(wish)
        return bench

    return moved


def pairs(state):
    return {
        each["precision"]: each
        for model in state["setup"]["fit"]["models"]
        for each in model["pairs"]
    }


def test_every_chosen_pair_says_what_the_picker_says_of_it(at):
    bench = at(SMALL, "bf16", "nf4", "bnb4_default")
    for language in ("en", "pt"):
        shown = pairs(bench.state(language))
        answers = bench._fitness.answers()
        told = picker_view(Choice("medgemma-4b-it", Precision.BF16, "report"), answers, language)
        (row,) = [each for each in told["models"] if each["id"] == "medgemma-4b-it"]
        for pair in row["pairs"]:
            if pair["precision"] in shown:
                assert pair.items() <= (shown[pair["precision"]] | {"here": pair["here"]}).items()
        assert list(shown) == ["bf16", "nf4", "bnb4_default"]
    assert shown["bf16"]["line"]["words"] == "não cabe" and "Precisa de" in shown["bf16"]["said"]
    assert shown["bnb4_default"]["line"]["words"] == "cabe" and shown["nf4"]["said"].endswith("GiB")


def test_what_does_not_fit_starts_only_after_a_yes(at, worker):
    bench = at(SMALL, "bf16", "nf4")
    setup = bench.state("en")["setup"]
    assert setup["ready"] is None and setup["unfit"] == "Does not fit now: MedGemma 4B (bf16)."
    for trial in (True, False):
        answer = bench.start(trial=trial, agreed=False, language="en")
        assert answer["question"][0].startswith("MedGemma 4B, bf16: does not fit. Needs 9")
        assert answer["yes"] == "Start all the same" and worker.asked == []
    assert bench.start(trial=False, agreed=True, language="en") == {}
    assert [each[0] for each in worker.asked] == ["start"]
    assert at(SMALL, "nf4").start(trial=False, agreed=False, language="en") == {}


def test_what_the_gpu_cannot_compute_is_barred_with_the_reason(at, worker):
    bench = at(OLD, "nf4", models=["embedded"])
    state = bench.state("en")
    barred = {each["id"]: each["barred"] for each in state["setup"]["precisions"]}
    assert "7.5" in barred["bf16"] and barred["nf4_fp32"] == ""
    assert state["setup"]["ready"] == "This GPU cannot compute 4 bits: take that out."
    assert "(compute capability 7.5): bf16; 4 bits" in state["setup"]["barred"]
    assert bench.start(trial=False, agreed=True, language="en") == {} and worker.asked == []
    assert "(4 bits, fp32)" in state["quick"]["text"]
    bench.quick()
    assert [str(each) for each in worker.asked[0][1].precisions] == ["nf4_fp32"]
    shown = pairs(at(OLD, "bf16", "nf4_fp32").state("pt"))
    assert shown["bf16"]["verdict"] == "barred" and "7.5" in shown["bf16"]["line"]["reason"]
    assert shown["nf4_fp32"]["verdict"] == "fits"


def test_without_a_gpu_the_words_are_those_of_main_memory(at):
    shown = pairs(at(None, "nf4_emb", "bf16").state("en"))
    assert "Slow: on the processor" in shown["nf4_emb"]["line"]["reason"]
    assert "No NVIDIA GPU; needs" in shown["bf16"]["line"]["reason"]
    assert all(each["said"] == each["line"]["reason"] for each in shown.values())
    assert at(None, "bf16", models=["embedded"]).state("en")["setup"]["fit"] is None
