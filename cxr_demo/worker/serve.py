"""From a bare process to a serving worker: the lease, the log, the signals."""

import faulthandler
import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from cxr_demo.errors import LeaseHeld
from cxr_demo.telemetry import Sampler, nvml
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.engine import Engine
from cxr_demo.worker.jobs import Jobs
from cxr_demo.worker.launch import EXIT_ALREADY_RUNNING
from cxr_demo.worker.lease import runtime_dir, worker_lease
from cxr_demo.worker.server import Server

_log = logging.getLogger("cxr_demo.worker")


def serve(make_engine: Callable[[int | None], Engine] = Engine) -> int:
    """Serve until nobody needs this process; returns the exit status, EXIT_ALREADY_RUNNING if
    another worker serves this private folder. `make_engine` is given NVML's index of the GPU."""
    faulthandler.enable()
    lease = worker_lease()
    try:
        lease.acquire()
    except LeaseHeld:
        return EXIT_ALREADY_RUNNING
    _open_log()
    gpu = nvml.first_visible()
    sampler = Sampler(gpu)  # before torch: its first sample is the device's baseline
    server = Server(make_engine(gpu), sampler, Neighbours(gpu), Jobs())

    def end(number: int, frame: FrameType | None) -> None:
        _on_signals(signal.SIG_IGN)  # one inside this handler would wait for locks that this holds
        server.end()

    _on_signals(end)
    _log.info("serving, GPU %s", gpu)
    began = time.monotonic()
    status = server.run()
    _log.info("ended with status %d after %.0f s", status, time.monotonic() - began)
    return status


def _on_signals(act: Any) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, act)


def leave(status: int) -> None:
    """End the process at once: threads that wait for clients, and libraries that tidy the device
    for seconds, are no reason to stay. The driver frees the device's memory."""
    logging.shutdown()
    os._exit(status)


def _open_log() -> None:
    """Codes and timings, never names of files and never a report's text, at most 2 MiB."""
    path = runtime_dir() / "worker.log"
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=1 << 20, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("cxr_demo")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False
    path.chmod(0o600)
    sys.excepthook = _note_crash
    threading.excepthook = lambda args: _note_crash(
        args.exc_type, args.exc_value, args.exc_traceback
    )


def _note_crash(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Where it happened, not what was said: messages may quote a file or a report."""
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    _log.critical("%s at %s", kind.__name__, " > ".join(places))
