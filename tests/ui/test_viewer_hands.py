"""The viewer under mouse, fingers and keys, in both languages and every size."""

import pytest

from cxr_demo.records import Window
from tests.ui.viewer_driver import drag, state

pytestmark = pytest.mark.browser


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
