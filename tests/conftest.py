"""Shared by all tests: a private folder of their own, and few threads (two cores)."""

import os
import signal
from pathlib import PurePosixPath

import pytest

_SHARED = "PYTEST_XDIST_WORKER" in os.environ
os.environ.setdefault("OMP_NUM_THREADS", "1" if _SHARED else "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning on busy cores costs a factor of 6
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a script:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what tests start would ignore Ctrl-C


GPU = {"test_gpu.py", "test_kernels.py", "test_precisions_gpu.py", "test_sampler.py"}


def group(nodeid):
    """Which tests `make test` keeps in one of its two processes: files stay whole; all that start
    Chromium, or the app at a port that they name, go one after the other; and so do the GPU's."""
    place = PurePosixPath(nodeid.partition("::")[0])
    if place.parent.name == "ui" or place.name in {"test_app.py", "test_page.py"}:
        return "browser"
    return "gpu" if place.name in GPU else str(place)


def pytest_collection_modifyitems(items):
    """The browser's tests take longest: where they are shared out they come first."""
    if _SHARED:
        items.sort(key=lambda each: group(each.nodeid) != "browser")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    return ByGroup(config, log)


@pytest.fixture(autouse=True)
def _environment_stays():
    """What a test, or code that it runs in this process, sets in the environment ends with it."""
    before = dict(os.environ)
    yield
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def _private_home(tmp_path_factory, monkeypatch):
    """Every test has its own private folder, so that none touches the user's."""
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path_factory.mktemp("home")))
