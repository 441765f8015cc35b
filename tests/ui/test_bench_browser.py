"""The Benchmarks screen in a real browser: one click to figures, and nothing is lost on the way."""

import os
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

IMAGES = 6


@pytest.fixture(scope="module")
def app(own_app):
    """An app with a private folder of its own: what others do there would be in the way."""
    return own_app


def open_bench(page):
    page.click("#tabs [role=tab] >> nth=1")
    page.wait_for_selector(".bench .choice")


def figure(page):
    page.wait_for_selector(".bench-chart .main-svg", timeout=60_000)
    return page.locator(".bench-chart").inner_text()


def choose_phantoms(page, images=IMAGES, kept=None):
    page.click("[data-at=evaluation-phantoms]")
    page.fill("[data-at=option-count]", str(images))
    page.keyboard.press("Tab")
    page.wait_for_function(
        f"() => document.querySelector('[data-at=option-count]').value === '{kept or images}'"
    )


def done(page):
    words = page.locator("[data-fact=images] dd").inner_text()
    return int(re.match(r"\d+", words)[0])


def test_from_a_fresh_machine_to_figures_exports_and_a_run(open_page, tmp_path):
    page = open_page("en")
    open_bench(page)
    assert "234 synthetic radiographs" in page.locator(".bench-quick").inner_text()
    page.click("[data-part=results]")
    page.wait_for_selector(".bench-empty h3")
    missing = page.locator(".bench-empty").inner_text()
    assert "CheXbert" in missing
    assert "a real model" in missing
    page.click("[data-part=run]")

    for typed, kept in (("9999999", "2000"), ("-3", "1"), ("-4", "1"), ("", "234")):
        choose_phantoms(page, typed, kept)
    choose_phantoms(page)
    assert "4 arms" in page.locator(".bench-arms").inner_text()
    page.click("[data-at=pipelines-direct]")
    page.wait_for_function(
        "() => document.querySelector('.bench-arms').textContent.startsWith('2 arms')"
    )
    page.click("#bench-start")
    page.wait_for_selector(".bench-current[data-state=running]", timeout=60_000)
    page.wait_for_function(
        "() => /^[1-9]/.test(document.querySelector('[data-fact=images] dd')?.textContent ?? '')",
        timeout=120_000,
    )
    before = done(page)
    page.reload()  # the worker goes on, whatever the page does
    page.wait_for_selector("html.cxr-ready")
    open_bench(page)
    page.wait_for_selector(".bench-current[data-state=finished]", timeout=240_000)
    assert before <= done(page) == 2 * IMAGES
    assert page.locator(".arms tbody tr").count() == 2
    assert "SYNTHETIC, NOT PATIENTS" in page.locator(".bench-current").inner_text()

    page.click("[data-part=results]")  # it was empty of patients; nobody chose that
    page.click("[data-view=bars]")
    assert "SYNTHETIC, NOT PATIENTS" in figure(page)
    assert "F1 (rules" in page.locator(".bench-chart").inner_text()
    with page.expect_request(lambda request: "place=patients" in request.url) as asked:
        page.click("[data-at=place-patients]")
    assert "labeler=" not in asked.value.url  # phantoms had the rules only; nobody chose those
    page.click("[data-at=place-synthetic]")
    figure(page)
    page.click("[data-view=table]")
    page.wait_for_selector(".bench-table tbody tr")
    assert page.locator(".bench-table").first.locator("tbody tr").count() == 2
    for kind in ("csv", "html"):
        with page.expect_download() as started:
            page.click(f"[data-at=export-{kind}]")
        saved = tmp_path / started.value.suggested_filename
        started.value.save_as(saved)
        assert "SYNTHETIC" in saved.name
        assert "SYNTHETIC, NOT PATIENTS" in saved.read_text("utf-8-sig")
    page.click("[data-view=bars]")
    figure(page)
    with page.expect_download() as started:
        page.click("[data-at=export-png]")
    assert started.value.suggested_filename.endswith(".png")

    page.click("[data-view=table]")
    page.locator("tr.opens").first.click()
    page.wait_for_selector(".example img")
    page.wait_for_function("() => document.querySelector('.example img').naturalWidth > 0")
    dialog = page.locator(".cxr-dialog").inner_text()
    assert re.search(r"[0-9a-f]{64}", dialog)
    assert "Model output, unverified" in dialog
    assert "not a medical device" in dialog
    page.click(".cxr-dialog button[lang=pt]")  # what is open follows
    page.wait_for_function(
        "() => document.querySelector('.cxr-dialog .stamp dt')?.textContent === 'Execução'"
    )
    assert "não é dispositivo médico" in page.locator(".cxr-dialog").inner_text()
    page.keyboard.press("Escape")

    page.click("#language label:has-text('PT')")
    page.wait_for_function(
        "() => document.querySelector('.bench-view[data-view=table]')?.textContent === 'Tabela'"
    )
    page.wait_for_function(
        "() => document.querySelector('.bench-table .synthetic')?.textContent.includes('SINTÉTICO')"
    )
    page.click("[data-part=run]")
    assert "concluída" in page.locator(".bench-current .bench-state").inner_text()


def cpu_seconds(pid):
    """Of a process, all threads, since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_share(page, app, seconds=8):
    """Of one core, what the app takes while `page` is as it is."""
    began = cpu_seconds(app.process.pid)
    page.wait_for_timeout(seconds * 1000)
    return (cpu_seconds(app.process.pid) - began) / seconds


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts by /proc")
def test_pause_resume_stop_and_polling_that_takes_little(open_page, app):
    page = open_page("pt")
    open_bench(page)
    choose_phantoms(page, 60)
    page.click("#bench-start")
    page.wait_for_selector(".bench-current[data-state=running]", timeout=60_000)
    here = cpu_share(page, app)
    page.click("#tabs [role=tab] >> nth=0")
    assert here - cpu_share(page, app) < 0.02
    page.click("#tabs [role=tab] >> nth=1")
    page.click("[data-act=pause]", timeout=120_000)
    page.wait_for_selector(".bench-current[data-state=paused]", timeout=60_000)
    still = done(page)
    page.wait_for_timeout(1500)
    assert done(page) == still
    page.click("[data-act=resume]")
    page.wait_for_selector(".bench-current[data-state=running]", timeout=60_000)
    page.click("[data-act=stop]")
    page.wait_for_selector(".bench-current[data-state=stopped]", timeout=60_000)
    assert page.locator("[data-act=resume]").count() == 1


def test_a_folder_is_checked_before_anything_runs(open_page, tmp_path):
    page = open_page("en")
    open_bench(page)
    page.click("[data-at=evaluation-preliminary]")
    page.fill("#folder-chexpert", str(tmp_path))
    page.click("[data-at=check-chexpert]")
    page.wait_for_selector(".folder-error")
    assert "CheXpert" in page.locator(".folder-error").inner_text()
    assert page.locator("#bench-start").is_disabled()
    assert page.locator(".bench-why").inner_text()


@pytest.mark.parametrize("language", ["pt", "en"])
def test_the_page_itself_never_scrolls(open_page, language):
    page = open_page(language)
    open_bench(page)
    for width, height in ((1280, 720), (1600, 900), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        for part in ("run", "results"):
            page.click(f"[data-part={part}]")
            page.wait_for_timeout(300)
            overflow = page.evaluate(
                "[document.documentElement.scrollHeight - innerHeight,"
                " document.documentElement.scrollWidth - innerWidth,"
                " document.querySelector('.bench').scrollWidth"
                " - document.querySelector('.bench').clientWidth]"
            )
            assert max(overflow) <= 0, (width, part, overflow)
