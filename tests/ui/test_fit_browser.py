"""The screen "Will it fit?" in a real browser: asked, fetched, paused, killed, gone on with."""

import signal
import time

import pytest

from cxr_demo.units import MIB
from tests.weights.hub_server import LARGE, FakeHub, tensors, tiny_model

pytestmark = pytest.mark.browser

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"
SIZE = 8 * MIB


def open_fit(page):
    page.click("#tab-fit-button")
    page.wait_for_selector(".fit-table table")


def fits_the_window(page, size):
    overflow = page.evaluate(
        "[document.documentElement.scrollHeight - innerHeight,"
        " document.documentElement.scrollWidth - innerWidth]"
    )
    assert max(overflow) <= 0
    box = page.locator(".fit-table").bounding_box()
    assert box["y"] + box["height"] <= size[1]
    wide = page.evaluate(
        "[...document.querySelectorAll('.fit-table, .fit-right')]"
        ".map((each) => each.scrollWidth - each.clientWidth)"
    )
    assert max(wide) <= 0, wide


@pytest.mark.parametrize("size", [(1280, 720), (1600, 900)], ids=lambda size: str(size[0]))
def test_every_pair_is_compared_with_what_is_here_or_typed(open_page, size):
    page = open_page("en", size)
    open_fit(page)
    assert page.locator(".fit-table tbody").count() == 5  # four models and CheXbert
    assert "MedGemma 1.5 4B" in page.locator(".fit-table").inner_text()
    assert "Embedded" not in page.locator(".fit-pane").inner_text()
    fits_the_window(page, size)
    page.fill("#fit-card", "4")
    page.wait_for_selector("[data-model=chexagent-8b] tr[data-verdict=no]")
    assert "left beside driver and desktop" in page.locator(".memory-words").inner_text()
    for row in page.locator(".fit-table tbody tr[data-verdict]").all():
        words = row.locator(".c-verdict").inner_text()  # a sign and a word beside the colour
        assert any(each in words for each in ("fits", "tight", "does not fit"))
    page.fill("#fit-card", "many")
    page.wait_for_selector(".fit-left .failure:not([hidden])")
    assert "type a number of GB" in page.locator(".fit-left .failure").inner_text()
    page.fill("#fit-card", "")
    page.click("#language label:has-text('PT')")
    page.wait_for_selector("text=Necessário × livre")
    fits_the_window(page, size)


def test_the_keyboard_alone_walks_the_table_and_the_picker(open_page):
    page = open_page("en")
    page.locator("#model").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".pair[aria-current=true]:focus")
    page.keyboard.press("ArrowDown")
    assert "Port not confirmed" in page.locator(".picker-foot").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector(".picker-list:not(:popover-open)", state="attached")
    page.keyboard.press("Enter")
    page.wait_for_selector(".pair[aria-current=true]:focus")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # not on this machine: to the screen that gets it
    page.wait_for_selector("#weights:has-text('MedGemma 4B')")
    assert "weights fetch medgemma-4b-it" in page.locator("#weights").inner_text()
    page.locator(".fit-table button.precision").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.closest('tr')?.matches('.chosen')")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, [role=tab]")]
          .filter((each) => each.getClientRects().length)
          .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.labels?.length))
          .map((each) => each.outerHTML.slice(0, 160))"""
    )
    assert unnamed == []


OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@pytest.fixture
def fake():
    server = FakeHub({REPO: tiny_model() | {LARGE: tensors(SIZE // 1024)}})
    yield server
    server.close()


@pytest.fixture
def user(started, browser, fake, monkeypatch, tmp_path):
    """Starts the app as a user with this hub does, and gives its page."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN", *OFFLINE):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    contexts = []

    def opened(port):
        app = started("--port", port)
        contexts.append(browser.new_context(locale="en-US"))
        page = contexts[-1].new_page()
        page.goto(app.address)
        page.wait_for_selector("html.cxr-ready")
        open_fit(page)
        page.click(f"[data-key='{ID}']")
        page.wait_for_selector("#weights:has-text('MedGemma 4B')")
        return app, page

    yield opened
    for context in contexts:
        context.close()


def stock(page):
    return page.locator("#weights .pane-head .stock").get_attribute("data-state")


def fetch(page):
    page.click("#weights [data-do=fetch]")
    page.wait_for_selector("#weights-go")
    return page.locator(".cxr-dialog").inner_text()


def test_a_fetch_is_paused_survives_a_killed_app_and_goes_on(user, fake):
    app, page = user("18931")
    assert stock(page) == "absent"
    said = fetch(page)
    assert "Health AI Developer Foundations" in said and "accept the terms" in said
    assert fake.asked == [], "nothing goes online before the button in the dialog"
    fake.stall_after = SIZE // 2
    page.click("#weights-go")
    page.wait_for_selector("#weights .going:has-text('Receiving')")
    assert "of 8.0 MiB" in page.locator("#weights .figures").inner_text()
    part = app.home / "models" / ID / f"{LARGE}.part"
    until_still(part)
    page.click("#weights [data-do=stop]")
    page.wait_for_selector("#weights .outcome:has-text('Paused')", timeout=15_000)
    assert stock(page) == "partial"

    fetch(page)
    page.click("#weights-go")
    page.wait_for_selector("#weights .going")
    app.end(signal.SIGKILL)
    fake.stall_after = None
    fake.released.set()
    until_still(part)
    came = part.stat().st_size
    assert SIZE // 3 < came < SIZE

    fake.asked.clear()
    _, page = user("18932")
    assert stock(page) == "partial" and fake.asked == []
    assert page.locator("#weights [data-do=fetch]").inner_text() == "Go on fetching…"
    fetch(page)
    page.click("#weights-go")
    page.wait_for_selector("#weights .pane-head .stock[data-state=verified]", timeout=30_000)
    assert fake.gets(LARGE)[0].range == f"bytes={came}-"

    page.click("#tab-room-button")
    page.click("#model")
    page.wait_for_selector(f".picker-row:not(.missing)[data-model='{ID}']")
    page.click(f"[data-pair='{ID} nf4']")
    page.wait_for_selector("#precision [data-precision=nf4][aria-checked=true]")
    shown = page.locator("#pane-picker").inner_text()
    assert "not confirmed" in shown and "Quality in 4 bits: not measured here" in shown

    page.click("#tab-fit-button")
    page.click("#weights [data-do=delete]")
    page.click("#weights-go")
    page.wait_for_selector("#weights .pane-head .stock[data-state=absent]")


def until_still(path, seconds=20):
    """Until something is in `path` and nobody writes into it any more."""
    end, size = time.monotonic() + seconds, -1
    while time.monotonic() < end:
        before, size = size, path.stat().st_size if path.exists() else 0
        if size and size == before:
            return
        time.sleep(1)


def test_refusals_name_the_next_step_and_addresses_can_be_copied(user, fake):
    fake.gated = True
    _, page = user("18933")
    fetch(page)
    page.click("#weights-go")
    failed = page.locator("#weights .failure")
    failed.wait_for()
    assert "make a token" in failed.inner_text() and "hf auth login" in failed.inner_text()
    page.click("#weights .failure .icon-button")
    failed.wait_for(state="hidden")
    page.click("#weights [data-do=urls]")
    page.click("#weights-go")
    listed = page.locator("#weights .outcome pre")
    listed.wait_for()
    assert "Hosts (HTTPS, port 443):" in listed.inner_text() and "sha256:" in listed.inner_text()
    page.click("#weights [data-do=import]")
    page.click("#weights-go")  # nothing typed: the question stays
    page.fill("#import-folder", "/no/where")
    page.keyboard.press("Enter")
    failed.wait_for()
    assert "not a folder on this machine" in failed.inner_text()
    assert not page.locator(".cxr-dialog").is_visible()
