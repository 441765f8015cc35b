"""Evaluations that go on without the app, and requests for what there is not."""

from dataclasses import replace

import pytest

from benchmarks.phantoms import phantoms
from benchmarks.preliminary import preliminary
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation.faults import RecipeUnknown
from cxr_demo.records import DoneEvent, Precision
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker.client import JobState, WorkerState
from tests.worker.fake_worker import STEP_S
from tests.worker.helpers import CHOICE, alive, image, until

COUNT = 44
RECIPE = preliminary(["embedded"], [Precision.BF16])
OPTIONS = {"timed": False, "slots": 1}


def finished(status):
    return status.job is not None and status.job.state is JobState.FINISHED


def stored(group):
    with StoreReader(store_path()) as reader:
        return sum(arm.done for arm in reader.arms(group))


def test_it_goes_on_without_the_app_and_the_next_one_attaches(start, tmp_path):
    data = {"chexpert": str(write_layout("chexpert-valid", tmp_path / "data", COUNT, width=256))}
    first = start()
    began = first.start_evaluation(replace(RECIPE, pipelines=CHOICE[2:]), data, OPTIONS).result(30)
    assert (began.done, began.state) == (0, JobState.RUNNING)
    status = first.wait(lambda status: status.job and status.job.done >= 2, 60)
    pid, group = status.pid, status.job.group
    first.close()
    until(lambda: stored(group) >= 36, 60)  # over five seconds with nobody attached
    second = start()
    status = second.wait(lambda status: status.state is WorkerState.EVALUATING, 5)
    assert status.pid == pid
    assert 0 < status.job.rate < 1 / STEP_S and status.job.remaining is not None
    *_, done = second.read(image(), *CHOICE)  # goes ahead at the next image
    assert isinstance(done, DoneEvent) and not finished(second.status())
    last = second.wait(finished, 20).job
    assert (last.done, last.total, last.failed) == (COUNT, COUNT, 0)
    assert stored(group) == COUNT
    second.close()
    until(lambda: not alive(pid), 10)


def test_what_there_is_not_is_refused(worker):
    for kind, asked in (("ct", {}), ("recipe", {"count": 1})):
        with pytest.raises(RecipeUnknown):
            worker.start_job(kind, asked).result(20)
    for count in ("0", "many"):
        with pytest.raises(RecipeUnknown):
            worker.start_evaluation(phantoms(), {"phantoms": count}).result(20)
    with pytest.raises(RecipeUnknown):
        worker.start_evaluation(replace(phantoms(), pipelines=()), {"phantoms": "1"}).result(20)
    assert worker.status().state is WorkerState.READY
