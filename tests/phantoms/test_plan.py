"""Plans: the same everywhere, in the promised proportions, with room for each finding."""

from collections import Counter

import pytest

from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.phantoms import (
    SAMPLE_SEEDS,
    TEST_SEEDS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
    Grade,
    grade,
    plan,
    truth,
)
from cxr_demo.phantoms.plan import Side

PLANS = [plan(seed) for seed in TEST_SEEDS]


def test_a_seed_gives_one_plan():
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_fit_the_code_strip(seed):
    with pytest.raises(ValueError, match="seed"):
        plan(seed)


def test_cohorts_are_disjoint():
    ranges = (TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS, SAMPLE_SEEDS)
    for index, one in enumerate(ranges):
        for other in ranges[index + 1 :]:
            assert one.stop <= other.start or other.stop <= one.start
    assert len(TEST_SEEDS) == 1000


def test_each_finding_occurs_in_5_to_40_percent():
    counts = Counter(f for each in PLANS for f, there in truth(each).items() if there)
    assert set(counts) == set(FINDINGS)
    assert all(0.05 <= counts[f] / len(PLANS) <= 0.40 for f in FINDINGS), counts


def test_no_finding_allows_support_devices_only():
    for each in PLANS:
        facts = truth(each)
        others = [f for f in FINDINGS if f not in (Finding.NO_FINDING, Finding.SUPPORT_DEVICES)]
        assert facts[Finding.NO_FINDING] == (not any(facts[f] for f in others))
    with_devices = [
        each
        for each in PLANS
        if truth(each)[Finding.NO_FINDING] and truth(each)[Finding.SUPPORT_DEVICES]
    ]
    assert len(with_devices) > 20


def test_grades_are_thirds_and_the_most_subtle_finding_decides():
    counts = Counter(grade(each) for each in PLANS)
    assert all(0.28 <= counts[g] / len(PLANS) <= 0.39 for g in Grade), counts
    for each in PLANS:
        grades = [drawn.grade for drawn in each.findings]
        assert grade(each) == min(grades, default=each.grade)
        assert grade(each) >= each.grade


def test_a_heart_is_large_only_where_the_plan_says_so():
    for each in PLANS:
        a = each.anatomy
        ratio = (a.heart_right + a.heart_left) / (2 * a.half_width)
        assert (ratio > 0.52) == truth(each)[Finding.CARDIOMEGALY]
        assert (a.mediastinum > 0.015) == truth(each)[Finding.ENLARGED_CARDIOMEDIASTINUM]


def test_no_two_findings_share_a_place():
    for each in PLANS:
        air = each.find(Finding.PNEUMOTHORAX)
        places = [(d.side, d.zone) for d in each.findings if d.side is not Side.NONE and d.zone]
        assert len(places) == len(set(places))
        if air:
            assert all(side is not air.side for side, _ in places)
