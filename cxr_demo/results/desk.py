"""Intervals off the page's thread: asked for, computed by a child process, kept on disk.

One thread and at most one child per desk; both end by themselves when there is nothing to do. What
was computed lies in the private folder under a hash of the very counts it follows from.
"""

import logging
import subprocess
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from numpy.typing import NDArray

from cxr_demo.results.resampling import Task, from_bytes, pack_task, receive, send, to_bytes

_LOG = logging.getLogger(__name__)
_IDLE = 20.0
"""Seconds without a task after which the child ends."""
_KEPT_FILES = 5000
_KEPT_HERE = 2000


class State(StrEnum):
    """Where a task stands. FAILED: its child died twice, or the counts hold no patient."""

    COMPUTING = "computing"
    READY = "ready"
    FAILED = "failed"


class Desk:
    """Takes tasks from any thread. `folder` keeps what was computed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = threading.Condition()
        self._waiting: OrderedDict[str, Task] = OrderedDict()
        self._known: OrderedDict[str, Mapping[str, NDArray] | None] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.finished = 0
        """How many tasks have ended so far; a screen that polls looks for a change."""
        self._tidy()

    def ask(self, task: Task) -> tuple[State, Mapping[str, NDArray] | None]:
        """Where `task` stands, and its arrays if it is ready. The first call starts it."""
        key = task.key
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                found = self._known[key]
                return (State.FAILED if found is None else State.READY), found
            if key in self._waiting:
                return State.COMPUTING, None
        if (stored := self._read(key)) is not None:
            with self._lock:
                self._remember(key, stored)
            return State.READY, stored
        with self._lock:
            if self._closed:
                return State.COMPUTING, None
            self._waiting.setdefault(key, task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="intervals", daemon=True)
                self._thread.start()
            self._lock.notify_all()
        return State.COMPUTING, None

    @property
    def waiting(self) -> int:
        """Tasks that have not ended."""
        with self._lock:
            return len(self._waiting)

    def wait(self, seconds: float) -> bool:
        """Until nothing waits (command line, tests); false if it took longer."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._waiting, seconds)

    def close(self) -> None:
        """End the thread and the child; what is not done is computed another time."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._lock.notify_all()
            thread, child = self._thread, self._child
        if child is not None:
            child.kill()  # it may be in the midst of seconds of work
        if thread is not None:
            thread.join(10)

    # ------------------------------------------------------------ the thread

    def _work(self) -> None:
        while (found := self._next()) is not None:
            key, task = found
            arrays = self._compute(task)
            with self._lock:
                if self._closed:
                    break
                if arrays is not None:
                    self._write(key, arrays)
                self._remember(key, arrays)
                self._waiting.pop(key, None)
                self.finished += 1
                self._lock.notify_all()
        self._end_child()

    def _next(self) -> tuple[str, Task] | None:
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._closed, _IDLE)
            if self._closed or not self._waiting:
                self._thread = None
                return None
            return next(iter(self._waiting.items()))

    def _compute(self, task: Task) -> Mapping[str, NDArray] | None:
        for _ in range(2):  # a child that somebody else killed is worth a second try
            data = self._through_child(pack_task(task))
            if data is not None:
                return from_bytes(data)
            if self._closed:
                break
        return None

    def _through_child(self, message: bytes) -> bytes | None:
        child = self._started()
        try:
            send(cast(IO[bytes], child.stdin), message)  # type: ignore[arg-type]
            answer = receive(cast(IO[bytes], child.stdout))  # type: ignore[arg-type]
        except OSError:
            answer = None
        if answer is None and not self._closed:
            _LOG.warning("the process that computes intervals ended: %s", child.poll())
            self._end_child()
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "cxr_demo.results.resampling"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).resolve().parents[2],
            )
        return self._child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)
            return
        child.kill()
        child.wait()

    # ------------------------------------------------------------ what is kept

    def _remember(self, key: str, arrays: Mapping[str, NDArray] | None) -> None:
        self._known[key] = arrays
        while len(self._known) > _KEPT_HERE:
            self._known.popitem(last=False)

    def _read(self, key: str) -> Mapping[str, NDArray] | None:
        try:
            return from_bytes((self._folder / f"{key}.npz").read_bytes())
        except (OSError, ValueError):
            return None  # not there, or cut off: it is computed again

    def _write(self, key: str, arrays: Mapping[str, NDArray]) -> None:
        draft = self._folder / f"{key}.{threading.get_ident()}.part"
        try:
            draft.touch(mode=0o600)
            draft.write_bytes(to_bytes(arrays))
            draft.replace(self._folder / f"{key}.npz")
        except OSError as error:
            _LOG.warning("an interval could not be kept: %s", error)

    def _tidy(self) -> None:
        kept = deque(sorted(self._folder.glob("*.npz"), key=lambda each: each.stat().st_mtime))
        while len(kept) > _KEPT_FILES:
            kept.popleft().unlink(missing_ok=True)
