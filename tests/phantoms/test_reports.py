"""Reports: they say what was drawn, deny nothing that was, and keep to a small vocabulary."""

import hashlib
import re
from collections import Counter

import pytest

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers import rules
from cxr_demo.phantoms import (
    PHANTOM_VERSION,
    TEST_SEEDS,
    TRAIN_SEEDS,
    Grade,
    direct_answer,
    plan,
    truth,
    write_report,
)

NAMES = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: "mediastinum is|mediastinum may|mediastinal widening",
    Finding.CARDIOMEGALY: "cardiomegaly|heart is|heart may",
    Finding.LUNG_LESION: "nodule|mass",
    Finding.LUNG_OPACITY: "opacity",
    Finding.EDEMA: "edema",
    Finding.CONSOLIDATION: "consolidation",
    Finding.PNEUMONIA: "pneumonia",
    Finding.ATELECTASIS: "atelectasis",
    Finding.PNEUMOTHORAX: "pneumothorax",
    Finding.PLEURAL_EFFUSION: "effusion",
    Finding.PLEURAL_OTHER: "pleural thickening|pleural plaques",
    Finding.FRACTURE: "fracture",
    Finding.SUPPORT_DEVICES: "in place",
}
DENIAL = re.compile(
    r"^(no\b|there is no|the lungs are clear|.*\bintact\b|.*\bnormal\b|.*\bnot\b)", re.IGNORECASE
)
HEDGE = re.compile(r"possible|may |cannot be excluded|suspected", re.IGNORECASE)

PLANS = [plan(seed) for seed in TEST_SEEDS]


def sentences(report: str) -> list[str]:
    return [each for each in re.split(r"(?<=\.)\s+", report) if each]


def split(report: str) -> tuple[list[str], list[str]]:
    """(what is there, what is not)."""
    said = sentences(report)
    denied = [s for s in said if DENIAL.match(s) and "cannot be excluded" not in s]
    return [s for s in said if s not in denied], denied


def test_a_plan_gives_one_report():
    assert write_report(plan(5)) == write_report(plan(5))


def test_the_test_cohort_is_the_recorded_one():
    """Models are measured against these 1,000: another cohort needs another version."""
    whole = "\n".join(write_report(each) for each in PLANS)
    assert PHANTOM_VERSION == 1
    assert hashlib.sha256(whole.encode()).hexdigest().startswith("2515334ec6ae724d")


def test_every_drawn_finding_is_named_and_nothing_else():
    for each in PLANS:
        there, _ = split(write_report(each))
        facts = truth(each)
        for finding, words in NAMES.items():
            named = any(re.search(words, s, re.IGNORECASE) for s in there)
            assert named == facts[finding], (each.seed, finding, there)


def test_what_is_denied_is_absent():
    denied_often = Counter()
    for each in PLANS:
        _, denied = split(write_report(each))
        facts = truth(each)
        for finding, words in NAMES.items():
            if any(re.search(words, s, re.IGNORECASE) for s in denied):
                denied_often[finding] += 1
                assert not facts[finding], (each.seed, finding, denied)
    assert all(
        denied_often[f] > 50
        for f in (Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION, Finding.CONSOLIDATION)
    )


def test_every_report_denies_something():
    assert all(split(write_report(each))[1] for each in PLANS)


def test_only_subtle_drawings_are_hedged_and_about_half_of_them():
    subtle = hedged = 0
    for each in PLANS:
        there, _ = split(write_report(each))
        for finding, words in NAMES.items():
            drawn = each.find(finding)
            if drawn is None or finding is Finding.SUPPORT_DEVICES:
                continue
            own = next(s for s in there if re.search(words, s, re.IGNORECASE))
            if drawn.grade is Grade.SUBTLE:
                subtle += 1
                hedged += bool(HEDGE.search(own))
            else:
                assert not HEDGE.search(own), own
    assert 0.4 < hedged / subtle < 0.6


def test_side_zone_and_size_are_the_drawn_ones():
    for each in PLANS:
        report = write_report(each)
        for finding in (Finding.CONSOLIDATION, Finding.LUNG_OPACITY, Finding.PNEUMONIA):
            drawn = each.find(finding)
            if drawn:
                assert f"in the {drawn.side} {drawn.zone} lung zone" in report
        lesion = each.find(Finding.LUNG_LESION)
        told = re.search(r"(\d+) (mm|cm)", report)
        if lesion and told:
            millimetres = int(told[1]) * (10 if told[2] == "cm" else 1)
            assert abs(millimetres - 400 * lesion.extent) <= (5 if told[2] == "cm" else 1)


def test_the_rule_labeler_finds_the_truth_in_every_report():
    """The two were written apart: whatever they disagree on, one of them has wrong."""
    for each in PLANS:
        labels = rules.label(write_report(each))
        for finding, there in truth(each).items():
            found = labels[finding].label in (Label.POSITIVE, Label.UNCERTAIN)
            assert found == there, (each.seed, finding, write_report(each))


def test_vocabulary_and_length_are_small():
    words = Counter()
    for seed in (*TEST_SEEDS, *TRAIN_SEEDS[:2000]):
        report = write_report(plan(seed))
        tokens = re.findall(r"[A-Za-z]+|\d+", report)
        words.update(tokens)
        assert 10 <= len(tokens) <= 75
        assert 2 <= len(sentences(report)) <= 8
    assert len(words) < 300
    assert len({write_report(each) for each in PLANS}) > 800


@pytest.mark.parametrize("seed", TEST_SEEDS[:50])
def test_the_direct_answer_lists_the_truth(seed):
    facts = truth(plan(seed))
    names = direct_answer(plan(seed)).split(", ")
    assert names == [f.value for f in FINDINGS if facts[f]]
