"""Does it fit, as all screens know it: one machine, asked about once a second, and one measurement.

The reading room's picker, the screen "Will it fit?" and the Benchmarks screen read the same
answers, so that they can never say two things.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cxr_demo import fit
from cxr_demo.errors import CxrError
from cxr_demo.fit import Answer, Gpu, Machine
from cxr_demo.records import Precision, Telemetry
from cxr_demo.telemetry import capability
from cxr_demo.telemetry.capability import Barred
from cxr_demo.worker.streams import Measuring

FRESH_S = 1.0
"""Seconds for which what was asked of the machine counts as now."""


class Measurer(Protocol):
    """What measures: `worker.client.WorkerClient`."""

    def measure_fit(self, model: str, precision: Precision) -> Measuring:
        """Start measuring one pair on the worker's GPU."""
        ...


@dataclass(frozen=True)
class Task:
    """The newest measurement, of one model in one precision."""

    model: str
    precision: Precision
    measuring: Measuring

    @property
    def error(self) -> CxrError | None:
        """Why it failed, once it has ended; None while it goes on, or if it did not fail."""
        if not self.measuring.done:
            return None
        try:
            self.measuring.result(0)
        except CxrError as error:
            return error
        return None


class Fitness:
    """All screens' answers. `telemetry` gives the worker's newest; `measurer` measures."""

    def __init__(self, telemetry: Callable[[], Telemetry | None], measurer: Measurer) -> None:
        self._telemetry = telemetry
        self._measurer = measurer
        self._lock = threading.Lock()
        self._machine: Machine | None = None
        self._asked = 0.0
        self.task: Task | None = None

    def machine(self) -> Machine:
        """This machine now, not older than `FRESH_S`."""
        with self._lock:
            now = time.monotonic()
            if self._machine is None or now - self._asked > FRESH_S:
                self._machine, self._asked = fit.machine(self._telemetry()), now
            return self._machine

    def answers(self, gpu: Gpu | None = None) -> tuple[Answer, ...]:
        """Every pair against `gpu`; by default against the GPU that the app uses, or against main
        memory where there is none."""
        machine = self.machine()
        return fit.answers(gpu or machine.first, machine.ram_free)

    def answer(self, model: str, precision: Precision) -> Answer | None:
        """One pair on this machine, in any precision; None for a model without published tensors
        (the embedded)."""
        machine = self.machine()
        try:
            return fit.answer(model, precision, machine.first, machine.ram_free)
        except fit.NotDescribed:
            return None

    def barred(self, precision: Precision) -> Barred | None:
        """Why the GPU that the app uses cannot compute `precision`; None if it can, or if there is
        no GPU."""
        gpu = self.machine().first
        return None if gpu is None else capability.barred(precision, gpu.capability)

    def measure(self, model: str, precision: Precision) -> None:
        """Start measuring, unless a measurement goes on."""
        with self._lock:
            if self.task is None or self.task.measuring.done:
                started = self._measurer.measure_fit(model, precision)
                self.task = Task(model, precision, started)

    def stop_measuring(self) -> None:
        """End the measurement that goes on, if there is one."""
        if self.task is not None and not self.task.measuring.done:
            self.task.measuring.stop()
