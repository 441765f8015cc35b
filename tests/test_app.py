"""`python app.py` as a process: quick to start, without torch, and gone without a trace."""

import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.ui.conftest import start_app

LIMIT = 10.0
"""Seconds until the page can be used, on two cores; the suite's other work is allowed for."""


@pytest.fixture
def started(tmp_path):
    apps = []

    def start(*flags):
        apps.append(start_app(tmp_path / "home", *flags))
        return apps[-1]

    yield start
    for each in apps:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def fetch(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_app_serves_this_account_and_ends_clean(started):
    with socket.create_server(("127.0.0.1", 18860)):
        app = started("--port", "18860")
    assert app.origin == "http://127.0.0.1:18861", "the next free port is taken"
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
    assert app.end() == 0
    assert time.monotonic() - begun < 10
    assert not [each for each in temporary.iterdir() if each.name.startswith("files-")]


@pytest.mark.browser
def test_a_page_whose_app_is_gone_says_so_and_keeps_what_it_shows(started, browser):
    app = started("--port", "18870")
    page = browser.new_page()
    page.goto(app.address)
    page.wait_for_selector("html.cxr-ready")
    page.locator("[data-sample]").first.click()
    page.wait_for_function("() => window.cxrApp.view.study && !window.cxrApp.view.opening")
    app.end(signal.SIGKILL)
    page.wait_for_selector("#cxr-lost", timeout=10_000)
    assert page.locator(".facts").inner_text().startswith(("DICOM", "PNG", "JPEG"))
    again = started("--port", "18870")
    assert again.origin == app.origin
    page.wait_for_function(
        "() => document.querySelector('#cxr-lost button') !== null", timeout=15_000
    )
    page.close()
    left = [each.name for each in (app.home / "tmp").iterdir() if each.name.startswith("files-")]
    assert len(left) == 1, "what the killed app left is gone"


def test_flags_that_make_no_sense_are_refused_in_one_sentence():
    import app

    with pytest.raises(SystemExit):
        app.main(["--language", "xx"])
    assert app.main(["--host", "203.0.113.1", "--no-browser"]) == 1
