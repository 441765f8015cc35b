"""`python app.py` as a process: quick to start, without torch, and gone without a trace."""

import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.ui.conftest import started

LIMIT = 10.0
"""Seconds from `python app.py` until the server answers, on two cores."""


__all__ = ["started"]


def fetch(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_app_serves_this_account_and_ends_clean(started):
    idle = psutil.getloadavg()[0] < psutil.cpu_count()
    with socket.create_server(("127.0.0.1", 18860)):
        app = started("--port", "18860")
    assert app.origin == "http://127.0.0.1:18861", "the next free port is taken"
    used = psutil.Process(app.process.pid).cpu_times()
    assert used.user + used.system < LIMIT
    if idle:  # on a busy machine only the time of the processor says something
        assert app.seconds < LIMIT
    status, page = fetch(app.address)
    assert status == 200
    assert "gradio" in page
    assert fetch(app.origin, Host="evil.example")[0] == 421
    assert fetch(f"{app.origin}/gradio_api/file=/etc/hostname")[0] == 404
    assert fetch(f"{app.origin}/docs")[0] == 404
    temporary = app.home / "tmp"
    assert [each for each in temporary.iterdir() if each.name.startswith("files-")]
    if sys.platform == "linux":
        loaded = Path(f"/proc/{app.process.pid}/maps").read_text()
        assert "libtorch" not in loaded, "the page's process must not hold torch"
    begun = time.monotonic()
    for _ in range(30):  # such as `timeout` and impatient hands send them
        app.process.send_signal(signal.SIGTERM)
    assert app.end() == 0
    assert time.monotonic() - begun < 10
    assert "Traceback" not in app.process.stdout.read()
    assert not [each for each in temporary.iterdir() if each.name.startswith("files-")]


def test_flags_that_make_no_sense_are_refused_in_one_sentence():
    import app

    with pytest.raises(SystemExit):
        app.main(["--language", "xx"])
    assert app.main(["--host", "203.0.113.1", "--no-browser"]) == 1
