"""Shared by all tests: a private folder of their own, and few threads (two cores)."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning on busy cores costs a factor of 6
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


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
