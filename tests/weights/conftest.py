"""A hub on loopback, and a process that has neither token nor proxy."""

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).with_name("hub_server.py")
_SPEC = importlib.util.spec_from_file_location("hub_server", _PATH)
hub_server = importlib.util.module_from_spec(_SPEC)
sys.modules["hub_server"] = hub_server
_SPEC.loader.exec_module(hub_server)

MODEL = "google/medgemma-4b-it"


@pytest.fixture
def fake():
    server = hub_server.FakeHub({MODEL: hub_server.tiny_model()})
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch, tmp_path):
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "hf_token", "ssl_cert_file"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")  # for processes that tests start
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    close_session()
    yield
    close_session()


@pytest.fixture
def hub(fake):
    """Makes a client of `fake`, after the test has set its token; does not wait before retries."""
    from cxr_demo.weights.hub import Hub, Patience

    return lambda endpoint=None: Hub(endpoint or fake.endpoint, Patience(5, 5, 0, 2))
