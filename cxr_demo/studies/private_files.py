"""Bytes of patients on disk: for as long as needed, readable by this user alone, nameless.

    with PrivateFiles() as files:
        path = files.store(data)     # or: path = files.new(), and write to it
        files.release(path)          # the study is closed: gone one minute later

Each running program has a folder of its own, held by a lock that ends with the process. The folder
goes at exit and at SIGTERM; after SIGKILL or a power cut the next start finds its lock free and
removes it.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

from cxr_demo.paths import temporary_dir

KEPT_AFTER_CLOSE = 60.0
_PREFIX = "files-"
_LOCK = "lock"
_YOUNG = 60.0
"""Seconds in which a folder without a lock may be one that is just being made."""


class PrivateFiles:
    """A folder for uploads, `folder`; safe to use from several threads.

    `root` is the folder that it is made in, `paths.temporary_dir()` by default, and what dead
    programs left there is removed first.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = temporary_dir() if root is None else root
        sweep_temporary(self._root)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
        self._lock = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        _try_lock(self._lock)
        self._timers: dict[Path, threading.Timer] = {}
        self._guard = threading.Lock()
        self._owner = os.getpid()
        atexit.register(self.close)
        _close_at_sigterm(self)

    def __enter__(self) -> "PrivateFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new(self) -> Path:
        """An empty file with a random name and without an extension, mode 0600."""
        path = self.folder / secrets.token_hex(16)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path

    def store(self, data: bytes) -> Path:
        """`data` in a new file."""
        path = self.new()
        path.write_bytes(data)
        return path

    def release(self, path: Path, after: float = KEPT_AFTER_CLOSE) -> None:
        """Delete `path` in `after` seconds: its study has been closed."""
        timer = threading.Timer(after, self.discard, (path,))
        timer.daemon = True
        with self._guard:
            previous = self._timers.pop(path, None)
            self._timers[path] = timer
        if previous is not None:
            previous.cancel()
        timer.start()

    def discard(self, path: Path) -> None:
        """Delete `path` now; a file that is gone already is fine. Raises ValueError for a path
        that is not one of these files."""
        if path.parent != self.folder or path.name == _LOCK:
            raise ValueError("not one of these private files")
        with self._guard:
            timer = self._timers.pop(path, None)
        if timer is not None:
            timer.cancel()
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the folder with everything in it; the second time does nothing."""
        if self._lock < 0 or os.getpid() != self._owner:
            return
        with self._guard:
            timers, self._timers = list(self._timers.values()), {}
        for timer in timers:
            timer.cancel()
        lock, self._lock = self._lock, -1
        os.close(lock)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)


def sweep_temporary(root: Path | None = None) -> int:
    """Remove what programs that are gone left in the temporary folder; returns how many entries.

    Folders of programs that still run stay. Entries that nobody owns are removed when no such
    program runs.
    """
    root = temporary_dir() if root is None else root
    entries = list(root.iterdir())
    owned = [each for each in entries if each.name.startswith(_PREFIX)]
    dead = [each for each in owned if _is_dead(each)]
    if len(dead) == len(owned):
        dead = entries
    for each in dead:
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
    return len(dead)


def _is_dead(folder: Path) -> bool:
    """Whether the program that made `folder` is gone: nobody holds the lock in it."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        with contextlib.suppress(FileNotFoundError):
            return time.time() - folder.stat().st_mtime > _YOUNG
        return True
    try:
        return _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    """Take the lock unless another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _close_at_sigterm(files: PrivateFiles) -> None:
    """SIGTERM ends Python without `atexit`. A handler that the program has, or sets later, is left
    alone: it ends the program its own way, and `close` is called there."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def end(number: int, _: FrameType | None) -> None:
        files.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
