"""A whole session in the real app with files that name a patient wherever a file can."""

import json
import zipfile

import pydicom
import pytest

from cxr_demo.paths import assets_dir
from tests.studies import build
from tests.studies.test_privacy import CANARY, plant, plant_raster, plant_tags

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STORED = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, document.cookie, location.href, document.title,
  await caches.keys(), (await indexedDB.databases()).map((each) => each.name),
  window.cxrApp.view, window.cxrApp.live])"""


def planted(folder):
    """A phantom that the embedded model reads, a patient's study of two views as a zip, a PNG and
    a JPEG, and a broken file; each names the patient, in its own name too."""
    folder.mkdir()
    phantom = pydicom.dcmread(assets_dir() / "samples" / "sample-1.dcm")
    plant_tags(phantom)
    phantom.save_as(folder / f"{CANARY}-phantom.dcm")
    views = [plant(folder / f"{CANARY}-{name}.dcm") for name in ("side", "front")]
    for path, view in zip(views, ("LL", "PA"), strict=True):
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID, dataset.ViewPosition = "1.2.3", view
        dataset.save_as(path)
    with zipfile.ZipFile(folder / f"{CANARY}.zip", "w") as archive:
        for path in views:
            archive.write(path, f"{CANARY}/{path.name}")
        archive.write(build.PYDICOM / "dicomdirtests" / "DICOMDIR", f"{CANARY}/listing")
    broken = folder / f"{CANARY}-broken.dcm"
    broken.write_bytes(views[0].read_bytes()[:2000])
    return {
        "phantom": folder / f"{CANARY}-phantom.dcm",
        "zip": folder / f"{CANARY}.zip",
        "rasters": plant_raster(folder),
        "broken": broken,
        "views": views,
    }


def named_by(root):
    """Files below `root` whose name or content names the patient."""
    secret = CANARY.encode()
    every = [each for each in root.rglob("*") if each.is_file()]
    return [each for each in every if CANARY in str(each) or secret in each.read_bytes()]


def wait(page, condition):
    page.wait_for_function(f"() => {{ const v = window.cxrApp.view; return {condition}; }}")


def test_a_whole_session_names_nobody(started, browser, tmp_path, monkeypatch):
    files = planted(tmp_path / "from")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    app = started("--port", "18872")
    context = browser.new_context(locale="en-US")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda asked: said.append(asked.url))
    page.goto(app.address)
    page.wait_for_selector("html.cxr-ready")

    def look():
        said.extend([page.content(), page.evaluate(STORED), page.locator("body").inner_text()])

    def open_files(*paths):
        before = page.evaluate("window.cxrApp.view.study?.id ?? null")
        page.set_input_files("#file-input", [str(each) for each in paths])
        wait(page, f"!v.opening && (v.error || (v.study?.id ?? null) !== {json.dumps(before)})")
        look()

    open_files(files["phantom"])
    page.click("#generate")
    wait(page, "v.report.state === 'done'")
    page.click("button.small >> text=Copy")
    said.append(page.evaluate("navigator.clipboard.readText()"))
    page.locator(".provenance summary").click()
    look()
    page.click("#see")
    page.wait_for_selector(".seen img")
    look()
    page.keyboard.press("Escape")

    open_files(files["zip"])
    assert page.locator(".position").inner_text() == "Image 1 of 2"
    assert " PA " in page.locator(".facts").inner_text()
    assert page.locator(".cxrv-select option").count() == 3, "two windows of the file's own"
    first = page.evaluate("window.cxrApp.view.study.image.id")
    page.click("#ignore-lut")
    wait(page, f"v.study.ignore_lut && v.study.image.id !== '{first}'")
    assert "left out" in page.locator(".study-pane .notices").inner_text()
    page.keyboard.press("PageDown")
    wait(page, "v.study.index === 1")
    assert "Lateral view" in page.locator(".study-pane .notices").inner_text()
    page.click("#generate")
    wait(page, "v.report.state === 'failed'")  # no phantom
    look()

    open_files(*files["views"], *files["rasters"], files["broken"])
    assert page.locator(".position").inner_text().startswith("Study 1 of ")
    for _ in range(4):
        page.keyboard.press("PageDown")
        page.wait_for_timeout(300)
        look()
    open_files(files["broken"])
    assert page.locator(".study-pane .failure").is_visible()
    page.click("[aria-label='Close study']")
    wait(page, "v.study === null")
    look()
    assert len(said) > 30
    assert [each[:200] for each in said if CANARY.lower() in each.lower()] == []
    assert json.dumps(context.cookies()).find(CANARY) < 0
    assert named_by(app.home) + named_by(scratch) == []
    context.close()
    app.end()
    assert CANARY not in app.process.stdout.read()
    assert named_by(app.home) + named_by(scratch) == []
    assert list((app.home / "tmp").glob("files-*")) == []
