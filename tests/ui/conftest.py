"""A real app, started once for all browser tests, and pages that must not complain."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")


@dataclass
class App:
    """A running `python app.py`: its process, the address that it printed, how long that took."""

    process: subprocess.Popen
    address: str
    seconds: float
    home: Path

    @property
    def origin(self):
        return self.address.split("/?")[0]

    def end(self, number=signal.SIGTERM, seconds=20):
        self.process.send_signal(number)
        return self.process.wait(seconds)


def start_app(home, *flags):
    """Starts the app as a user does and waits for the address."""
    environment = {**os.environ, "CXR_DEMO_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    environment.pop("GRADIO_ANALYTICS_ENABLED", None)
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--no-browser", *flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(r"http://\S+", line):
            return App(process, found[0], time.monotonic() - begun, home)
    pytest.fail(f"the app did not start: {''.join(lines)}")


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    running = start_app(tmp_path_factory.mktemp("browser-home"), "--port", "17860")
    yield running
    running.end()


@pytest.fixture
def started(tmp_path):
    """Starts apps with one private folder; whatever the test leaves is killed."""
    apps = []

    def start(*flags):
        apps.append(start_app(tmp_path / "home", *flags))
        return apps[-1]

    yield start
    for each in apps:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.skip("NO BROWSER FOUND: no browser test was run; install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        with_chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield with_chromium
        with_chromium.close()


@pytest.fixture
def open_page(app, browser):
    """Opens the app in a browser of its own (cookies, language); afterwards no page may have
    complained, and none may have asked anything of another host."""
    contexts, complaints = [], []

    def watch(page, origin):
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: said.type in {"error", "warning"} and complaints.append(said.text),
        )
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith((origin, "data:", "blob:"))
                or complaints.append(f"outside: {asked.url}")
            ),
        )

    def make(language="en", size=(1280, 720), address=None):
        locale = "pt-BR" if language == "pt" else "en-US"
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(locale=locale, viewport=viewport)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        watch(page, app.origin)
        page.goto(address or app.address)
        page.wait_for_selector("html.cxr-ready")
        return page

    make.complaints = complaints
    yield make
    for context in contexts:
        context.close()
    assert complaints == []
