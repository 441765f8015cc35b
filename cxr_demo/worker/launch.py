"""Starting the worker as a program of its own, and ending one that hangs."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

import cxr_demo
from cxr_demo.errors import WorkerUnreachable
from cxr_demo.worker import endpoint, isolation
from cxr_demo.worker.endpoint import AuthenticationError, Channel
from cxr_demo.worker.faults import WorkerTooOld
from cxr_demo.worker.lease import runtime_dir, worker_lease
from cxr_demo.worker.messages import PROTOCOL, Welcome
from cxr_demo.worker.wire import WireError

MODULE = "cxr_demo.worker"
COMMAND = (sys.executable, "-m", MODULE)
START_S = 30.0
"""Seconds after which a worker that is not answering counts as stuck (usually: one)."""

EXIT_ALREADY_RUNNING = 3
"""The worker's exit status when another one holds the lease: a race that somebody else has won."""


class Launcher:
    """Attaches to the worker of this private folder, starting it first if there is none."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None

    def attach(self, give_up: Callable[[], bool]) -> tuple[Channel, int]:
        """A channel to the worker, and its pid. Raises WorkerUnreachable after START_S seconds, or
        as soon as `give_up` says so; WorkerTooOld if a worker of another version answers."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and not give_up():
            found = _call()
            if found is not None:
                return found
            if self._process is None or self._process.poll() is not None:
                self._start()
            time.sleep(0.05)
        if not give_up():
            end_process(worker_lease().holder())
        raise WorkerUnreachable(detail=f"{START_S:.0f} s")

    def _start(self) -> None:
        if self._process is not None and self._process.returncode == EXIT_ALREADY_RUNNING:
            time.sleep(0.3)  # the winner is about to listen; do not start a loser every 50 ms
        self._process = _spawn(self._command)


def end_process(pid: int | None) -> None:
    """Kill the worker `pid`; nothing happens if that process is not a worker (any more)."""
    if pid is None:
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if any("worker" in part for part in process.cmdline()):
            process.kill()
            process.wait(5)


def _call() -> tuple[Channel, int] | None:
    address = endpoint.read_endpoint()
    if address is None:
        return None
    try:
        channel = endpoint.connect(address)
    except (OSError, EOFError, AuthenticationError, TimeoutError):
        return None  # a file left behind by a killed worker, or one that is just ending
    try:
        welcome = channel.receive(endpoint.HANDSHAKE_S)
    except (OSError, EOFError, TimeoutError):
        channel.close()
        return None
    except WireError:
        channel.close()
        raise WorkerTooOld(pid=address.pid) from None
    if not isinstance(welcome, Welcome) or welcome.protocol != PROTOCOL:
        channel.close()
        raise WorkerTooOld(pid=address.pid)
    return channel, welcome.pid


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the app's terminal, or its end, must not end an evaluation.
    detached: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        detached = {"creationflags": flags}
    with (runtime_dir() / "worker.err").open("wb") as errors:
        process = subprocess.Popen(
            list(command),
            cwd=Path(cxr_demo.__file__).resolve().parent.parent,
            env=isolation.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            **detached,  # type: ignore[call-overload]
        )
    # Somebody must wait for it, or it stays as a zombie while this program lives.
    threading.Thread(target=process.wait, name="worker-reaper", daemon=True).start()
    return process
