"""How many outputs two arms have in common. All texts have to be read for it, so it is counted in a
thread of its own, and shown when it is there.
"""

import threading
import time
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cxr_demo.results.cache import Cache
from cxr_demo.results.scoring import Outputs, same_outputs
from cxr_demo.store.reading import StoreReader

_DELAY = 1.5
_LARGE = 5000
"""With more images than this, so many seconds pass before shares are counted: points and figures
come first, and both want the interpreter."""

Stamp = tuple[Hashable, ...]
"""A run's id first, then what changes with its rows."""


class Twins:
    """Asked from any thread; a share is kept until one of the two runs changes."""

    def __init__(self, store: Path) -> None:
        self._path = store
        self._lane = ThreadPoolExecutor(1, "results-texts")
        self._reader: StoreReader | None = None
        self._lock = threading.Lock()
        self._shares: dict[tuple[Stamp, Stamp], float | None] = {}
        self._asked: set[tuple[Stamp, Stamp]] = set()
        self._outputs = Cache(8)
        self._closed = threading.Event()
        self._from = 0.0
        self.finished = 0
        """How many shares have been counted so far."""

    def ask(self, first: Stamp, second: Stamp, images: int) -> tuple[float | None, bool]:
        """The share in 0..1 of images with the same output (None without common images), and
        whether it is still being counted. `images`: how many there are."""
        pair = first, second
        with self._lock:
            if pair in self._shares:
                return self._shares[pair], False
            if pair not in self._asked:
                if not self._asked:
                    self._from = time.monotonic() + (_DELAY if images > _LARGE else 0.0)
                self._asked.add(pair)
                self._lane.submit(self._count, pair)
            return None, True

    @property
    def waiting(self) -> int:
        """Pairs that are not counted yet."""
        with self._lock:
            return len(self._asked)

    def close(self) -> None:
        """End the thread; what is not counted yet is left."""
        self._closed.set()
        self._lane.submit(self._close).result()
        self._lane.shutdown()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _count(self, pair: tuple[Stamp, Stamp]) -> None:
        if self._closed.wait(max(0.0, self._from - time.monotonic())):
            return
        share = same_outputs(self._of(pair[0]), self._of(pair[1]))
        with self._lock:
            self._shares[pair] = share
            self._asked.discard(pair)
            self.finished += 1

    def _of(self, stamp: Stamp) -> Outputs:
        if self._reader is None:
            self._reader = StoreReader(self._path)
        reader, run = self._reader, str(stamp[0])
        return self._outputs.get(stamp, lambda: Outputs(*reader.text_hashes(run)))
