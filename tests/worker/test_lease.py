import os
import subprocess
import sys

import pytest

from cxr_demo.errors import LeaseHeld
from cxr_demo.worker.lease import device_lease, worker_lease

HOLD = (
    "import time; from cxr_demo.worker.lease import device_lease;"
    "device_lease(0).acquire(); print('held', flush=True); time.sleep(60)"
)


def test_one_process_has_a_gpu_and_kill_9_gives_it_back():
    other = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    lease = device_lease(0)
    with pytest.raises(LeaseHeld) as refused:
        lease.acquire()
    assert refused.value.params["pid"] == other.pid == lease.holder()
    device_lease(1).acquire().release()  # another GPU is free
    other.kill()
    other.wait()
    other.stdout.close()
    assert lease.holder() is None
    with lease:
        assert lease.path.read_text().split() == [str(os.getpid())]
        with pytest.raises(LeaseHeld):
            device_lease(0).acquire()
    device_lease(0).acquire().release()


def test_looking_who_holds_a_lease_does_not_take_it():
    assert worker_lease().holder() is None
    assert not worker_lease().path.exists()
    with worker_lease() as held:
        assert worker_lease().holder() == os.getpid()
        assert worker_lease().holder() == os.getpid()
        assert held.holder() == os.getpid()
