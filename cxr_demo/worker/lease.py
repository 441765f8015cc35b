"""Locks that a crash cannot leave behind: the operating system drops them with the process.

worker.lock      one worker per private folder
gpu-0.lock ...   one process per GPU: the worker, an evaluation rank or a benchmark
"""

import os
import platform
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from cxr_demo.errors import LeaseHeld
from cxr_demo.paths import private_dir

_LOCKED_BYTE = 1 << 20  # beyond the pid: on Windows a locked byte cannot be read


class Lease:
    """An exclusive lock on a file that holds the owner's pid. Held until `release` or the process
    ends, in whatever way. Usable as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lease. Raises LeaseHeld, with the holder's pid, if another process has it."""
        if self._descriptor is not None:
            return self
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise LeaseHeld(pid=_read_pid(self.path)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Give the lease back; the file stays, since deleting it would race with a new owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """Pid of the process that holds the lease now, or None if it is free."""
        if self._descriptor is not None:
            return os.getpid()
        if not self.path.exists():
            return None
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            _lock(descriptor)
        except OSError:
            return _read_pid(self.path)
        finally:
            os.close(descriptor)
        return None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def device_lease(gpu: int | None) -> Lease:
    """The lease of one GPU (index as `nvidia-smi` counts), or of the CPU for None."""
    name = "cpu" if gpu is None else f"gpu-{gpu}"
    return Lease(runtime_dir() / f"{name}.lock")


def worker_lease() -> Lease:
    """The lease that makes the worker of this private folder the only one."""
    return Lease(runtime_dir() / "worker.lock")


def runtime_dir() -> Path:
    """Where locks, the connection's address and the worker's log lie, per host: a home folder may
    be shared between machines, their processes are not."""
    host = "".join(each if each.isalnum() else "-" for each in platform.node())[:32]
    folder = private_dir() / "run" / (host or "local")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None  # the owner has the lock and has not written yet


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
