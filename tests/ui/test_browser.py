"""In a real browser, with the real worker: what a newcomer does, and what must never be seen."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr_demo.paths import assets_dir

pytestmark = pytest.mark.browser

SIZES = ((1280, 720), (1600, 900), (2560, 1440))


def view(page):
    return page.evaluate("window.cxrApp.view")


def wait_for(page, condition, seconds=30):
    """Waits until `condition`, in JavaScript over the view `v`, is true."""
    page.wait_for_function(
        f"() => {{ const v = window.cxrApp.view; return v && ({condition}); }}",
        timeout=seconds * 1000,
        polling=40,
    )


def wait_until_ready(page, seconds=60):
    ready = "() => ['ready', 'reading'].includes(window.cxrApp.live.state)"
    page.wait_for_function(ready, timeout=seconds * 1000)


def open_sample(page, index=0):
    sample = page.locator("[data-sample]").nth(index)
    name = sample.get_attribute("data-sample")
    sample.click()
    wait_for(page, f"v.study?.sample === '{name}' && !v.opening")
    page.wait_for_function("() => window.cxrApp.panes[0].viewer.state().phase === 'shown'")


def open_files(page, *paths):
    page.set_input_files("#file-input", [str(path) for path in paths])


def generate_and_then(page, click):
    """Presses Generate, and `click` at the very moment when the first words are on the screen. On a
    busy machine the page may learn of a short report when it is over; then it presses again."""
    for _ in range(4):
        if page.evaluate(CLICK_IN_TIME, [click]):
            return
    pytest.fail("every report was over before its first words were seen")


CLICK_IN_TIME = """([click]) => new Promise((done, fail) => {
  const text = document.querySelector(".report-text");
  const before = window.cxrApp.view.readings.length;
  const end = (inTime) => { look.disconnect(); done(inTime); };
  const look = new MutationObserver(() => {
    const { report, readings } = window.cxrApp.view;
    if (report.state === "done" && readings.length > before) return end(false);
    if (report.state !== "writing" || !text.textContent) return;
    document.querySelector(click).click();
    end(true);
  });
  look.observe(text, { childList: true, characterData: true, subtree: true });
  document.querySelector("#generate").click();
  setTimeout(() => fail(new Error("nothing was written")), 40_000);
})"""


def stored(name):
    data_store = pytest.importorskip("data_store")
    return Path(data_store.__file__).parent / "data" / name


def test_a_newcomer_opens_generates_looks_switches_and_stops(open_page):
    page = open_page("en")
    assert "not a medical device" in page.locator(".badge").inner_text()
    assert page.locator(".finding.is-unassessed").count() == 14
    wait_until_ready(page)

    open_sample(page)
    for _ in range(3):  # the model may end before a busy machine has drawn two unfinished texts
        before = len(view(page)["readings"])
        page.evaluate(
            """() => {
              const text = document.querySelector(".report-text");
              window.seen = new Set();
              new MutationObserver(() => window.seen.add(text.textContent))
                .observe(text, { childList: true, characterData: true, subtree: true });
            }"""
        )
        page.click("#generate")
        wait_for(page, f"v.report.state === 'done' && v.readings.length > {before}", 60)
        seen = sorted(page.evaluate("[...window.seen]"), key=len)
        if len(seen) >= 3:
            break
    assert len(seen) >= 3, f"the text did not grow step by step: {seen}"
    assert all(seen[-1].startswith(each) for each in seen)
    assert page.locator(".output-label").text_content() == "Model output, unverified"
    text = page.locator(".report-text").text_content()
    assert len(text) > 40

    row = page.locator(".finding:has(q)").first
    finding = row.get_attribute("data-row")
    row.click()
    marked = page.locator(".mark.chosen")
    assert marked.count() >= 1
    quoted = row.locator("q").first.text_content()
    assert quoted in text
    page.locator(".mark:not(.chosen)").first.click()
    assert page.locator(".finding.chosen").get_attribute("data-row") != finding

    page.click("#language label:has-text('PT')")
    wait_for(page, "v.language === 'pt'")
    assert page.locator(".report-text").text_content() == text
    assert page.evaluate("document.documentElement.lang") == "pt-BR"
    assert "inglês" in page.locator(".output-note").last.text_content()
    assert page.locator("#generate").inner_text() == "Gerar"
    assert "Cardiomegalia" in page.locator(".findings").inner_text()
    assert "Somente para pesquisa" in page.locator(".badge").inner_text()

    page.click("#precision button:has-text('4 bits')")
    for _ in range(3):  # the model may end before a busy machine has passed the click on
        generate_and_then(page, "#stop")
        wait_for(page, "['stopped', 'done'].includes(v.report.state)")
        if view(page)["report"]["state"] == "stopped":
            break
    stopped = page.locator(".report-text").text_content()
    assert stopped
    assert "INTERROMPIDO" in page.locator(".state-line").inner_text()
    assert page.locator(".reading-tab").count() == len(view(page)["readings"]) > 1
    assert "4 bits" in page.locator(".reading-tab[aria-selected=true]").inner_text()
    assert page.locator(".finding.is-not_mentioned").count() == 0

    page.locator(".reading-tab").first.click()
    wait_for(page, "v.report.state === 'done'")
    assert page.locator(".report-text").text_content() == text

    page.click(".report-tools button >> nth=0")
    page.wait_for_function(
        "() => document.querySelector('.report-tools button').textContent === 'Copiado'"
    )
    copied = page.evaluate("navigator.clipboard.readText()")
    assert text.strip() in copied
    assert "não é dispositivo médico" in copied
    assert re.search(r"SHA-256 da imagem: [0-9a-f]{64}", copied)

    page.locator(".provenance summary").click()
    assert "SHA-256" in page.locator(".stamp").inner_text()
    page.click("#see")
    page.wait_for_selector(".seen img")
    assert "padded_square" in page.locator(".seen").inner_text()
    page.keyboard.press("Escape")


def test_a_patients_radiograph_opens_and_the_embedded_model_says_why_it_does_not_read_it(
    open_page, app, tmp_path
):
    page = open_page("en")
    wait_until_ready(page)
    open_sample(page)
    page.click("#generate")
    wait_for(page, "v.report.state === 'done'", 60)
    named = tmp_path / "SILVA^MARIA.dcm"
    named.write_bytes(stored("RG1_J2KR.dcm").read_bytes())
    open_files(page, named)
    wait_for(page, "v.study && v.study.sample === null")
    assert view(page)["readings"] == []
    assert page.locator(".report-text").text_content() == ""
    assert page.locator(".finding.is-unassessed").count() == 14
    page.wait_for_function("() => window.cxrApp.panes[0].viewer.state().phase === 'shown'")
    assert "1841 × 1955" in page.locator(".facts").inner_text()
    page.click("#generate")
    wait_for(page, "v.report.state === 'failed'")
    assert "synthetic" in page.locator(".report-pane .failure").inner_text()
    assert page.locator(".report-text").text_content() == ""
    assert page.locator(".finding.is-unassessed").count() == 14
    # Neither the file's name nor the patient's stands on the page or in the private folder.
    kept = "".join(each.name for each in app.home.rglob("*"))
    kept += "".join(each.read_text() for each in app.home.rglob("*.log*"))
    stores = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    for secret in ("SILVA", "CompressedSamples", "J2KR"):
        assert secret not in page.content() + stores + kept


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("SILVA^MARIA")
    whole = stored("RG1_J2KR.dcm").read_bytes()
    huge = folder / "huge.dcm"
    with huge.open("wb") as file:
        file.truncate(200 * 1024**2)
    (folder / "text.dcm").write_text("Dear colleague, this is a letter and no radiograph.\n" * 40)
    (folder / "truncated").write_bytes(whole[: len(whole) // 3])
    (folder / "empty").write_bytes(b"")
    photo = np.random.default_rng(1).integers(0, 255, (40, 30, 3)).astype(np.uint8)
    Image.fromarray(photo).resize((600, 800)).save(folder / "photo.jpg")
    with zipfile.ZipFile(folder / "letters.zip", "w") as archive:
        archive.write(folder / "text.dcm", "SILVA.dcm")
    return folder


@pytest.mark.parametrize("language", ["en", "pt"])
def test_bad_input_gets_one_sentence_and_the_study_stays(open_page, bad_files, language):
    page = open_page(language)
    open_sample(page, 1)
    before = view(page)["study"]
    for name in ("text.dcm", "truncated", "empty", "photo.jpg", "letters.zip", "huge.dcm"):
        open_files(page, bad_files / name)
        shown = page.locator(".study-pane .failure")
        shown.wait_for()
        said = shown.locator("span").inner_text()
        assert 20 < len(said) < 400, (name, said)
        portuguese = re.search(r"\b(arquivo|imagem|radiografia)\b", said)
        assert bool(portuguese) == (language == "pt"), (name, said)
        assert "SILVA" not in page.content()
        assert view(page)["study"] == before
        shown.locator("button").click()
        shown.wait_for(state="hidden")
    open_sample(page, 0)
    assert view(page)["study"]["id"] != before["id"]


def test_files_picked_together_become_a_list_of_studies(open_page, bad_files):
    page = open_page("en")
    samples = assets_dir() / "samples"
    picked = [samples / "sample-1.dcm", bad_files / "text.dcm", samples / "sample-2.dcm"]
    open_files(page, *picked)
    wait_for(page, "v.study && !v.opening")
    assert page.locator(".position").inner_text() == "Study 1 of 2"
    first = view(page)["study"]["image"]["id"]
    page.keyboard.press("PageDown")
    wait_for(page, "v.study.place === 1 && !v.opening")
    assert page.locator(".position").inner_text() == "Study 2 of 2"
    assert view(page)["study"]["image"]["id"] != first
    page.locator("[aria-label='Previous']").click()
    wait_for(page, "v.study.place === 0 && !v.opening")
    page.locator("[aria-label='Close study']").click()
    wait_for(page, "v.study === null")
    assert page.locator(".empty [data-sample]").count() > 1


def test_a_quick_switch_never_shows_the_text_of_the_other_study(open_page):
    page = open_page("en")
    wait_until_ready(page)
    open_sample(page, 0)
    generate_and_then(page, "[data-sample]:nth-of-type(2)")
    seen = page.evaluate(
        """async () => {
          const seen = [];
          const end = performance.now() + 2500;
          while (performance.now() < end) {
            const pressed = [...document.querySelectorAll("[data-sample]")]
              .findIndex((each) => each.getAttribute("aria-pressed") === "true");
            seen.push([pressed, document.querySelector(".report-text").textContent]);
            await new Promise((go) => setTimeout(go, 15));
          }
          return seen;
        }"""
    )
    assert {1} <= {pressed for pressed, _ in seen}
    assert {text for pressed, text in seen if pressed == 1} == {""}


def test_two_browsers_do_not_mix(open_page):
    first, second = open_page("en"), open_page("pt")
    open_sample(first, 0)
    open_sample(second, 2)
    wait_until_ready(first)
    first.click("#generate")
    wait_for(first, "v.report.state === 'done'", 60)
    assert view(second)["readings"] == []
    assert view(second)["study"]["sample"] != view(first)["study"]["sample"]
    assert view(second)["language"] == "pt"
    status = second.evaluate(
        "([image]) => fetch(`/cxr/${window.cxrApp.session}/pixels/${image}`).then((r) => r.status)",
        [view(first)["study"]["image"]["id"]],
    )
    assert status == 404
    open_page.complaints.clear()  # the browser writes that 404 into its console


def test_everything_fits_without_scrolling_the_page(open_page):
    page = open_page("pt")
    open_sample(page, 0)
    for language in ("PT", "EN"):
        page.click(f"#language label:has-text('{language}')")
        wait_for(page, f"v.language === '{language.lower()}'")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(100)
            overflow = page.evaluate(
                "[document.documentElement.scrollHeight - innerHeight,"
                " document.documentElement.scrollWidth - innerWidth]"
            )
            assert max(overflow) <= 0, (language, width)
            for name in (
                "#generate",
                "#stop",
                ".findings tr:last-child",
                "[data-tile='tele.total']",
            ):
                box = page.locator(name).bounding_box()
                assert box["y"] + box["height"] <= height, (language, width, name)
                assert box["x"] + box["width"] <= width, (language, width, name)
            stage = page.locator(".viewer").bounding_box()
            assert stage["width"] > width * 0.33
            assert stage["height"] > height * 0.5


def test_the_keyboard_alone_suffices(open_page):
    page = open_page("en")
    wait_until_ready(page)
    page.locator("[data-sample]").first.focus()
    page.keyboard.press("Enter")
    wait_for(page, "v.study && !v.opening")
    page.keyboard.press("Alt+Enter")
    wait_for(page, "v.report.state === 'done'", 60)
    page.locator("button.name").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".finding.chosen").get_attribute("data-row") == "Cardiomegaly"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=button], [role=tab]")]
          .filter((each) => each.getClientRects().length)
          .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.title
            || each.labels?.length))
          .map((each) => each.outerHTML.slice(0, 160))"""
    )
    assert unnamed == []


def test_about_says_what_is_stored_and_keeps_the_room_as_it_was(open_page):
    page = open_page("en")
    open_sample(page, 0)
    page.evaluate("window.cxrApp.panes[0].viewer.zoomBy(2)")
    zoom = page.evaluate("window.cxrApp.panes[0].viewer.state().zoom")
    page.click("[role=tab]:has-text('About')")
    about = page.locator("#about").inner_text()
    assert "Data sent off this machine: none." in about
    assert "Health AI Developer Foundations" in about
    assert "not a medical device" in page.locator(".badge").inner_text()
    page.click("[role=tab]:has-text('Reading room')")
    assert page.evaluate("window.cxrApp.panes[0].viewer.state().zoom") == zoom
    assert page.evaluate("Object.keys(localStorage)") in ([], ["cxr-language"])


def test_the_chosen_language_is_remembered_and_nothing_else(open_page):
    page = open_page("en")
    page.click("#language label:has-text('PT')")
    wait_for(page, "v.language === 'pt'")
    page.reload()
    page.wait_for_selector("html.cxr-ready")
    wait_for(page, "v.language === 'pt'")
    assert page.evaluate("JSON.stringify({...localStorage})") == '{"cxr-language":"pt"}'
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_a_page_that_is_being_left_asks_nothing_more(open_page):
    """Its session is closed while it still runs: it would hear that the app was started again."""
    page = open_page()
    page.evaluate("window.dispatchEvent(new Event('beforeunload'))")
    page.wait_for_timeout(100)  # for what was under way
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1000)
    page.close()
    assert asked == []
