"""The exported page opens without a network in a real browser, asks for nothing, tells only
aggregates."""

import json
import re

import pytest

from cxr_demo.plots import page
from cxr_demo.plots.levels import Gpu
from tests.results.build import Made
from tests.results.conftest import PAIRED
from tests.ui.conftest import CHROMIUM

GPU = Gpu("NVIDIA RTX A2000 12GB", 12 * 1024**3)


def test_a_page_holds_no_key_no_patient_no_text_and_no_folder(board):
    text = page.html([board(images=60)], "en", gpu=GPU).decode()
    for secret in ("chexpert/p", "view1", "report [", "/data/chexpert", "image_unreadable"):
        assert secret not in text


@pytest.mark.parametrize("language", ["en", "pt"])
def test_phantoms_are_marked_in_the_title_and_above_every_table(board, language):
    mark = "SYNTHETIC, NOT PATIENTS" if language == "en" else "SINTÉTICO, NÃO SÃO PACIENTES"
    text = page.html([board(PAIRED, images=60, synthetic=True)], language).decode()
    assert re.search(f"<title>{mark}", text)
    above = re.findall(r"<summary>(.*?)</summary>", text)
    above += re.findall(r"<h3>(.*?)</h3><div", text)
    assert len(above) > 5 and all(mark in each for each in above)
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', text)[1])
    assert all(mark in each["layout"]["title"]["text"] for each in figures)
    assert all(mark.replace(", ", "-").replace(" ", "-") in each["name"] for each in figures)


def test_names_from_elsewhere_cannot_become_markup(board):
    found = board((Made(gpu="<script>alert(1)</script><img src=x onerror=alert(2)>"),), images=40)
    text = page.html([found], "en").decode()
    assert "<img" not in text.replace(text[text.index("<script>") : text.index('id="figures"')], "")
    assert "<script>alert" not in text


@pytest.mark.browser
@pytest.mark.parametrize("dark", [True, False])
def test_it_opens_without_network_draws_everything_and_saves_png(board, tmp_path, dark):
    if not CHROMIUM:
        pytest.skip("NO BROWSER FOUND: the page was not opened; install chromium")
    from playwright.sync_api import sync_playwright

    file = tmp_path / "page.html"
    found = board(images=300, name="aggregated")
    file.write_bytes(page.html([found], "pt", dark, GPU))
    complaints = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1600, "height": 900}, offline=True)
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda told: complaints.append(told.text))
        opened.on(
            "request",
            lambda asked: (
                asked.url.startswith(("file:", "blob:", "data:")) or complaints.append(asked.url)
            ),
        )
        opened.goto(file.as_uri())
        opened.wait_for_function("document.documentElement.dataset.drawn === '6'")
        drawn = opened.locator(".plot .main-svg").count()
        with opened.expect_download() as saved:
            opened.click("[data-plot='2']")
        png = tmp_path / "figure.png"
        name = saved.value.suggested_filename
        saved.value.save_as(png)
        browser.close()
    assert complaints == []
    assert drawn >= 6
    assert name.endswith("_memory.png")
    assert png.read_bytes()[16:24] == (2560).to_bytes(4, "big") + (1440).to_bytes(4, "big"), "size"
