"""Counts and scores against scikit-learn, folds and summaries by brute force."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, multilabel_confusion_matrix

from cxr_demo.findings import FINDINGS, Finding, UncertaintyPolicy
from cxr_demo.metrics import counts
from cxr_demo.metrics.counts import by_group, confusion
from cxr_demo.metrics.f1 import binarise, f1_scores
from cxr_demo.metrics.finding_sets import FindingSetName, columns, members
from cxr_demo.metrics.folds import fold_scores
from cxr_demo.metrics.outputs import (
    everything_present,
    identical_share,
    no_finding_always,
    silenced,
)
from cxr_demo.metrics.slices import UNKNOWN, by_age, slices
from cxr_demo.metrics.summary import Rows, figures, intervals

POSITIVE = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE


def codes(seed, rows=300):
    return np.random.default_rng(seed).integers(-2, 2, (rows, len(FINDINGS))).astype(np.int8)


@pytest.mark.parametrize("policy", UncertaintyPolicy)
def test_counts_and_scores_equal_scikit_learn(policy):
    targets, predictions = codes(1), codes(2)
    truth, truth_counts = binarise(targets, policy)
    guess, guess_counts = binarise(predictions, policy)
    counted = truth_counts & guess_counts
    whole = confusion(targets, predictions, policy).sum(axis=0)
    for at in range(len(FINDINGS)):
        kept = counted[:, at]
        tn, fp, fn, tp = confusion_matrix(truth[kept, at], guess[kept, at]).ravel()
        assert whole[at].tolist() == [tp, fp, fn, tn]
        assert counts.sensitivity(whole)[at] == pytest.approx(tp / (tp + fn))
        assert counts.specificity(whole)[at] == pytest.approx(tn / (tn + fp))
        assert counts.predictive_value(whole)[at] == pytest.approx(tp / (tp + fp))
    expected = f1_scores(targets, predictions, policy)
    assert counts.micro(whole) == pytest.approx(expected.micro)
    assert counts.macro(whole) == pytest.approx(expected.macro)
    assert counts.macro_supported(whole) == pytest.approx(expected.macro_supported)
    np.testing.assert_allclose(counts.per_finding(whole), expected.per_finding)


def test_micro_equals_scikit_learn_over_all_pairs():
    targets, predictions = codes(3), codes(4)
    truth, guess = binarise(targets, POSITIVE)[0], binarise(predictions, POSITIVE)[0]
    whole = confusion(targets, predictions, POSITIVE).sum(axis=0)
    assert counts.micro(whole) == pytest.approx(f1_score(truth, guess, average="micro"))
    tables = multilabel_confusion_matrix(truth, guess)
    assert np.array_equal(tables[:, 1, 1], whole[:, counts.TP])


def test_what_is_not_defined_is_not_a_number():
    nobody = np.zeros((2, 4), np.int64)
    for score in (counts.sensitivity, counts.specificity, counts.predictive_value):
        assert np.isnan(score(nobody)).all()
    assert counts.per_finding(nobody).tolist() == [0.0, 0.0]
    assert np.isnan(counts.macro_supported(nobody))


def test_groups_are_summed():
    values = np.arange(24).reshape(4, 3, 2)
    sums, names = by_group(values, np.array(["b", "a", "b", "a"]))
    assert names.tolist() == ["a", "b"]
    assert np.array_equal(sums, [values[1] + values[3], values[0] + values[2]])


def test_folds_by_hand():
    targets, predictions = codes(5, 50), codes(6, 50)
    folds = np.arange(50) % 5
    found = fold_scores(counts.micro, confusion(targets, predictions, POSITIVE), folds)
    each = [
        f1_scores(targets[folds == k], predictions[folds == k], POSITIVE).micro for k in range(5)
    ]
    np.testing.assert_allclose(found.values, each)
    mean = sum(each) / 5
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx((sum((x - mean) ** 2 for x in each) / 4) ** 0.5)
    with pytest.raises(ValueError, match="two folds"):
        fold_scores(counts.micro, confusion(targets, predictions, POSITIVE), folds * 0)


# ---------------------------------------------------------------- sets, slices, trivial readers


def test_finding_sets_by_name():
    assert len(members(FindingSetName.ALL_14)) == 14
    assert Finding.NO_FINDING not in members(FindingSetName.WITHOUT_NO_FINDING)
    assert len(members(FindingSetName.WITHOUT_NO_FINDING)) == 13
    assert sorted(FINDINGS[at] for at in columns(FindingSetName.FIVE)) == [
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Edema",
        "Pleural Effusion",
    ]


def test_slices_cover_every_image_once():
    ages = [17, 18, 39.5, 59, 60, 79.9, 80, 101, None]
    found = slices({"sex": ["F", "M", None] * 3, "held_out": [True, False, None] * 3}, ages)
    assert set(found) == {"sex", "held_out", "age"}
    assert found["sex"]["F"].tolist() == [True, False, False] * 3
    for masks in found.values():
        assert np.sum(list(masks.values()), axis=0).tolist() == [1] * 9
    assert {name: int(mask.sum()) for name, mask in by_age(ages).items()} == {
        "0-17": 1,
        "18-39": 2,
        "40-59": 1,
        "60-79": 2,
        "80+": 2,
        UNKNOWN: 1,
    }


def test_trivial_readers():
    targets = np.zeros((10, 14), np.int8)
    targets[:4, FINDINGS.index(Finding.NO_FINDING)] = 1
    targets[4:, FINDINGS.index(Finding.EDEMA)] = 1
    everything = f1_scores(targets, everything_present(10), POSITIVE).micro
    assert everything == pytest.approx(2 * 10 / (2 * 10 + 130))
    normal = f1_scores(targets, no_finding_always(10), POSITIVE).micro
    assert normal == pytest.approx(2 * 4 / (2 * 4 + 6 + 6))


def test_identical_outputs():
    assert identical_share(["a", "b", "c", "d"], ["a", "x", "c", "y"]) == 0.5
    assert identical_share([], []) is None
    with pytest.raises(ValueError):
        identical_share(["a"], [])


# ---------------------------------------------------------------- one arm


def rows_of(seed=7, images=200):
    rng = np.random.default_rng(seed)
    targets = codes(seed, images)
    return Rows(
        targets=targets,
        predictions=np.where(rng.random(targets.shape) < 0.7, targets, codes(8, images)),
        patients=rng.integers(0, 60, images),
        unparsed=rng.random(images) < 0.1,
        folds=np.arange(images) % 5,
    )


@pytest.mark.parametrize("policy", UncertaintyPolicy)
def test_figures_of_an_arm(policy):
    rows = rows_of()
    found = figures(rows, policy)
    said = silenced(rows.predictions, rows.unparsed)
    assert (said[rows.unparsed] == -2).all()
    main = f1_scores(rows.targets, said, policy)
    assert found.micro[FindingSetName.ALL_14] == pytest.approx(main.micro)
    five = columns(FindingSetName.FIVE)
    expected = f1_scores(rows.targets[:, five], said[:, five], policy).micro
    assert found.micro[FindingSetName.FIVE] == pytest.approx(expected)
    parsed = ~rows.unparsed
    expected = f1_scores(rows.targets[parsed], rows.predictions[parsed], policy).micro
    assert found.micro_parsed == pytest.approx(expected)
    assert found.micro_parsed > found.micro[FindingSetName.ALL_14]
    assert found.unparsed_share == rows.unparsed.mean()
    assert found.support.tolist() == main.support.tolist()
    assert found.patients == len(set(rows.patients.tolist()))
    expected = f1_scores(rows.targets, everything_present(200), policy).micro
    assert found.everything_present == pytest.approx(expected)
    assert found.folds.values.shape == (5,)


def test_intervals_hold_the_figures():
    rows = rows_of()
    found, points = intervals(rows, POSITIVE, replicates=300), figures(rows, POSITIVE)
    for name in FindingSetName:
        each = found.micro[name]
        assert each.value == pytest.approx(points.micro[name])
        assert each.low < each.value < each.high
    assert found.per_finding.low.shape == (14,)
    assert (found.specificity.low <= found.specificity.high).all()


def test_an_arm_that_never_answered():
    rows = rows_of(images=20)
    silent = Rows(rows.targets, rows.predictions, rows.patients, np.ones(20, bool))
    found = figures(silent, POSITIVE)
    assert found.micro[FindingSetName.ALL_14] == 0
    assert (found.micro_parsed, found.unparsed_share, found.folds) == (None, 1.0, None)


def test_rows_that_do_not_fit_together():
    rows = rows_of(images=20)
    with pytest.raises(ValueError, match="rows need"):
        Rows(rows.targets, rows.predictions[:10], rows.patients, rows.unparsed)
    with pytest.raises(ValueError, match="rows need"):
        Rows(rows.targets, rows.predictions, rows.patients[:10], rows.unparsed)
