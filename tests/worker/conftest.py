"""Workers of their own, and proof that none is left behind."""

import contextlib

import psutil
import pytest

from cxr_demo.worker.client import WorkerClient
from cxr_demo.worker.lease import runtime_dir, worker_lease
from tests.worker.helpers import FAKE, alive, until


@pytest.fixture
def start():
    """Starts clients; afterwards every one is closed and the worker is killed."""
    clients = []

    def make(command=FAKE, preload=False):
        clients.append(WorkerClient.start(command=command, preload=preload))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    pid = worker_lease().holder()
    if pid is not None:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
        until(lambda: not alive(pid), 5)


@pytest.fixture
def worker(start):
    """One client of a running worker."""
    client = start()
    try:
        client.wait(lambda status: status.pid is not None, 15)
    except TimeoutError:
        log = runtime_dir() / "worker.log"
        pytest.fail(f"no worker: {client.status()}, {log.read_text() if log.exists() else None}")
    return client
