"""CheXbert's labels while an arm is read: within their share of the time, and never twice."""

from types import SimpleNamespace

import pytest

from cxr_demo.errors import OutOfMemory
from cxr_demo.evaluation import along, labelling
from cxr_demo.evaluation.along import Along
from cxr_demo.evaluation.recipe_run import RecipeRun
from cxr_demo.records import PipelineKind
from cxr_demo.results import words
from cxr_demo.results.book import Book
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.store.records import Row
from tests.evaluation.bench import COUNT, again, drive, plan, recipe
from tests.evaluation.test_recipe_run import POLICY
from tests.store.test_evaluations import filled

REPORT = PipelineKind.REPORT


def test_a_figure_so_far_has_chexbert_and_a_kill_changes_no_label(
    chexpert, tiny_chexbert, monkeypatch
):
    for name, value in (("FIRST_S", 0.0), ("LOOK_S", 0.0), ("SHARE", 1e9)):
        monkeypatch.setattr(along, name, value)
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(plan({"chexpert": chexpert}, recipe((REPORT,))), store)
        drive(run, steps=5)
        run.end("running")
        (arm,) = store.arms(run.group)
        found = store.outcomes(arm.id)
        so_far = int(found.present["chexbert"].sum())
        assert 2 <= so_far < arm.done and so_far % 2 == 0
        assert found.present["chexbert"][:so_far].all()  # in running order: a random sample
        before = {at: found.labels["chexbert"][at].tolist() for at in range(so_far)}
        book = Book(store.path)
        (result,) = book.board(run.group, "chexbert", POLICY).arms
        assert (result.labeler, result.figures.images) == ("chexbert", so_far)
        assert words.so_far(result, "en") == f"{so_far} of {COUNT} so far"
        (result,) = book.board(run.group, "rules", POLICY).arms
        assert result.figures.images == arm.done  # no labeler stands in for another
        book.close()
        last = again(run, store)
        drive(last)
        last.end("finished")
        found = store.outcomes(arm.id)
        assert found.present["chexbert"].all() and store.arm(arm.id).state == "finished"
        for at in range(COUNT):
            report = store.texts(arm.id, [at])[at].report
            (label,) = labelling.by_chexbert(tiny_chexbert, [(at, report)])
            assert tuple(found.labels["chexbert"][at]) == label.codes
        assert {at: found.labels["chexbert"][at].tolist() for at in before} == before


class Device:
    """A host's part in it: what is rested and for how long."""

    device, rests = "cuda:0", 0

    def rest(self):
        self.rests += 1

    def go_on(self):
        self.rests += 100


def stand_in(clock, places, full=False):
    """A labeler that takes a second a report, and is too large for the GPU if `full`."""

    def move(device):
        places.append(device)
        if full and device != "cpu":
            raise OutOfMemory(model="CheXbert", free=None)

    def label(texts):
        clock[0] += len(texts)
        return [labelling.rules.label(text) for text in texts]

    return SimpleNamespace(move=move, label=label)


@pytest.mark.parametrize("full", [False, True])
def test_it_keeps_within_its_share_and_its_place(monkeypatch, tiny_chexbert, full):
    clock, places, device = [0.0], [], Device()
    labeler = stand_in(clock, places, full)
    monkeypatch.setattr(labelling, "load_chexbert", lambda device: labeler)
    store, run = filled(store_path())
    with store:
        for at in range(4):
            store.commit(run, Row(at, "No pneumothorax.", "end"))
        labels = Along(store, "all", lambda: clock[0])
        times = []
        while clock[0] < 200:
            began = clock[0]
            if labels.take(run, REPORT, device):
                times.append(began)
            clock[0] += 1.0
        # Two seconds a batch: the first after a minute, the next once 4 s are 5 % of the reading.
        first, second, *_ = times
        assert 60 <= first <= 66 and (second < 72 if full else 80 <= second <= 90)
        assert set(places) == {"cuda:0", "cpu"} and places[-1] == "cpu"
        assert device.rests == 101 * len(times)
        assert not Along(store, "rules", lambda: 1e9).take(run, REPORT, device)


def test_files_that_do_not_serve_are_left_to_the_end_of_the_arm(monkeypatch, tiny_chexbert):
    tries = []

    def refused(device):
        tries.append(device)
        raise OutOfMemory(model="CheXbert", free=None) if len(tries) == 1 else labelling_fault()

    def labelling_fault():
        from cxr_demo.labelers.faults import CheXbertUnreadable

        return CheXbertUnreadable()

    monkeypatch.setattr(labelling, "load_chexbert", refused)
    store, run = filled(store_path())
    with store:
        for at in range(4):
            store.commit(run, Row(at, "No pneumothorax.", "end"))
        clock = [0.0]
        labels = Along(store, "all", lambda: clock[0])
        for _ in range(100):
            labels.take(run, REPORT, Device())
            clock[0] += 10.0
        assert len(tries) == 2 and not store.labelers(run)
