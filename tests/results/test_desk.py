"""The desk that computes intervals: same numbers as in place, states, kills, damaged files."""

import os
import signal
import time

import numpy as np
import pytest

from cxr_demo.metrics import bootstrap, counts
from cxr_demo.metrics.summary import from_patients
from cxr_demo.results.desk import Desk, State
from cxr_demo.results.resampling import (
    Settings,
    Task,
    difference_of,
    intervals_of,
    pack_task,
    unpack_task,
)

FEW = Settings(replicates=200)


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path / "kept")
    yield made
    made.close()


def per_patient(patients=50, seed=1):
    return np.random.default_rng(seed).integers(0, 4, (patients, 14, 4))


def test_what_the_child_computes_is_what_the_metrics_compute(desk):
    drawn = per_patient()
    task = Task((drawn,), FEW)
    assert desk.ask(task) == (State.COMPUTING, None)
    assert desk.wait(30)
    state, arrays = desk.ask(task)
    assert state is State.READY
    found, wanted = intervals_of(arrays), from_patients(drawn, 200)
    assert np.array_equal(found.per_finding.low, wanted.per_finding.low, equal_nan=True)
    for name, estimate in wanted.micro.items():
        assert float(found.micro[name].high) == float(estimate.high)


def test_a_pairs_difference_is_that_of_the_paired_bootstrap(desk):
    both = per_patient(), per_patient(seed=2)
    desk.ask(Task(both, FEW))
    assert desk.wait(30)
    found = difference_of(desk.ask(Task(both, FEW))[1], 0.02)
    wanted = bootstrap.difference(counts.micro, *both, margin=0.02, replicates=200)
    assert float(found.estimate.low) == float(wanted.estimate.low)
    assert found.not_inferior == wanted.not_inferior


def test_a_key_follows_from_everything_that_the_result_follows_from():
    drawn, other = per_patient(), per_patient(seed=3)
    keys = {
        Task((drawn,), FEW).key,
        Task((other,), FEW).key,
        Task((drawn,), Settings(replicates=201)).key,
        Task((drawn,), Settings(200, 0.9)).key,
        Task((drawn,), Settings(200, seed=2)).key,
        Task((drawn, other), FEW).key,
        Task((other, drawn), FEW).key,
        Task((drawn[:-1],), FEW).key,
    }
    assert len(keys) == 8
    assert unpack_task(pack_task(Task((drawn, other), FEW))).key == Task((drawn, other), FEW).key


def test_a_damaged_file_is_computed_again(tmp_path):
    task = Task((per_patient(),), FEW)
    first = Desk(tmp_path)
    first.ask(task)
    assert first.wait(30)
    first.close()
    (kept,) = tmp_path.glob("*.npz")
    assert not kept.stat().st_mode & 0o077
    kept.write_bytes(kept.read_bytes()[:100])
    again = Desk(tmp_path)
    assert again.ask(task)[0] is State.COMPUTING
    assert again.wait(30)
    assert again.ask(task)[0] is State.READY
    again.close()


def test_a_killed_child_costs_nothing_but_time(desk):
    task = Task((per_patient(4000),), Settings(replicates=4000))
    desk.ask(task)
    deadline = time.monotonic() + 20
    while desk._child is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(desk._child.pid, signal.SIGKILL)
    assert desk.wait(60)
    assert desk.ask(task)[0] is State.READY


def test_counts_that_cannot_be_drawn_from_fail_and_say_so(desk, caplog):
    task = Task((np.zeros((0, 14, 4), np.int64),), FEW)
    desk.ask(task)
    assert desk.wait(30)
    assert desk.ask(task) == (State.FAILED, None)
    assert "ended" in caplog.text


def test_closing_ends_the_child_at_once(desk):
    desk.ask(Task((per_patient(20000),), Settings(replicates=20000)))
    deadline = time.monotonic() + 20
    while desk._child is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child, begun = desk._child, time.monotonic()
    desk.close()
    assert time.monotonic() - begun < 5
    assert child.poll() is not None
