"""The device's owner as evaluations see it: an engine, its memory, its neighbours."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

from cxr_demo.errors import CxrError
from cxr_demo.evaluation import host as hosts
from cxr_demo.evaluation.answers import Answers
from cxr_demo.models.base import Model
from cxr_demo.records import DoneEvent, Memory, Precision, Radiograph, ReadingEvent
from cxr_demo.store.place import store_path
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.engine import DeviceFault, Engine, merge
from cxr_demo.worker.shortage import batch, require_room

MEASURE = (sys.executable, "-m", "cxr_demo.worker.measure")


class DeviceHost:
    """See `evaluation.host.Host`. `on_load` is called with fractions while a model comes to the
    device, and with None when it is there."""

    def __init__(
        self,
        engine: Engine,
        sampler: Sampler,
        neighbours: Neighbours,
        on_load: Callable[[float | None], None] = lambda fraction: None,
        path: Path | None = None,
    ) -> None:
        self._engine, self._sampler, self._neighbours = engine, sampler, neighbours
        self._on_load, self._path = on_load, path
        self._proven: set[tuple[str, Precision]] = set()
        self._watching = self._resting = False
        self._kept = Memory()
        self._lent = False
        self.load_seconds: float | None = None

    @property
    def device(self) -> str:
        """torch's name of the device."""
        return self._engine.place

    def model(self, model: str, precision: Precision) -> Model:
        """That model on the device, its use of the image proven once."""
        self._lent = False
        if self._engine.loaded != (model, precision):
            began = time.monotonic()
            try:
                self._engine.load(model, precision, self._on_load)
            finally:
                self._on_load(None)
            self.load_seconds = time.monotonic() - began
            self._neighbours.settle()
        loaded = self._engine.load(model, precision, self._on_load)
        loaded.settle()
        if (model, precision) not in self._proven:
            self._engine.require_image_use()
            self._proven.add((model, precision))
        return loaded

    def require_room(self, model: str, precision: Precision, known: int | None) -> None:
        """Raises NoLongerFits."""
        require_room(model, precision, known, self._sampler.sample())

    def batch(self, model: str, precision: Precision, new: int, images: int) -> int | None:
        """How many of `images` to read at once."""
        return batch(model, precision, new, images, self._sampler.sample())

    def ask(self, radiograph: Radiograph) -> Answers:
        """The loaded model's raw answers."""
        return self._engine.ask(radiograph)

    def free(self) -> None:
        """Empty the device for a process that is started now."""
        self._engine.hold()
        self._engine.unload()
        self._on_load(None)
        self._lent = True

    def translate(self, error: Exception, model: str) -> CxrError:
        """`error` in words. Raises DeviceFault for a broken device."""
        if isinstance(error, DeviceFault):
            raise error
        told = self._engine.translate(error, model)
        self._on_load(None)
        return told

    def watch(self) -> None:
        """Begin to sample peaks."""
        self._kept, self._watching, self._resting = Memory(), True, False
        self._sampler.begin_request()

    def watched(self) -> Memory:
        """The peaks since `watch`, less what readings took in between."""
        self.rest()
        self._watching = False
        return self._kept

    def rest(self) -> None:
        """Something else uses the device: its memory is not the evaluation's."""
        if self._watching and not self._resting:
            self._kept = larger(self._kept, self._sampler.end_request())
        self._resting = True

    def go_on(self) -> None:
        """The evaluation has the device again."""
        if self._watching and self._resting:
            self._sampler.begin_request()
        self._resting = False

    def neighbours(self) -> hosts.Neighbours | None:
        """Who else uses the device now."""
        found = self._neighbours.look(self._lent)
        return None if found is None else hosts.Neighbours(*found)

    def measuring_command(self) -> list[str]:
        """`worker.measure`."""
        return list(MEASURE)

    def store(self) -> Path:
        """Where rows are written."""
        return self._path or store_path()


def measured(
    events: Iterator[ReadingEvent], engine: Engine, sampler: Sampler
) -> Iterator[ReadingEvent]:
    """The events of a reading, the last one with the peaks that were sampled beside them; without
    any if two models were on the device, since they would be those of both."""
    for event in events:
        if isinstance(event, DoneEvent):
            sampled = sampler.end_request()
            memory = Memory() if engine.crowded else merge(sampled, event.reading.memory)
            event = DoneEvent(replace(event.reading, memory=memory))
        yield event


def larger(first: Memory, second: Memory) -> Memory:
    """Field by field the larger of two peaks; a field that only one has is that one's."""
    found = {}
    for each in fields(Memory):
        known = [getattr(one, each.name) for one in (first, second)]
        found[each.name] = max((value for value in known if value is not None), default=None)
    return Memory(**found)
