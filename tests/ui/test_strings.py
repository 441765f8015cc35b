"""Both languages say the same things."""

import html
import re
from pathlib import Path

import pytest

from cxr_demo.models.cards import CARDS
from cxr_demo.ui import about_text, strings
from cxr_demo.ui.about import about_html

STATIC = Path(strings.__file__).parent / "static"


@pytest.mark.parametrize("key", strings.STRINGS)
def test_both_languages_are_there_and_fill_in_the_same(key):
    english, portuguese = strings.STRINGS[key]
    assert english and portuguese
    assert _places(english) == _places(portuguese)


def test_every_key_that_the_scripts_ask_for_exists():
    asked = set()
    for script in STATIC.glob("*.js"):
        asked |= set(re.findall(r"\"(js\.[\w.]+)\"", script.read_text()))
    known = {key for key in strings.STRINGS if key.startswith("js.")}
    assert asked == known


def test_the_scripts_contain_no_words_of_their_own():
    for script in STATIC.glob("*.js"):
        if not script.name.startswith("viewer"):
            assert not re.findall(r"textContent = \"[A-Za-z]", script.read_text()), script.name


def test_about_speaks_both_languages():
    pairs = [
        *about_text.TITLES.values(),
        *about_text.IS,
        *about_text.IS_NOT,
        *about_text.INSTALL,
        *(cell for row in about_text.STORED for cell in row),
        *(words for _, words in strings.KEYS),
    ]
    assert all(english and portuguese for english, portuguese in pairs)


def test_remarks_on_licences_are_translated():
    remarks = {card.licence.note for card in CARDS.values()} - {""}
    assert remarks <= set(about_text.LICENCES_PT)
    for words in remarks:
        assert words not in html.unescape(about_html("pt"))
        assert words in html.unescape(about_html("en"))


def test_every_viewer_script_is_loaded():
    loaded = set(re.findall(r"import \"\./(viewer\w*\.js)\"", (STATIC / "main.js").read_text()))
    assert loaded == {each.name for each in STATIC.glob("viewer*.js")}


def _places(words):
    return sorted(set(re.findall(r"\{(\w+)\}", words)))
