"""Calibration files: exactly for one model, weights, precision and question."""

import dataclasses
import json

import pytest

from cxr_demo import calibration
from cxr_demo.calibration import Calibration, CalibrationDamaged, Key, Scale
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.records import Precision

KEY = Key("embedded", "ab" * 32, Precision.NF4, "gemma-yesno-1", "Does it show {finding}?")


def made(key=KEY, **changed):
    scales = {Finding.EDEMA: Scale(0.5, -1.0, 20, 80, 0.1, 0.08)}
    tokens = {"yes": [["Yes", 3]], "no": [["No", 4]]}
    whole = Calibration(key, scales, 100, calibration.SYNTHETIC, tokens, "run", "2026-11-23T08:00")
    return dataclasses.replace(whole, **changed)


def test_what_was_written_is_found_and_for_nothing_else():
    path = calibration.write(made())
    assert calibration.find(KEY) == made()
    assert json.loads(path.read_text())["mark"] == "SYNTHETIC"
    for other in (
        {"weights_sha256": "cd" * 32},
        {"precision": Precision.BF16},
        {"question": "Is there {finding}?"},
        {"model": "medgemma-4b-it"},
    ):
        assert calibration.find(dataclasses.replace(KEY, **other)) is None


def test_it_scales_the_findings_that_it_holds_and_no_others():
    values = made().apply(dict.fromkeys(FINDINGS, 0.5))
    assert values[FINDINGS.index(Finding.EDEMA)] == pytest.approx(0.2689, abs=1e-4)
    assert [value for value in values if value is not None] == [pytest.approx(0.2689, abs=1e-4)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:50],
        lambda text: text.replace('"slope": 0.5', '"slope": -0.5'),
        lambda text: text.replace('"slope": 0.5', '"slope": NaN'),
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda text: text.replace("ab" * 32, "ef" * 32),
        lambda text: text.replace("Edema", "Swelling"),
        lambda text: "[]",
    ],
)
def test_a_damaged_file_is_refused_by_name(damage):
    path = calibration.write(made())
    path.write_text(damage(path.read_text()))
    with pytest.raises(CalibrationDamaged) as refused:
        calibration.find(KEY)
    assert path.name in refused.value.message("pt")
