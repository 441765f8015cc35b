"""The viewer in a real browser with software rendering: greys, and numbers on the screen."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cxr_demo.records import Radiograph, View, VoiFunction, Window
from cxr_demo.studies import render
from cxr_demo.studies.voi import to_pixels
from tests.ui.viewer_driver import USUAL, header, image_part, settle, snapshot, state

pytestmark = pytest.mark.browser

RENDERERS = ["webgl2", "canvas2d"]
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


def greys(pixels, window):
    radiograph = Radiograph(pixels, 16, View.PA, (window,), "PNG", "0" * 64)
    return render(radiograph).astype(int)


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
