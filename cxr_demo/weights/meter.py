"""Progress of a fetch, an import or a verification: bytes, rate, time left, and the way to stop."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cxr_demo.weights.faults import Stopped

_WINDOW = 10.0  # seconds over which the rate is taken


class Phase(StrEnum):
    """What is being done with the bytes."""

    RECEIVE = "receive"
    COPY = "copy"
    VERIFY = "verify"
    QUANTISE = "quantise"


@dataclass(frozen=True)
class Progress:
    """`done` of `total` bytes in this phase; `rate` in bytes per second and `remaining` in seconds,
    None as long as nothing was measured."""

    phase: Phase
    file: str
    done: int
    total: int
    rate: float | None
    remaining: float | None


OnProgress = Callable[[Progress], None]


class Meter:
    """Counts bytes and tells `on_progress`; stops the work when `stopped` is set."""

    def __init__(self, on_progress: OnProgress | None, stopped: threading.Event) -> None:
        self._tell = on_progress
        self._stopped = stopped
        self.begin(Phase.RECEIVE, 0)

    def begin(self, phase: Phase, total: int, done: int = 0) -> None:
        """A new phase of `total` bytes, of which `done` were done by an earlier attempt."""
        self._phase, self._total, self._done, self.file = phase, total, done, ""
        self._seen = deque([(time.monotonic(), done)])

    def step(self, count: int) -> None:
        """`count` more bytes. Raises Stopped."""
        if self._stopped.is_set():
            raise Stopped()
        self._done += count
        now = time.monotonic()
        self._seen.append((now, self._done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        if self._tell is not None:
            self._tell(self._progress(now))

    def _progress(self, now: float) -> Progress:
        since, before = self._seen[0]
        moved = self._done - before
        rate = moved / (now - since) if moved > 0 and now > since else None
        left = None if rate is None else (self._total - self._done) / rate
        return Progress(self._phase, self.file, self._done, self._total, rate, left)
