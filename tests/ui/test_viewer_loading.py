"""The viewer while pixels arrive, or fail to, and how fast it draws them."""

import json
import time

import pytest

from tests.ui.viewer_driver import header, snapshot, state

pytestmark = pytest.mark.browser


# -------------------------------------------------------------------- loading


def test_a_newer_load_cancels_the_older(open_viewer, pictures):
    page = open_viewer("chest")
    small = header(pictures["all"], id="B")
    outcome = page.evaluate(
        """async ([slow, fast]) => {
        const first = CxrViewer.fetchInto(v, '/pixels/large?seconds=0.8', slow);
        const gone = v.state();
        await new Promise(done => setTimeout(done, 300));
        const half = v.chrome.progress.value;
        const second = await CxrViewer.fetchInto(v, '/pixels/all', fast);
        const loser = await first;
        await new Promise(done => setTimeout(done, 900));
        return [gone.id, gone.phase, half, second, loser, v.state().id]; }""",
        [header(pictures["large"], id="A"), small],
    )
    gone, phase, half, second, loser, shown = outcome
    assert (gone, phase) == (None, "loading")
    assert 0 < half < 1
    assert (second, loser, shown) == (True, False, "B")


def test_clear_gives_a_load_up_and_leaves_black(open_viewer, pictures):
    page = open_viewer("chest")
    result = page.evaluate(
        """async (slow) => { const load = CxrViewer.fetchInto(v, '/pixels/large?seconds=0.5', slow);
        v.clear(); return [await load, v.state().phase]; }""",
        header(pictures["large"]),
    )
    assert result == [False, "empty"]
    assert snapshot(page).max() == 0


@pytest.mark.parametrize("name, rows", [("missing", 256), ("all", 255), ("all", 257)])
def test_a_load_that_fails_says_so(open_viewer, pictures, name, rows):
    page = open_viewer("chest")
    study = {**header(pictures["all"]), "height": rows}
    failure = page.evaluate(
        "([url, study]) => CxrViewer.fetchInto(v, url, study).then(() => null, String)",
        [f"/pixels/{name}", study],
    )
    assert failure and "Error" in failure
    assert state(page)["phase"] == "failed"
    assert "did not reach" in page.locator(".cxrv-message").inner_text()
    assert snapshot(page).max() == 0


def test_dropped_files_reach_the_page(open_viewer):
    page = open_viewer()
    page.evaluate("""() => { v.destroy(); window.got = null;
        window.v = new CxrViewer(document.getElementById('pane'),
            {onFiles: (files) => { got = files[0].name; }});
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['x'], 'study.dcm'));
        v.chrome.stage.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true})); }""")
    assert page.evaluate("got") == "study.dcm"
    assert page.locator(".cxrv-stage").count() == 1


# -------------------------------------------------------------------- speed

DRAG = """() => new Promise((done) => {
    const begun = performance.now(), stage = v.chrome.stage, box = stage.getBoundingClientRect();
    const step = (now) => {
        const angle = (now - begun) / 300;
        stage.dispatchEvent(new PointerEvent('pointermove', {pointerId: window.held, bubbles: true,
            clientX: box.x + box.width / 2 + 150 * Math.sin(angle),
            clientY: box.y + box.height / 2 + 100 * Math.cos(angle)}));
        if (now - begun < 2000) requestAnimationFrame(step); else done((now - begun) / 1000);
    };
    requestAnimationFrame(step); })"""


def presented(browser, page, button):
    """Frames per second that reach the (headless) screen in two seconds of dragging: those that the
    browser's display compositor counts, and not more than the viewer drew."""
    page.evaluate(
        "() => { v.chrome.stage.onpointerdown = (event) => { window.held = event.pointerId; }; }"
    )
    page.mouse.move(500, 400)
    page.mouse.down(button=button)
    browser.start_tracing(page=page, categories=["viz"])
    draws = page.evaluate("v.draws")
    seconds = page.evaluate(DRAG)
    draws = page.evaluate("v.draws") - draws
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.mouse.up(button=button)
    shown = sum(event["name"] == "Display::FrameDisplayed" for event in events)
    return min(shown, draws) / seconds


@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("button", ["left", "right"])
def test_thirty_frames_a_second_at_eight_megapixels(
    browser, open_viewer, button, zoomed, record_property
):
    page = open_viewer("large", size=(1024, 760), options={"renderer": "auto"})
    if zoomed:
        page.keyboard.press("o")
    best = 0.0
    for _ in range(3):  # other work on the machine can only slow it down
        best = max(best, presented(browser, page, button))
        if best >= 30:
            break
        time.sleep(1)
    record_property("frames_per_second", best)
    print(f"{page.evaluate('v.renderer.name')} {button} zoomed={zoomed}: {best:.0f} frames/s")
    assert best >= 30
