"""Floor 0: findings, records, errors and units."""

import json
import re
import string
import sys

import pytest

from cxr_demo import paths
from cxr_demo.errors import CxrError, OutOfMemory, WeightsRefused, WorkerDied, unreadable
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.records import FindingLabel, FindingSet, Timings
from cxr_demo.units import GIB, UNKNOWN, format_bytes, format_count, format_rate, format_seconds
from cxr_demo.weights.faults import DiskFull


def subclasses(kind):
    return [each for sub in kind.__subclasses__() for each in (sub, *subclasses(sub))]


def test_fourteen_findings_each_with_a_portuguese_name():
    assert len(FINDINGS) == 14
    assert len({each.pt for each in FINDINGS}) == 14
    assert Finding("Edema").name_in("pt") == "Edema"
    assert Finding.PNEUMOTHORAX.name_in("pt") == "Pneumotórax"
    assert Finding.PNEUMOTHORAX.name_in("en") == "Pneumothorax"


def test_a_finding_set_is_whole_and_in_order():
    labels = tuple(FindingLabel(each, Label.NOT_MENTIONED) for each in FINDINGS)
    assert FindingSet("rules", labels)[Finding.EDEMA].finding is Finding.EDEMA
    with pytest.raises(ValueError, match="14"):
        FindingSet("rules", labels[:13])
    with pytest.raises(ValueError, match="in order"):
        FindingSet("rules", labels[::-1])


@pytest.mark.parametrize("kind", subclasses(CxrError), ids=lambda kind: kind.code)
def test_every_error_speaks_both_languages_and_survives_the_wire(kind):
    names = {name for _, name, _, _ in string.Formatter().parse(kind.en) if name}
    assert names == {name for _, name, _, _ in string.Formatter().parse(kind.pt) if name}
    error = kind(**dict.fromkeys(names, "7"))
    again = CxrError.from_dict(error.to_dict())
    assert type(again) is kind and again.message("pt") == error.message("pt")
    for language in ("en", "pt"):
        sentence = error.message(language)
        assert sentence[-1] in ".)`" and "{" not in sentence
        assert not re.search(r"[.!?] [A-ZÁÉÍÓÚ].*[.!?] [A-Z]", sentence), "one sentence, or two"


def test_what_an_error_tells_of_is_in_its_language():
    refused = WeightsRefused(model="M", detail=unreadable("config.json"))
    again = CxrError.from_dict(json.loads(json.dumps(refused.to_dict())))
    assert "config.json cannot be read" in again.message("en")
    assert "config.json não pode ser lido" in again.message("pt")
    full = DiskFull(folder="F", needed=3 * GIB // 2, free=0)
    assert "1.5 GiB" in full.message("en") and "1,5 GiB" in full.message("pt")


def test_an_error_code_is_used_once():
    codes = [kind.code for kind in subclasses(CxrError)]
    assert len(codes) == len(set(codes))


def test_an_unknown_error_code_is_not_lost():
    assert (
        "from_the_future" in CxrError.from_dict({"code": "from_the_future", "params": {}}).message()
    )
    assert isinstance(CxrError.from_dict(WorkerDied().to_dict()), WorkerDied)


def test_a_missing_parameter_does_not_hide_the_error():
    assert "GPU memory" in OutOfMemory(model="M").message()
    full = OutOfMemory(model="M", free=3 * 2**29)
    assert "(1.5 GiB)" in full.message() and "(1,5 GiB)" in full.message("pt")
    assert "None" not in OutOfMemory(model="M", free=None).message("pt")


@pytest.mark.parametrize(
    ("value", "english", "portuguese"),
    [(None, UNKNOWN, UNKNOWN), (0, "0 B", "0 B"), (int(3.4 * GIB), "3.4 GiB", "3,4 GiB")],
)
def test_bytes(value, english, portuguese):
    assert format_bytes(value) == english
    assert format_bytes(value, "pt") == portuguese


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, UNKNOWN),
        (0.312, "312 ms"),
        (2.44, "2.4 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text


def test_count():
    assert format_count(8_168_704) == "8.2 M"
    assert format_count(4_300_079_472, "pt") == "4,30 bi"
    assert format_count(None) == UNKNOWN


def test_rate():
    assert format_rate(29.84, "pt") == "29,8"
    assert format_rate(None) == UNKNOWN


def test_time_per_token_leaves_the_first_token_out():
    assert Timings(ttft=1.0, total=3.0, tokens=5).tpot == pytest.approx(0.5)
    assert Timings(ttft=1.0, total=3.0, tokens=1).tpot is None
    assert Timings(total=3.0, tokens=5).tpot is None


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_the_private_folder_is_private(monkeypatch, tmp_path):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o755)
    assert paths.private_dir().stat().st_mode & 0o777 == 0o700
    assert paths.temporary_dir().stat().st_mode & 0o777 == 0o700
