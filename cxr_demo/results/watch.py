"""Is there something new to show? Asked again and again by a screen, so it must cost nothing."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from cxr_demo.store.reading import StoreReader

_SHARE = 0.01
"""Of one core's time, what building boards anew may take while a run goes on."""
_LEAST_PAUSE = 1.0
"""Seconds."""


class Busy(Protocol):
    """Something that computes in the background."""

    finished: int

    @property
    def waiting(self) -> int:
        """How much is not done yet."""


class Watch:
    """Tells, cheaply, whether there is something new. It reads in a thread of its own, so that it
    answers while a board is built."""

    def __init__(self, path: Path, busy: Sequence[Busy]) -> None:
        self._path, self._busy = path, busy
        self._lane = ThreadPoolExecutor(1, "results-watch")
        self._reader: StoreReader | None = None
        self._seen: tuple[int, int] = (-1, -1)
        self._states: object = None
        self._number = 0
        self._next = 0.0
        self._pause = _LEAST_PAUSE
        self._lock = threading.Lock()

    def took(self, seconds: float) -> None:
        """How long a board took to build: the next one may come after a pause to match."""
        with self._lock:
            self._pause = max(_LEAST_PAUSE, seconds / _SHARE)

    def token(self) -> str:
        """See `Book.token`."""
        return self._lane.submit(self._token).result()

    def close(self) -> None:
        """End the thread."""
        self._lane.submit(self._close).result()
        self._lane.shutdown()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _token(self) -> str:
        if self._reader is None:
            self._reader = StoreReader(self._path)
        seen = (self._reader.change(), sum(each.finished for each in self._busy))
        if seen == self._seen:
            return str(self._number)
        states = [(each.id, each.state) for each in self._reader.groups()]
        idle = seen[1] != self._seen[1] and not any(each.waiting for each in self._busy)
        now = time.monotonic()
        if states != self._states or idle or now >= self._next:
            self._number += 1
            self._seen, self._states = seen, states
            with self._lock:
                self._next = now + self._pause
        return str(self._number)
