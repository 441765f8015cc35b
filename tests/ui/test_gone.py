"""The app is killed while a page is open."""

import signal

import pytest


@pytest.mark.browser
def test_a_page_whose_app_is_gone_says_so_and_keeps_what_it_shows(started, browser):
    app = started("--port", "18870")
    page = browser.new_page()
    page.goto(app.address)
    page.wait_for_selector("html.cxr-ready")
    page.locator("[data-sample]").first.click()
    page.wait_for_function("() => window.cxrApp.view.study && !window.cxrApp.view.opening")
    app.end(signal.SIGKILL)
    page.wait_for_selector("#cxr-lost", timeout=10_000)
    assert page.locator(".facts").inner_text().startswith(("DICOM", "PNG", "JPEG"))
    again = started("--port", "18870")
    assert again.origin == app.origin
    page.wait_for_function(
        "() => document.querySelector('#cxr-lost button') !== null", timeout=15_000
    )
    page.close()
    left = [each.name for each in (app.home / "tmp").iterdir() if each.name.startswith("files-")]
    assert len(left) == 1, "what the killed app left is gone"
