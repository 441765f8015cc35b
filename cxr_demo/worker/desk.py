"""The worker's queue: who waits for the device, in which order, and who no longer wants it."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from cxr_demo.errors import WorkerBusy
from cxr_demo.worker.messages import Load, Read

LONGEST_QUEUE = 8
"""Readings that may wait at once; the next one is told that the GPU is busy."""


class Asker(Protocol):
    """Where answers go: one attached client."""

    def send(self, message: Any) -> None:
        """Send without waiting; what cannot be delivered is dropped with its client."""


@dataclass(eq=False)
class Task:
    """One request for the device. `stop` is set when nobody wants its result any more,
    `submitted` is a reading of `time.monotonic()`, `queued` tells that others were before it."""

    asker: Asker
    request: Any
    stop: threading.Event = field(default_factory=threading.Event)
    submitted: float = field(default_factory=time.monotonic)
    queued: bool = False


class Desk:
    """First come, first served. Thread-safe; one thread takes, many submit."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._current: Task | None = None
        self._nudged = False

    def submit(self, task: Task) -> None:
        """Queue `task`. Raises WorkerBusy when too many readings wait already."""
        with self._changed:
            if isinstance(task.request, Read) and self._readings() >= LONGEST_QUEUE:
                raise WorkerBusy()
            task.queued = self._current is not None or bool(self._waiting)
            self._waiting.append(task)
            self._changed.notify_all()

    def take(self, wait: bool) -> Task | None:
        """The next task, which becomes the current one; None if there is none, or (if `wait`)
        after `nudge`."""
        with self._changed:
            self._current = None
            while wait and not self._waiting and not self._nudged:
                self._changed.wait()
            self._nudged = False
            if self._waiting:
                self._current = self._waiting.popleft()
            return self._current

    def nudge(self) -> None:
        """Make a `take` that waits return, so that its thread looks around."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def stop(self, asker: Asker, reading: int | None = None) -> None:
        """Stop one reading of `asker`, or (for None) everything it asked for. What still waits is
        delivered by `take` with `stop` set, so that it is answered like everything else."""
        with self._changed:
            current = [] if self._current is None else [self._current]
            for task in [*self._waiting, *current]:
                if task.asker is asker and reading in (None, getattr(task.request, "id", None)):
                    task.stop.set()

    def close(self) -> None:
        """Stop whatever runs or waits, and make a `take` that waits return."""
        with self._changed:
            for task in [*self._waiting, *([] if self._current is None else [self._current])]:
                task.stop.set()
        self.nudge()

    def superseded(self, task: Task) -> bool:
        """True if a later task will bring another model anyway, so that `task` need not load."""
        with self._changed:
            return any(isinstance(each.request, Load | Read) for each in self._waiting)

    def waiting(self) -> int:
        """How many readings wait."""
        with self._changed:
            return self._readings()

    def _readings(self) -> int:
        return sum(isinstance(each.request, Read) for each in self._waiting)
