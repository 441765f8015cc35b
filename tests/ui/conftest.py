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

import numpy as np
import pytest

from tests.ui.viewer_driver import header, settle
from tests.ui.viewer_site import chest, serving

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


@pytest.fixture(scope="module")
def own_app(tmp_path_factory):
    """An app for one module alone."""
    running = start_app(tmp_path_factory.mktemp("own-home"), "--port", "17906")
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


@pytest.fixture(scope="module")
def fake_address(tmp_path_factory):
    """The address of `tests.ui.fake_app`, where every model counts as installed."""
    home = tmp_path_factory.mktemp("fake-home")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.fake_app", "--no-browser", "--port", "17902"],
        cwd=ROOT,
        env={**os.environ, "CXR_DEMO_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    found = next(match for line in process.stdout if (match := re.search(r"http://\S+", line)))
    yield found[0]
    process.terminate()
    process.wait(20)


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


@pytest.fixture(scope="session")
def pictures():
    """Every uint16 value once; a noisy chest; 8 megapixels; one wider than a texture may be."""
    return {
        "all": np.arange(65536, dtype=np.uint16).reshape(256, 256),
        "chest": chest(701, 600),
        "large": np.tile(chest(408, 306), (8, 8)),  # 3264 x 2448
        "wide": chest(64, 9000),
    }


@pytest.fixture(scope="session")
def site(pictures):
    raw = {name: pixels.astype("<u2").tobytes() for name, pixels in pictures.items()}
    with serving(raw) as address:
        yield address


@pytest.fixture
def open_viewer(browser, site, pictures):
    """A function that opens the page with a viewer, and `name` shown in it if one is given."""
    pages = []

    def opened(name=None, *, size=(900, 760), pane="100vw", ratio=1, options=None, **fields):
        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=ratio,
            has_touch=True,
        )
        pages.append(page)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{site}/?width={pane}")
        page.evaluate(
            "(options) => { window.v = new CxrViewer(document.getElementById('pane'), options); }",
            {"language": "en", "renderer": "canvas2d", **(options or {})},
        )
        if name:
            assert page.evaluate(
                "([url, study]) => CxrViewer.fetchInto(v, url, study)",
                [f"/pixels/{name}", header(pictures[name], id=name, **fields)],
            )
            settle(page)
        return page

    yield opened
    for page in pages:
        assert page.errors == []
        page.close()
