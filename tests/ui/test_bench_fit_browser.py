"""The Benchmarks screen says of a chosen pair what the reading room's picker says of it."""

import pytest

pytestmark = pytest.mark.browser

PAIR = "[data-pair='medgemma-4b-it nf4']"


@pytest.mark.parametrize(
    ("language", "verdicts"),
    [("en", ("fits", "tight", "does not fit")), ("pt", ("cabe", "no limite", "não cabe"))],
)
def test_both_screens_say_the_same_of_a_pair(fake_address, browser, language, verdicts):
    locale = "pt-BR" if language == "pt" else "en-US"
    page = browser.new_context(locale=locale).new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(fake_address)
    page.wait_for_selector("html.cxr-ready")
    page.click("#model")
    page.wait_for_selector(PAIR)
    picker = page.locator(PAIR).get_attribute("aria-label").split(": ", 1)[1]
    page.keyboard.press("Escape")
    page.click("#tabs [role=tab] >> nth=1")
    for wanted in ("model-medgemma-4b-it", "precisions-bnb4_default"):
        if not page.is_checked(f"[data-at={wanted}]"):  # the app keeps the last choice
            page.click(f"[data-at={wanted}]")
    page.wait_for_selector(".fit-line[data-precision=bnb4_default]")
    for row in page.locator(".fit-line").all():  # a sign and a word beside the colour
        assert row.locator(".fit-sign").inner_text()
        assert any(each in row.inner_text() for each in verdicts) and "GiB" in row.inner_text()
    said = page.locator(".fit-line[data-precision=nf4]").get_attribute("title")
    assert without_free(said) == without_free(picker)
    assert page.locator(".fit-line").count() == 3 and errors == []
    page.context.close()


def without_free(words):
    """What is free moves from second to second."""
    return [
        each
        for each in words.replace(";", ".").split(". ")
        if "free" not in each and "livre" not in each
    ]
