"""A reading with another model than the evaluation's: beside it, in its place, or first one and
then the other where memory runs out. In this process, with the fake model.
"""

import pytest

from cxr_demo import fit, models
from cxr_demo.records import DoneEvent, FailedEvent, Memory, Precision
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.desk import Task
from cxr_demo.worker.messages import Read, ReadingUpdate
from cxr_demo.worker.server import Server
from tests.worker import fake_worker
from tests.worker.helpers import CHOICE, image

OURS, OTHER = ("embedded", Precision.BF16), ("embedded", Precision.NF4)


class Evaluation:
    """What `Guests` and the server ask of `Jobs`; counts how often its batch was put down."""

    active, takes_device = True, True
    put_down = 0

    def at_work(self):
        return OURS

    def release(self):
        self.put_down += 1

    def make_way(self, model, precision):
        self.put_down += (model, precision) != OURS

    def status(self):
        return None


class Told:
    """An asker that keeps what it is told."""

    def __init__(self):
        self.events = []

    def send(self, message):
        if isinstance(message, ReadingUpdate):
            self.events.append(message.event)


@pytest.fixture
def server(monkeypatch):
    def bare(card, precision, device, progress):
        if (card.id, precision) == OTHER and engine.crowded and full[:1] == ["load"]:
            raise RuntimeError("CUDA error: out of memory")
        return fake_worker.FakeModel(card, precision)

    full, sampler = [], Sampler(None)
    monkeypatch.setattr(models, "load", bare)
    engine = fake_worker.FakeEngine(None)
    engine.read = lambda *given: (
        limited() if engine.crowded and full[:1] == ["read"] else plain(*given)
    )
    plain = type(engine).read.__get__(engine)

    def limited():
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        yield

    made = Server(engine, sampler, Neighbours(None), Evaluation())
    made.full = full
    engine.load(*OURS, lambda fraction: None)
    monkeypatch.setattr(fit, "beside", lambda *asked: full[:1] != ["beside"])
    yield made
    sampler.close()


def read(server, model, order=0):
    told = Told()
    server._perform(Task(told, Read(1, image(order), *model, CHOICE[2])))
    return told.events[-1]


def test_both_stay_where_both_fit_and_the_guest_leaves_when_nobody_waits(server):
    engine, jobs = server._engine, server._jobs
    evaluated = engine._model
    last = read(server, OTHER)
    assert isinstance(last, DoneEvent) and last.reading.provenance.precision is Precision.NF4
    assert last.reading.memory == Memory()  # the peaks would be those of both models
    assert server._status.guest and server._status.precision is Precision.NF4
    guest = engine._model
    read(server, OTHER)  # the next one that waits finds it there
    assert engine._model is guest and jobs.put_down == 0
    assert isinstance(read(server, OURS), DoneEvent)  # the evaluation's own, still at its batch
    assert engine._model is evaluated and not engine.crowded and jobs.put_down == 0
    read(server, OTHER)
    server._ending.set()  # no further step of the evaluation here
    server._go_on()
    assert engine._model is evaluated and not server._status.guest
    assert read(server, OURS).reading.memory.vram_allocated_peak == 7


@pytest.mark.parametrize("where", ["beside", "load", "read"])
def test_where_both_do_not_fit_the_batch_is_put_down_and_the_reading_comes(server, where):
    server.full.append(where)
    last = read(server, OTHER)
    assert isinstance(last, DoneEvent) and last.reading.report == "word " * fake_worker.WORDS
    assert server._engine.loaded == OTHER and not server._engine.crowded
    assert server._jobs.put_down >= 1


def test_memory_that_ends_within_a_text_keeps_it_and_frees_the_device(server):
    last = read(server, OTHER, fake_worker.OUT_OF_MEMORY)
    assert isinstance(last, FailedEvent) and last.report == "word " * 5
    assert server._engine.loaded is None and server._jobs.put_down == 1
