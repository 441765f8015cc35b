"""Too little memory ends in a button that goes on in 4 bits, on the screen and in the controls."""

import os

import numpy as np
import pytest
from PIL import Image

from tests.ui.viewer_site import chest
from tests.worker.fake_worker import OUT_OF_MEMORY

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "button", "words", "steps"),
    [
        ("en", "Go on in 4 bits", "memory", "Step by step"),
        ("pt", "Continuar em 4 bits", "memória", "Por etapas"),
    ],
)
def test_the_offer_goes_on_in_4_bits_and_with_the_chosen_prompt(
    fake_address, browser, tmp_path, language, button, words, steps
):
    drawn = chest(701, 600)
    drawn[0, 0] = OUT_OF_MEMORY
    Image.fromarray(drawn.astype(np.uint16)).save(tmp_path / "image.png")
    page = browser.new_page(
        locale="pt-BR" if language == "pt" else "en-US", viewport={"width": 1280, "height": 720}
    )
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(fake_address)
    page.wait_for_selector("html.cxr-ready")
    page.wait_for_function("() => window.cxrApp.live.state === 'ready'", timeout=60_000)
    page.set_input_files("#file-input", str(tmp_path / "image.png"))
    page.wait_for_function("() => window.cxrApp.view?.study && !window.cxrApp.view.opening")
    page.evaluate("window.cxrApp.act('choose', {model: 'chexagent-2-3b', precision: 'bf16'})")
    page.wait_for_selector("#model:has-text('CheXagent 2')")
    ways = page.locator("#prompts .chip")
    ways.filter(has_text=steps).wait_for()
    assert ways.evaluate_all("all => all.map((each) => each.ariaChecked)") == ["true", "false"]
    page.locator("#prompts .chip >> nth=0").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"#prompts [aria-checked=true]:has-text('{steps}')")
    row, chips = (page.locator(each).bounding_box() for each in ("#options", "#prompts"))
    assert chips["x"] + chips["width"] <= row["x"] + row["width"] and row["height"] < 40
    page.click("#generate")
    page.wait_for_function("() => window.cxrApp.view.report.state === 'failed'", timeout=30_000)
    failed = page.locator(".report-pane .failure")
    assert words in failed.inner_text()
    page.screenshot(path=os.environ.get("CXR_SHOTS", str(tmp_path)) + f"/offer_{language}.png")
    offer = page.locator("#offer")
    assert offer.inner_text() == button
    offer.click()
    page.wait_for_function("() => window.cxrApp.view.readings.length === 2", timeout=30_000)
    page.wait_for_function("() => window.cxrApp.view.report.state === 'failed'", timeout=30_000)
    second = page.evaluate("window.cxrApp.view.readings[1].details")
    assert second.startswith(f"4 bits · {steps} · ")
    page.wait_for_selector("#precision [data-precision=nf4][aria-checked=true]")  # Generate agrees
    page.evaluate("window.cxrApp.act('choose', {model: 'embedded', precision: 'bf16'})")
    ways.first.wait_for(state="detached")  # the embedded model knows one way
    assert complaints == []
    page.close()
