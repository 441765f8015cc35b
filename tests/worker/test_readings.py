"""Readings through a real worker process; only the model inside is a stand-in."""

import itertools
import os
import subprocess
import sys
import time

import psutil
import pytest

from cxr_demo.errors import LeaseHeld
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    Phase,
    PhaseEvent,
    PipelineKind,
    Precision,
    StopReason,
    TokenEvent,
)
from cxr_demo.worker import client as clients
from cxr_demo.worker.client import WorkerState
from cxr_demo.worker.lease import device_lease
from tests.worker.fake_worker import BUG, DEVICE_FAULT, ENDLESS, OUT_OF_MEMORY, WORDS
from tests.worker.helpers import CHOICE, alive, image, until


def first_token(stream):
    return next(event for event in stream if isinstance(event, TokenEvent))


def code(event):
    assert isinstance(event, FailedEvent)
    return event.error["code"]


def test_a_report_streams_and_carries_what_was_measured(worker):
    events = list(worker.read(image(), *CHOICE))
    phases = [each.phase for each in events if isinstance(each, PhaseEvent)]
    assert [phase for phase, _ in itertools.groupby(phases)] == [
        Phase.QUEUED,
        Phase.LOADING,
        Phase.READING,
    ]
    fractions = [each.fraction for each in events if isinstance(each, PhaseEvent)][1:-1]
    assert fractions == sorted(fractions)
    assert sum(isinstance(each, TokenEvent) for each in events) == WORDS
    done = events[-1]
    assert isinstance(done, DoneEvent) and done.reading.report == "word " * WORDS
    assert done.reading.memory.vram_allocated_peak == 7  # torch's own, kept
    assert 10e6 < done.reading.memory.rss_peak < 10e9
    status = worker.wait(lambda status: status.state is WorkerState.READY, 5)
    assert (status.model, status.precision) == CHOICE[:2]
    assert status.device == "fake device"
    again = list(worker.read(image(), *CHOICE))
    assert not any(getattr(each, "phase", None) is Phase.LOADING for each in again)


def test_status_tells_of_loading_and_the_last_model_is_loaded_at_the_next_start(start):
    first = start()
    seen = []
    first.load("medgemma-4b-it", Precision.NF4).result(30)
    first.unload().result(5)
    assert first.wait(lambda status: status.model is None, 2).state is WorkerState.READY
    first.shutdown().result(5)
    first.wait(lambda status: status.state is WorkerState.DEAD, 5)
    first.close()
    second = start(preload=True)
    seen.append(second.wait(lambda status: status.state is WorkerState.LOADING, 30))
    assert (seen[0].model, seen[0].precision) == ("medgemma-4b-it", Precision.NF4)
    ready = second.wait(lambda status: status.state is WorkerState.READY and status.model, 5)
    assert (ready.model, ready.precision) == ("medgemma-4b-it", Precision.NF4)


def test_stop_ends_within_a_token(worker):
    stream = worker.read(image(ENDLESS), *CHOICE)
    for event in stream:
        if isinstance(event, TokenEvent) and event.token.index == 9:
            break
    began = time.monotonic()
    stream.stop()
    rest = list(stream)
    assert time.monotonic() - began < 1
    assert rest[-1].reading.stop is StopReason.STOPPED
    assert worker.wait(lambda status: status.state is WorkerState.READY, 2)
    assert next(stream, None) is None


def test_one_thing_at_a_time_for_two_apps_and_stop_reaches_the_queue(worker, start):
    other = start()
    other.wait(lambda status: status.pid is not None, 10)
    assert other.status().pid == worker.status().pid
    running = worker.read(image(ENDLESS), *CHOICE)
    first_token(running)
    waiting, given_up = (other.read(image(), *CHOICE) for _ in range(2))
    assert next(waiting) == PhaseEvent(Phase.QUEUED)
    other.wait(lambda status: status.waiting == 2, 5)
    given_up.stop()
    other.read(image(), *CHOICE).stop()  # another client's stop leaves the running one alone
    first_token(running)
    running.stop()
    *_, done = running
    assert isinstance(done, DoneEvent)
    *_, last = waiting
    assert isinstance(last, DoneEvent) and last.reading.stop is StopReason.END
    *_, refused = given_up
    assert code(refused) == "reading_stopped"


def test_too_many_are_told_that_the_gpu_is_busy(worker):
    running = worker.read(image(ENDLESS), *CHOICE)
    first_token(running)
    streams = [worker.read(image(), *CHOICE) for _ in range(9)]
    *_, last = streams[-1]
    assert code(last) == "worker_busy"
    for each in (running, *streams):
        each.stop()


def test_a_client_that_leaves_stops_its_reading(worker, start):
    leaving = start()
    first_token(leaving.read(image(ENDLESS), *CHOICE))
    worker.wait(lambda status: status.state is WorkerState.READING, 5)
    leaving.close()
    worker.wait(lambda status: status.state is WorkerState.READY, 2)


@pytest.mark.parametrize(("order", "expected"), [(OUT_OF_MEMORY, "out_of_memory"), (BUG, "model")])
def test_an_error_costs_one_reading_and_says_nothing_of_the_file(worker, order, expected):
    pid = worker.status().pid
    *_, last = worker.read(image(order), *CHOICE)
    assert code(last) == expected
    assert last.report == "word " * 5
    assert "maria" not in str(last)
    assert worker.wait(lambda status: status.state is WorkerState.READY, 5).pid == pid
    assert (worker.status().model is None) == (expected == "out_of_memory")  # memory was freed
    *_, done = worker.read(image(), *CHOICE)
    assert isinstance(done, DoneEvent)


@pytest.mark.parametrize("how", ["device fault", "kill -9"])
def test_a_dead_worker_is_noticed_said_and_started_again(worker, how):
    pid = worker.status().pid
    stream = worker.read(image(DEVICE_FAULT if how == "device fault" else ENDLESS), *CHOICE)
    first_token(stream)
    if how == "kill -9":
        psutil.Process(pid).kill()
    *_, last = stream
    assert code(last) == "worker_died"
    assert last.report.startswith("word ")
    dead = worker.wait(lambda status: status.state is WorkerState.DEAD, 3)
    assert dead.error["code"] == "worker_died"
    *_, done = worker.read(image(), *CHOICE)  # asked while it is away: waits for its return
    assert isinstance(done, DoneEvent)
    assert worker.status().pid not in (None, pid)
    assert not alive(pid)


def test_a_worker_that_hangs_is_replaced(start, monkeypatch):
    monkeypatch.setattr(clients, "SILENCE_S", 2.0)
    worker = start()
    pid = worker.wait(lambda status: status.pid is not None, 30).pid
    psutil.Process(pid).suspend()
    worker.wait(lambda status: status.pid not in (None, pid), 20)
    assert not alive(pid)


APP = """
import sys, time
from cxr_demo.worker.client import WorkerClient
from tests.worker.helpers import CHOICE, FAKE, image
from tests.worker.fake_worker import ENDLESS
worker = WorkerClient.start(command=FAKE, preload=False)
stream = worker.read(image(ENDLESS), *CHOICE)
for event in stream:
    print(worker.status().pid, flush=True)
    time.sleep(0.1)
"""


@pytest.mark.parametrize("victims", ["app", "both"])
def test_kill_9_leaves_nothing_behind_and_a_restart_works(start, victims):
    app = subprocess.Popen([sys.executable, "-c", APP], stdout=subprocess.PIPE, text=True)
    line = next(line for line in app.stdout if line.strip() != "None")
    pid = int(line)
    app.kill()
    if victims == "both":
        psutil.Process(pid).kill()
    app.wait()
    app.stdout.close()
    until(lambda: not alive(pid), 10)
    again = start()
    *_, done = again.read(image(), *CHOICE)
    assert isinstance(done, DoneEvent)
    assert again.status().pid != pid


def test_what_the_model_saw(worker):
    seen = worker.see(image(), "medgemma-4b-it", Precision.BF16, PipelineKind.DIRECT)
    assert seen.image.shape == (8, 8, 3)
    assert seen.prompt.id == "gemma-direct-1"
    assert seen.text == f"<image>{seen.prompt.text}"
    steps = {"model": "chexagent-8b", "precision": Precision.BF16, "kind": PipelineKind.REPORT}
    steps["prompt"] = "chexagent-8b-steps-1"
    seen = worker.see(image(), **steps)
    assert seen.prompt.id == steps["prompt"] and "[Cardiac]\n" in seen.text
    *_, done = worker.read(image(), **steps)
    assert done.reading.provenance.prompt == seen.prompt


def test_a_gpu_that_another_program_holds_is_left_alone(worker):
    with device_lease(None):
        *_, last = worker.read(image(), *CHOICE)
    assert code(last) == "lease_held" and last.error["params"]["pid"] == os.getpid()
    *_, done = worker.read(image(), *CHOICE)
    assert isinstance(done, DoneEvent)
    with pytest.raises(LeaseHeld):
        device_lease(None).acquire()


def test_an_unknown_model_is_an_answer_not_a_crash(worker):
    pid = worker.status().pid
    *_, last = worker.read(image(), "gpt-9", *CHOICE[1:])
    assert code(last) == "unknown_model"
    assert worker.status().pid == pid
