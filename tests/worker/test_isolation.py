"""What the worker's process must never have: gradio, code from the network, a way to it."""

import json
import subprocess
import sys

from cxr_demo.worker import isolation

SEALED = """
import json, os, socket, sys
os.environ["HTTPS_PROXY"] = "http://proxy:3128"
from cxr_demo.worker.isolation import seal
seal()
import cxr_demo.worker.serve
said = {"modules": [m for m in ("gradio", "torch", "transformers") if m in sys.modules]}
said["environment"] = {k: os.environ.get(k) for k in ("HF_HUB_OFFLINE", "HTTPS_PROXY")}
def tried(action):
    try:
        action()
    except BaseException as error:
        return type(error).__name__
    return "went through"
said["kernels"] = tried(lambda: __import__("kernels"))
said["look-up"] = tried(lambda: socket.getaddrinfo("localhost", 80))
said["connect"] = tried(lambda: socket.create_connection(("127.0.0.1", 9)))
said["udp"] = tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)))
unix = socket.socket(socket.AF_UNIX)
said["local"] = tried(lambda: unix.connect("/nothing/there"))
print(json.dumps(said))
"""


def test_a_sealed_process_cannot_reach_the_network_or_import_kernels():
    done = subprocess.run(
        [sys.executable, "-c", SEALED], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == {
        "modules": [],
        "environment": {"HF_HUB_OFFLINE": "1", "HTTPS_PROXY": None},
        "kernels": "ModuleNotFoundError",
        "look-up": "NetworkBlocked",
        "connect": "NetworkBlocked",
        "udp": "NetworkBlocked",
        "local": "FileNotFoundError",  # asked the file system, as it may
    }


def test_the_worker_is_started_without_proxies(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    given = isolation.environment()
    assert "https_proxy" not in given
    assert given["HF_HUB_OFFLINE"] == given["TRANSFORMERS_OFFLINE"] == "1"


def test_the_allocator_grows_in_place_on_linux_unless_somebody_says_otherwise(monkeypatch):
    monkeypatch.delenv("PYTORCH_ALLOC_CONF", raising=False)
    monkeypatch.delenv("PYTORCH_CUDA_ALLOC_CONF", raising=False)
    assert isolation._unless_set("linux")["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"
    assert "PYTORCH_ALLOC_CONF" not in isolation._unless_set("win32")
    monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:64")
    assert "PYTORCH_ALLOC_CONF" not in isolation._unless_set("linux")
