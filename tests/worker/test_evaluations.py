"""Evaluations that go on: without the app, after a kill, around single readings."""

import psutil
import pytest

from cxr_demo.evaluation.faults import RecipeUnknown
from cxr_demo.evaluation.job import store_path
from cxr_demo.phantoms import TEST_SEEDS
from cxr_demo.records import DoneEvent
from cxr_demo.store.runs import RunStore
from cxr_demo.worker.client import JobState, WorkerState
from cxr_demo.worker.faults import JobRunning
from tests.worker.fake_worker import STEP_S
from tests.worker.helpers import CHOICE, alive, image, until


def recipe(count):
    return {"count": count}


def finished(status):
    return status.job is not None and status.job.state is JobState.FINISHED


def stored(run):
    with RunStore(store_path()) as store:
        return [each.key for each in store.predictions(run)]


def test_it_goes_on_without_the_app_and_the_next_one_attaches(start):
    first = start()
    began = first.start_job("phantoms", recipe(50)).result(30)
    assert (began.done, began.total, began.state) == (0, 50, JobState.RUNNING)
    pid = first.wait(lambda status: status.job and status.job.done >= 2, 10).pid
    with pytest.raises(JobRunning):
        first.start_job("phantoms", recipe(5)).result(5)
    first.close()
    until(lambda: len(stored(began.run)) >= 36, 60)  # over five seconds with nobody attached
    second = start()
    status = second.wait(lambda status: status.state is WorkerState.EVALUATING, 5)
    assert status.pid == pid
    assert 0 < status.job.rate < 1 / STEP_S and status.job.remaining is not None
    *_, done = second.read(image(), *CHOICE)  # goes ahead at the next image
    assert isinstance(done, DoneEvent) and not finished(second.status())
    last = second.wait(finished, 20).job
    assert (last.done, last.failed) == (50, 0)
    assert stored(began.run) == [str(seed) for seed in TEST_SEEDS[:50]]
    second.close()
    until(lambda: not alive(pid), 10)


def test_it_resumes_after_kill_9_and_after_a_stop(worker):
    began = worker.start_job("phantoms", recipe(16)).result(30)
    pid = worker.wait(lambda status: status.job and status.job.done >= 3, 10).pid
    psutil.Process(pid).kill()
    again = worker.wait(lambda status: status.pid not in (None, pid) and status.job, 30)
    assert again.job.run == began.run
    assert again.job.done >= 3 or worker.wait(lambda status: status.job.done >= 4, 10)
    worker.stop_job().result(5)
    stopped = worker.wait(lambda status: status.job.state is JobState.STOPPED, 5).job
    assert stopped.done < 16
    assert worker.wait(lambda status: status.state is WorkerState.READY, 5)
    worker.start_job("phantoms", recipe(16)).result(5)
    assert worker.wait(finished, 10).job.done == 16
    assert stored(began.run) == [str(seed) for seed in TEST_SEEDS[:16]]


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("ct", {}), ("phantoms", {}), ("phantoms", {"count": 0}), ("phantoms", {"count": 1, "x": 1})],
)
def test_an_unknown_recipe_is_refused(worker, kind, asked):
    with pytest.raises(RecipeUnknown):
        worker.start_job(kind, asked).result(20)
    assert worker.status().state is WorkerState.READY
