"""Images on their way to a model: decoded in limited children and preprocessed in threads, ahead of
the device and in running order, so that it never waits for a file.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.errors import CxrError
from cxr_demo.evaluation.faults import FileGone
from cxr_demo.models.base import Seen
from cxr_demo.records import Radiograph
from cxr_demo.studies.pool import DecodePool

MOST_DECODERS = 12


@dataclass(frozen=True)
class Place:
    """An image of the manifest: its position and its file."""

    position: int
    path: Path


@dataclass(frozen=True, eq=False)
class Fed:
    """One image, ready for the model, or the error that stands in its way. `seconds` for decoding
    and preprocessing."""

    position: int
    seen: Seen | None
    image_sha256: str | None
    seconds: float
    error: CxrError | None = None


def decoders(ranks: int = 1) -> int:
    """How many decoding children suit this machine, shared by `ranks` processes."""
    cores = os.cpu_count() or 1
    return max(1, min(MOST_DECODERS, cores // ranks))


class Feeder:
    """Delivers `places` in their order, at most `ahead` of them finished before they are taken.

    `see` turns a radiograph into what the model is given and raises what the phantom guard raises;
    it is called in threads. `close` ends threads and children; what was not taken is lost.
    """

    def __init__(
        self,
        places: Sequence[Place],
        see: Callable[[Radiograph], Seen],
        pool: DecodePool,
        threads: int,
        ahead: int,
    ) -> None:
        self._places = places
        self._see = see
        self._pool = pool
        self._slots = threading.Semaphore(max(ahead, threads))
        self._ready: dict[int, Fed] = {}
        self._changed = threading.Condition()
        self._next = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="feeder", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Fed]:
        for at in range(len(self._places)):
            with self._changed:
                while at not in self._ready and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                fed = self._ready.pop(at)
            self._slots.release()
            yield fed

    def wait(self) -> None:
        """Until the first image is ready: what children need to start is no image's time."""
        with self._changed:
            while not (self._ready or self._closed or not self._places):
                self._changed.wait()

    def close(self) -> None:
        """End the threads; a file in work is finished first."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for _ in self._threads:
            self._slots.release()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            self._slots.acquire()
            with self._changed:
                at, self._next = self._next, self._next + 1
                if self._closed or at >= len(self._places):
                    return
            fed = prepare(self._places[at], self._see, self._pool)
            with self._changed:
                self._ready[at] = fed
                self._changed.notify_all()


def prepare(place: Place, see: Callable[[Radiograph], Seen], pool: DecodePool) -> Fed:
    """One image, decoded in a child of `pool`. Every error of this image becomes part of it."""
    began = time.monotonic()
    sha256 = None
    try:
        radiograph = pool.open(place.path)[0]
        sha256 = radiograph.sha256
        seen = see(radiograph)
    except CxrError as error:
        return Fed(place.position, None, sha256, time.monotonic() - began, error)
    except OSError:
        return Fed(place.position, None, sha256, time.monotonic() - began, FileGone())
    return Fed(place.position, seen, sha256, time.monotonic() - began)
