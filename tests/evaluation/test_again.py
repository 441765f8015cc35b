"""Images read once more after a resume: counted against the rows, which stay as they are."""

import shutil
from dataclasses import replace

import pytest

from cxr_demo.errors import OutOfMemory
from cxr_demo.evaluation import again, relabel
from cxr_demo.evaluation.facts import PARTS
from cxr_demo.evaluation.progress import RunPhase
from cxr_demo.evaluation.recipe_run import RecipeRun
from cxr_demo.records import Precision
from cxr_demo.results import loading, words
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from tests.evaluation import bench
from tests.evaluation.bench import COUNT, ENGINE, drive, host, never, plan, recipe


@pytest.fixture(scope="module")
def left(chexpert, tmp_path_factory):
    """A run that a process left after four images; each resume reads three of them again."""
    path = tmp_path_factory.mktemp("left") / "evaluations.sqlite"
    with EvaluationStore(path) as store:
        run = RecipeRun(plan({"chexpert": chexpert}, recipe(), again=3), store)
        device = host()
        device._path = path
        drive(run, device, steps=4)
        run.end("running")
    return path, run


@pytest.fixture
def stopped(left):
    """The same, to go on with."""
    shutil.copy(left[0], store_path())
    with EvaluationStore(store_path()) as store:
        yield store, left[1]


def compare(run, replies=None):
    """Go on until the comparison is over, or has stored `replies` outputs."""
    seen = False
    while run.advance(host(), never):
        seen |= run.progress().phase is RunPhase.COMPARING
        stored = len(run._store.again(run.arms[0].run)) if run.arms[0].run else 0
        if stored == replies or (seen and not run.arms[0].comparing):
            break
    return seen


def other_texts(monkeypatch, times):
    """The model says something else, `times` times."""
    model, left = ENGINE.load("embedded", Precision.BF16, lambda fraction: None), [times]
    whole = model.generate_many

    def changed(items, slots, should_stop):
        for reply in whole(items, slots, should_stop):
            if left[0]:
                left[0] -= 1
                reply = replace(reply, text="Pneumothorax")
            yield reply

    monkeypatch.setattr(model, "generate_many", changed)


def test_other_texts_after_resumes_are_counted_together_and_rows_stay(stopped, monkeypatch):
    store, first = stopped
    (arm,) = store.arms(first.group)
    before = store.texts(arm.id, sorted(store.done(arm.id)))
    other_texts(monkeypatch, 2)
    second = bench.again(first, store)
    assert compare(second)
    second.end("running")
    third = bench.again(first, store)
    drive(third)
    third.end("finished")
    (arm,) = store.arms(first.group)
    found = loading.reread(arm.facts)
    assert (found.resumes, found.images, found.texts) == (2, 6, 2)
    assert found.labels["direct"] == (6, 2)
    assert (arm.done, arm.failed, arm.state) == (COUNT, 0, "finished")
    assert sum(part["images"] for part in arm.facts[PARTS].values()) == COUNT  # and no more
    assert {at: store.texts(arm.id, [at])[at] for at in before} == before
    told = words.reread(found, "direct", "pt")
    assert told.startswith("após uma retomada, 2 de 6 imagens relidas")
    list(relabel.relabel(store_path(), None, "rules", "cpu", lambda *told: None))
    assert loading.reread(store.arm(arm.id).facts) == found


def test_a_kill_a_reading_and_full_memory_in_the_middle_lose_nothing(stopped, monkeypatch):
    store, first = stopped
    killed = bench.again(first, store)
    assert compare(killed, replies=1)
    killed.end("running")
    run = bench.again(first, store)
    assert compare(run, replies=2)
    run.make_way("medgemma-4b-it", Precision.NF4)  # its own second image is still to come
    assert compare(run)
    (arm,) = store.arms(first.group)
    assert loading.reread(arm.facts).images == 1 + 3
    drive(run)
    run.end("finished")
    assert store.arms(first.group)[0].done == COUNT


def test_what_ends_the_process_or_its_memory_is_not_tried_for_ever(stopped, monkeypatch):
    store, first = stopped
    model = ENGINE.load("embedded", Precision.BF16, lambda fraction: None)
    whole, sizes = model.generate_many, []

    def narrow(items, slots, should_stop):
        sizes.append(slots)
        if slots > 2:
            raise OutOfMemory(model="embedded", free=0)
        yield from whole(items, slots, should_stop)

    monkeypatch.setattr(model, "generate_many", narrow)
    (arm,) = store.arms(first.group)
    for _ in range(2):  # two processes died of it
        store.begin_session(arm.id, arm.done)
    run = bench.again(first, store)
    assert not compare(run) and not store.again(arm.id)
    drive(run)
    assert sizes == [4, 2] and store.arms(first.group)[0].done == COUNT


def test_the_sample_is_random_and_another_one_after_each_resume():
    done = range(1_000)
    chosen = [again.sample("run", f"resume {at}", done, 32) for at in range(50)]
    assert all(len(set(each)) == 32 and each != sorted(each) for each in chosen)
    assert len({tuple(each) for each in chosen}) == 50
    assert 400 < sum(map(sum, chosen)) / (50 * 32) < 600
    assert sorted(again.sample("run", "resume", range(5), 32)) == [0, 1, 2, 3, 4]
