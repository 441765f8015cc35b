"""The viewer in a real browser with software rendering: greys, frames, hands, keys, loading."""

import base64
import json
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cxr_demo.records import Radiograph, View, VoiFunction, Window
from cxr_demo.studies import render
from cxr_demo.studies.voi import to_pixels
from tests.ui.viewer_site import chest, serving

pytestmark = pytest.mark.browser

RENDERERS = ["webgl2", "canvas2d"]
USUAL = Window(2048, 4096)
TABLE = Window(0, 1, VoiFunction.TABLE, "file", 0, np.arange(65535, -1, -1, dtype=np.uint16) // 3)
WINDOWS = [
    USUAL,
    Window(2047.5, 2, label="full"),
    Window(1000, 1),
    Window(30000, 41000, VoiFunction.LINEAR_EXACT),
    Window(999.25, 0.5, VoiFunction.LINEAR_EXACT),
    Window(20000, 15000, VoiFunction.SIGMOID),
    TABLE,
]


@pytest.fixture(scope="module")
def pictures():
    """Every uint16 value once; a noisy chest; 8 megapixels; one wider than a texture may be."""
    return {
        "all": np.arange(65536, dtype=np.uint16).reshape(256, 256),
        "chest": chest(701, 600),
        "large": np.tile(chest(408, 306), (8, 8)),  # 3264 x 2448
        "wide": chest(64, 9000),
    }


@pytest.fixture(scope="module")
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


def header(pixels, *, id="one", windows=(USUAL,), slope=1, intercept=0, spacing=None):
    """What the application sends beside the pixels."""
    rows, columns = pixels.shape
    return {
        "id": id,
        "width": columns,
        "height": rows,
        "windows": [as_header(window) for window in windows],
        "slope": slope,
        "intercept": intercept,
        "spacing": spacing,
        "meta": {"modality": "DX", "view": "PA", "bits": 12},
    }


def as_header(window):
    table = None if window.table is None else window.table.tolist()
    return {
        "centre": window.centre,
        "width": window.width,
        "function": str(window.function),
        "label": window.label,
        "first": window.first,
        "table": table,
    }


def greys(pixels, window):
    radiograph = Radiograph(pixels, 16, View.PA, (window,), "PNG", "0" * 64)
    return render(radiograph).astype(int)


def settle(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def state(page):
    settle(page)
    return page.evaluate("v.state()")


def snapshot(page):
    """(H, W) greys of the whole canvas."""
    height, width, text = page.evaluate(
        """async () => { const { width, height, greys } = v.snapshot();
        const base64 = await new Promise((done) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result.split(',')[1]);
            reader.readAsDataURL(new Blob([greys])); });
        return [height, width, base64]; }"""
    )
    greys = np.frombuffer(base64.b64decode(text), np.uint8)
    return greys.reshape(height, width).astype(int)


def image_part(page, pixels):
    """The canvas where it shows the image at 1:1."""
    at = page.evaluate("Cxr.maths.origin(v.view, v.size)")
    rows, columns = pixels.shape
    return snapshot(page)[at["y"] : at["y"] + rows, at["x"] : at["x"] + columns]


def drag(page, start, end, button="left", steps=4):
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(*end, steps=steps)
    page.mouse.up(button=button)


# -------------------------------------------------------------------- greys


@pytest.mark.parametrize("renderer", RENDERERS)
def test_every_value_gets_the_grey_that_python_renders(open_viewer, pictures, renderer):
    pixels = pictures["all"]
    page = open_viewer(size=(500, 400), options={"renderer": renderer})
    for window in WINDOWS:
        page.evaluate(
            "async (study) => { await CxrViewer.fetchInto(v, '/pixels/all', study); v.exact(); }",
            header(pixels, windows=[window]),
        )
        assert state(page)["renderer"] == renderer
        shown = image_part(page, pixels)
        assert np.abs(shown - greys(pixels, window)).max() <= 1, window
        page.evaluate("v.toggleInvert()")
        assert np.array_equal(image_part(page, pixels), 255 - shown), window


def test_both_renderers_agree_at_every_zoom(open_viewer):
    shots = {}
    for renderer in RENDERERS:
        page = open_viewer("chest", size=(500, 420), options={"renderer": renderer})
        page.evaluate("v.choose('lung')")
        shots[renderer] = [snapshot(page)]
        for factor in (0.71, 2.1, 1.9, 3.3):
            page.evaluate(f"v.zoomBy({factor}, 111, 77)")
            shots[renderer].append(snapshot(page))
        page.evaluate("v.panBy(-31, 17)")  # the plain canvas takes over what it had sampled
        shots[renderer].append(snapshot(page))
    for one, other in zip(*shots.values(), strict=True):
        assert np.abs(one - other).max() <= 1
    for one, other in pairwise(shots["canvas2d"]):
        assert np.abs(one - other).max() > 1


@pytest.mark.parametrize("renderer", RENDERERS)
def test_half_size_is_the_mean_of_four_pixels(open_viewer, pictures, renderer):
    pixels = pictures["chest"][:700]
    page = open_viewer("chest", options={"renderer": renderer})
    page.evaluate("v.look({scale: 0.5, x: 300, y: 351})")
    mean = pixels.reshape(350, 2, 300, 2).mean(axis=(1, 3))
    expected = np.clip((mean - 2047.5) / 4095 + 0.5, 0, 1) * 255
    assert np.abs(image_part(page, mean) - expected).max() <= 1


def test_eight_bits_do_not_band_when_shown_small(open_viewer, pictures):
    """512 x 512 of an 8-bit ramp with dither: a quarter of the size has more than 8 bits' steps."""
    page = open_viewer(size=(300, 300))
    page.evaluate(
        """() => { const pixels = new Uint16Array(512 * 512);
        for (let i = 0; i < pixels.length; i++) pixels[i] = 100 + ((i % 512) / 64 + Math.random());
        v.load({id: 'r', width: 512, height: 512, pixels, windows: [{centre: 104.5, width: 8,
                function: 'LINEAR_EXACT', label: 'file'}], slope: 1, intercept: 0, spacing: null});
        v.look({scale: 0.25, x: 256, y: 256}); }"""
    )
    assert len(np.unique(image_part(page, np.empty((128, 128))))) > 60


def test_a_lost_gpu_context_goes_on_with_the_same_picture(open_viewer):
    page = open_viewer("chest", options={"renderer": "webgl2"})
    before = snapshot(page)
    page.evaluate("v.renderer.gl.getExtension('WEBGL_lose_context').loseContext()")
    page.wait_for_function("v.state().renderer === 'canvas2d'")
    settle(page)
    assert np.abs(snapshot(page) - before).max() <= 1


def test_larger_than_a_texture_is_shown_whole(open_viewer, pictures):
    page = open_viewer("wide", options={"renderer": "webgl2"})
    assert state(page)["renderer"] == "canvas2d"
    page.evaluate("v.exact()")
    part = pictures["wide"][:, 5000:5500]
    page.evaluate("v.look({scale: 1, x: 5250, y: 32})")
    canvas = snapshot(page)
    middle = canvas.shape[0] // 2
    left = canvas.shape[1] // 2 - 250
    shown = canvas[middle - 32 : middle + 32, left : left + 500]
    assert np.abs(shown - greys(part, USUAL)).max() <= 1


def test_canvas_has_the_screens_own_pixels(open_viewer):
    page = open_viewer("chest", size=(400, 360), ratio=2)
    box = page.locator(".cxrv-stage canvas").bounding_box()
    canvas = state(page)["canvas"]
    assert (canvas["width"], canvas["height"]) == (2 * box["width"], 2 * box["height"])
    page.keyboard.press("o")
    assert state(page)["zoom"] == 1


# -------------------------------------------------------------------- numbers on the screen


def test_window_is_shown_in_the_units_of_the_file(open_viewer):
    """MONOCHROME1 of 15 bits: turned polarity, yet WW and WL read as the file has them."""
    window = to_pixels(Window(15000, 30000), -1, 32767)
    page = open_viewer("chest", windows=[window], slope=-1, intercept=32767)
    shown = state(page)
    assert (shown["level"], shown["window"]) == (15000, 30000)
    readout = page.locator(".cxrv-readout").inner_text()
    assert "WW 30000" in readout and "WL 15000" in readout and "600 × 701" in readout


def test_scale_bar_measures_what_the_spacing_says(open_viewer):
    page = open_viewer("chest", spacing=[0.5, 0.5])
    bar = page.locator(".cxrv-rule")
    centimetres = float(bar.inner_text().removesuffix(" cm"))
    width = bar.bounding_box()["width"]
    assert width == pytest.approx(centimetres * 10 / 0.5 * state(page)["zoom"], abs=0.5)
    assert page.evaluate("Cxr.maths.scaleBar(0.7, 160)") == {"mm": 100, "pixels": 100 / 0.7}
    without = open_viewer("chest")
    assert without.locator(".cxrv-rule").count() == 0


def test_presets_leave_padding_out_and_spread_their_part(open_viewer, pictures):
    page = open_viewer("chest", windows=[Window(10, 20), replace(WINDOWS[1], width=99)])
    assert page.evaluate("v.presets.full.width") == 99  # the one that Python made
    low, high = np.percentile(pictures["chest"], [1, 75])
    lung = page.evaluate("v.presets.lung")
    assert lung["centre"] == pytest.approx((low + high) / 2, abs=1)
    assert lung["width"] == pytest.approx(high - low, abs=2)
    padded = page.evaluate(
        """() => { const pixels = new Uint16Array(1000).fill(65535, 0, 300);
        for (let i = 300; i < 1000; i++) pixels[i] = i;
        const s = Cxr.maths.statistics(Cxr.maths.histogram(pixels));
        return [s.min, s.max, s.percentile(0), s.percentile(100)]; }"""
    )
    assert padded == [300, 65535, 300, 999]


def test_nothing_but_known_facts_is_written(open_viewer, pictures):
    page = open_viewer("chest")
    page.evaluate("() => { v.image.meta.patient = 'CANARY'; v.chrome.refill(); }")
    assert page.locator(".cxrv-meta").inner_text() == "DX · PA · 12 bits"
    assert "CANARY" not in page.content()


# -------------------------------------------------------------------- hands


def test_dragging_changes_window_and_level_and_comes_back(open_viewer):
    page = open_viewer("chest")
    start = state(page)
    page.mouse.move(400, 400)
    page.mouse.down()
    page.mouse.move(500, 400)
    wider = state(page)
    assert wider["window"] > start["window"] * 1.1 and wider["level"] == start["level"]
    page.mouse.move(400, 300)
    higher = state(page)
    assert higher["level"] < start["level"] and higher["window"] == start["window"]
    page.mouse.move(400, 400)
    page.mouse.up()
    assert state(page)["voi"] == start["voi"]


@pytest.mark.parametrize("how", ["right", "middle", "Shift", "Space"])
def test_panning(open_viewer, how):
    page = open_viewer("chest")
    before = state(page)
    page.mouse.move(300, 300)
    if how in ("Shift", "Space"):
        page.keyboard.down(how)
    drag(page, (300, 300), (340, 310), "left" if how in ("Shift", "Space") else how)
    after = state(page)
    moved = [(before["pan"][axis] - after["pan"][axis]) * after["zoom"] for axis in "xy"]
    assert moved == pytest.approx([40, 10])
    assert after["voi"] == before["voi"]


@pytest.mark.parametrize("modifier", [None, "Control"])
def test_wheel_and_pinch_zoom_at_the_cursor(open_viewer, modifier):
    page = open_viewer("chest")
    under = """([x, y]) => { const p = v.controls.screen(x, y), s = v.size;
        return [v.view.x + (p.x - s.width / 2) / v.view.scale,
                v.view.y + (p.y - s.height / 2) / v.view.scale]; }"""
    point = [520, 300]
    before = page.evaluate(under, point)
    zoom = state(page)["zoom"]
    page.mouse.move(*point)
    if modifier:
        page.keyboard.down(modifier)
    page.mouse.wheel(0, -120)
    page.wait_for_function(f"v.state().zoom > {zoom * 1.1}")
    assert page.evaluate(under, point) == pytest.approx(before)
    assert page.evaluate("visualViewport.scale") == 1
    if modifier:
        page.keyboard.up(modifier)
    page.mouse.dblclick(*point)
    assert state(page)["fitting"]


def test_two_fingers_zoom_and_one_turns_the_window(open_viewer):
    page = open_viewer("chest")
    touch = page.context.new_cdp_session(page)

    def fingers(kind, *points):
        places = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    before = state(page)
    fingers("touchStart", (400, 400), (440, 400))
    fingers("touchMove", (380, 400), (460, 400))
    fingers("touchEnd")
    pinched = state(page)
    assert pinched["zoom"] == pytest.approx(2 * before["zoom"], rel=0.05)
    assert pinched["voi"] == before["voi"]
    fingers("touchStart", (400, 400))
    fingers("touchMove", (480, 400))
    fingers("touchEnd")
    assert state(page)["window"] > before["window"]


# -------------------------------------------------------------------- keys


def test_every_key_does_what_the_list_says(open_viewer):
    windows = [Window(2048, 4096, label="NORMAL"), Window(2048, 2000, label="HARDER")]
    page = open_viewer("chest", windows=windows)
    start = state(page)

    def after(key):
        page.keyboard.press(key)
        return state(page)

    assert [after(key)["preset"] for key in "234"] == ["full", "lung", "bone"]
    assert after("1")["window"] == 4096
    assert after("1")["window"] == 2000
    assert after("i")["invert"]
    assert after("ArrowRight")["window"] > 2000
    assert after("ArrowUp")["level"] < 2048
    assert after("o")["zoom"] == 1
    assert after("+")["zoom"] == pytest.approx(1.25)
    assert after("Shift+ArrowRight")["pan"]["x"] > start["pan"]["x"]
    assert after("f")["fitting"]
    assert after("r")["voi"] == start["voi"]
    assert not state(page)["invert"]


def test_keys_leave_writing_and_the_applications_own_keys_alone(open_viewer):
    page = open_viewer("chest")
    page.evaluate(
        """() => { window.heard = []; document.addEventListener('keydown', (event) => heard.push(
        (event.altKey ? 'Alt+' : '') + event.key + (event.defaultPrevented ? '!' : ''))); }"""
    )
    page.focus("#writing")
    page.keyboard.type("i2 r")
    assert page.input_value("#writing") == "i2 r"
    assert state(page)["preset"] == "file" and not state(page)["invert"]
    page.focus(".cxrv-stage")
    page.evaluate("heard.length = 0")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+Enter")
    assert page.evaluate("heard.splice(0)") == ["Escape", "Alt+Alt", "Alt+Enter"]
    page.keyboard.press("?")
    assert state(page)["help"] and page.locator(".cxrv-help").is_visible()
    page.evaluate("heard.length = 0")
    page.keyboard.press("Escape")
    assert page.evaluate("heard.splice(0)") == []
    assert not state(page)["help"]
    page.focus("#other")
    page.keyboard.press("i")
    assert state(page)["invert"]  # letters work on the whole page
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("heard") == ["i!", " ", "ArrowDown"]


def test_keyboard_alone_reaches_everything_and_shows_where_it_is(open_viewer):
    page = open_viewer("chest")
    names = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        if page.evaluate("document.activeElement === v.chrome.stage"):
            ring = "getComputedStyle(v.chrome.stage, '::after').borderTopWidth"
            assert page.evaluate(ring) == "2px"
    assert len(names) >= 12 and None not in names


# -------------------------------------------------------------------- words and places


def test_languages_and_states(open_viewer):
    page = open_viewer(options={"texts": {"pt": {"emptyHint": "Solte aqui"}}})
    assert "No study open" in page.locator(".cxrv-message").inner_text()
    page.evaluate("v.setLanguage('pt')")
    words = page.locator(".cxrv-message").inner_text()
    assert "Nenhum exame aberto" in words and "Solte aqui" in words
    assert page.locator("[data-act=lung]").inner_text() == "Pulmão"
    assert page.locator("[data-act=lung]").is_disabled()
    assert page.get_attribute("#pane", "lang") == "pt-BR"
    keys = page.evaluate("Object.values(Cxr.texts).map(words => Object.keys(words).sort())")
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    "size, pane", [((1280, 720), "500px"), ((1600, 900), "640px"), ((2560, 1440), "1040px")]
)
def test_toolbar_is_one_row_of_targets_that_can_be_hit(open_viewer, size, pane):
    page = open_viewer("chest", size=size, pane=pane, options={"language": "pt"})
    boxes = [each.bounding_box() for each in page.locator(".cxrv-button:visible").all()]
    assert len(boxes) == 11
    assert len({box["y"] for box in boxes}) == 1
    assert min(min(box["width"], box["height"]) for box in boxes) >= 24
    scrolls = "document.documentElement.scrollHeight > innerHeight"
    assert not page.evaluate(scrolls)


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
