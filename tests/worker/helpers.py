"""What the tests of worker processes share."""

import contextlib
import sys
import time

import numpy as np
import psutil

from cxr_demo.records import PipelineKind, Precision, Radiograph, View, Window

FAKE = (sys.executable, "-m", "tests.worker.fake_worker")
CHOICE = ("embedded", Precision.BF16, PipelineKind.REPORT)


def alive(pid):
    """True for a process that runs; a zombie does not."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def until(condition, seconds):
    """Wait for `condition()`; its value, or an assertion error after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def image(order=0):
    """A radiograph that tells the fake model how to behave."""
    pixels = np.full((8, 8), 300, np.uint16)
    pixels[0, 0] = order
    return Radiograph(pixels, 12, View.PA, (Window(2048, 4096),), "PNG", "0" * 64)
