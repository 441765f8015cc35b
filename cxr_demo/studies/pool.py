"""Files from outside are decoded in child processes with limits on memory, time and size.

    with DecodePool() as pool:
        radiographs = pool.open(path)

A child is reused (a fresh one costs half a second), recycled after a while, and replaced when a
limit or a crash ended it: that costs one file, never the app.
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from cxr_demo.records import Radiograph
from cxr_demo.studies import transfer
from cxr_demo.studies.errors import DecoderEnded, DecodingTooLong
from cxr_demo.studies.folders import StudyRef, check_file_size, study_root
from cxr_demo.studies.limits import MAX_MEMORY, MAX_SECONDS
from cxr_demo.units import MIB

_START_SECONDS = 60.0
_MAX_REQUESTS = 200
_MAX_GROWTH = 512 * MIB
_T = TypeVar("_T")


class DecodePool:
    """Up to `size` children; safe to use from several threads. `memory` is in bytes beyond what a
    child's own imports take, `seconds` the time that one file or study may take.

    Children start when they are first needed, or at `warm()`; they end with the pool, and by
    themselves when this process dies in whatever way.
    """

    def __init__(
        self, size: int = 2, memory: int = MAX_MEMORY, seconds: float = MAX_SECONDS
    ) -> None:
        self._memory, self._seconds = memory, seconds
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)
        self._size = size
        self._closed = False

    def __enter__(self) -> "DecodePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, path: Path | StudyRef, ignore_file_lut: bool = False) -> tuple[Radiograph, ...]:
        """As `studies.open_study`, in a child. Raises leaves of StudyError."""
        request: dict[str, Any] = {"op": "open", "ignore_file_lut": ignore_file_lut}
        if isinstance(path, StudyRef):
            request |= {"path": os.fspath(path.path), "key": path.key, "members": path.members}
        else:
            request |= {"path": os.fspath(path), "key": "", "members": None}
        return self._ask(request, transfer.read_radiographs)

    def list_studies(self, path: Path) -> tuple[StudyRef, ...]:
        """As `studies.list_studies`, in a child: what a folder or zip holds, for previous and next.
        Raises leaves of StudyError."""
        found = self._ask(
            {"op": "list", "path": os.fspath(path)},
            lambda header, _: transfer.read_studies(header),
        )
        root = study_root(path)
        return tuple(StudyRef(key, root, members) for key, members in found)

    def warm(self, count: int = 1) -> None:
        """Start `count` children now, so that the first files do not wait for them."""
        children = [self._take() for _ in range(min(count, self._size))]
        for child in children:
            self._slots.put(child)

    def close(self) -> None:
        """End all children; a file in work is finished first, or ended by its limit."""
        self._closed = True
        for _ in range(self._size):
            child = self._slots.get()
            if child is not None:
                child.end()
        for _ in range(self._size):
            self._slots.put(None)

    def _ask(self, request: dict[str, Any], read: Callable[[dict[str, Any], BinaryIO], _T]) -> _T:
        if Path(request["path"]).is_file():
            check_file_size(Path(request["path"]).stat().st_size)
        child = self._take()
        try:
            return child.ask(request, read)
        finally:
            self._slots.put(child if child.is_fit() else self._replace(child))

    def _take(self) -> "_Child":
        child = self._slots.get()
        if self._closed:
            self._slots.put(child)
            raise DecoderEnded()
        if child is not None and child.is_alive():
            return child
        return self._replace(child)

    def _replace(self, child: "_Child | None") -> "_Child":
        if child is not None:
            child.end()
        return _Child(self._memory, self._seconds)


class _Child:
    """One decoding process and the two pipes to it."""

    def __init__(self, memory: int, seconds: float) -> None:
        self._seconds = seconds
        self._requests = 0
        self._first_size: int | None = None
        self._fit = True
        self._ready = False
        # The child's own alarm is a second line of defence, behind the kill by this process.
        command = [sys.executable, "-B", "-m", "cxr_demo.studies.child"]
        self._process = subprocess.Popen(
            [*command, str(memory), str(seconds + 5)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._to = cast(BinaryIO, self._process.stdin)
        self._from = cast(BinaryIO, self._process.stdout)

    def ask(self, request: dict[str, Any], read: Callable[[dict[str, Any], BinaryIO], _T]) -> _T:
        """Send `request` and return what `read` makes of the answer. Raises StudyError leaves."""
        try:
            if not self._ready:
                self._within(_START_SECONDS, lambda: transfer.read_frame(self._from))
                self._ready = True
            return self._within(self._seconds, lambda: self._exchange(request, read))
        except (transfer.BadAnswer, OSError) as error:
            self._fit = False
            raise DecoderEnded() from error

    def _exchange(
        self, request: dict[str, Any], read: Callable[[dict[str, Any], BinaryIO], _T]
    ) -> _T:
        self._requests += 1
        transfer.write_frame(self._to, request)
        header = transfer.read_frame(self._from)
        if header is None:
            raise transfer.BadAnswer("no answer")
        try:
            return read(header, self._from)
        except transfer.BadAnswer:
            # What else it sends cannot be told apart any more.
            self._process.kill()
            raise
        finally:
            self._note_size(transfer.read_frame(self._from))

    def _within(self, seconds: float, work: Callable[[], _T]) -> _T:
        """`work`, with the child killed after `seconds`, which ends any wait for it."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            return work()
        except (transfer.BadAnswer, OSError):
            self._fit = False
            if late.is_set():
                raise DecodingTooLong(seconds=round(seconds)) from None
            raise
        finally:
            timer.cancel()

    def _note_size(self, tail: dict[str, Any] | None) -> None:
        """Recycle a child that has grown: libraries leak, and damaged files make them leak more."""
        if tail is None:
            raise transfer.BadAnswer("no end")
        size = tail.get("address_space")
        if not isinstance(size, int):
            return
        self._first_size = self._first_size or size
        if size > self._first_size + _MAX_GROWTH:
            self._fit = False

    def is_fit(self) -> bool:
        """Whether the child may serve another request."""
        return self._fit and self._requests < _MAX_REQUESTS and self.is_alive()

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process and free its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            try:
                pipe.close()
            except OSError:
                # Unsent bytes of a request to a dead child; there is nobody to send them to.
                continue


def _environment() -> dict[str, str]:
    """What a child needs to start, without the parent's secrets; one thread per library."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TEMP", "TMP")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    # Where this process has its libraries from, but nothing that lies about in a working folder.
    elsewhere = [each for each in map(Path, sys.path) if each.is_absolute() and each != Path.cwd()]
    places = dict.fromkeys([Path(__file__).resolve().parents[2], *elsewhere])
    return environment | {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
