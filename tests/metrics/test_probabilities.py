"""AUROC and reliability against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from cxr_demo.metrics.probabilities import auroc, auroc_estimate, reliability


def drawn(seed, images=500, digits=2):
    rng = np.random.default_rng(seed)
    said = rng.random(images)
    return said.round(digits), rng.random(images) < said**2


@pytest.mark.parametrize("digits", [1, 12])
def test_auroc_equals_scikit_learn_also_with_ties(digits):
    said, present = drawn(1, digits=digits)
    assert auroc(said, present) == pytest.approx(roc_auc_score(present, said))


def test_auroc_needs_both_kinds():
    said, present = drawn(2)
    assert auroc(said, present | True) is None
    assert auroc(said, present & False) is None


def test_reliability_equals_scikit_learn():
    said, present = drawn(3, digits=12)
    found = reliability(said, present)
    true, mean = calibration_curve(present, said, n_bins=10)
    np.testing.assert_allclose(found.said, mean)
    np.testing.assert_allclose(found.true, true)
    assert found.images.sum() == 500
    assert found.expected_error > 0.1  # p**2 lies well below p


def test_reliability_of_the_ends_and_of_nothing():
    found = reliability(np.array([0.0, 1.0, 1.0]), np.array([False, True, True]))
    assert found.images.tolist() == [1, 2]
    assert found.expected_error == 0
    for wrong in ([], [1.2], [-0.1]):
        with pytest.raises(ValueError, match="probabilities in"):
            reliability(np.array(wrong), np.ones(len(wrong), bool))


def test_aurocs_interval_is_that_of_a_plain_bootstrap_over_patients():
    columns = [drawn(seed, images=120) for seed in (4, 5)]
    said, present = (np.stack(each, axis=1) for each in zip(*columns, strict=True))
    patients = np.repeat(np.arange(60), 2)
    counted = np.ones_like(present)
    counted[:7, 1] = False
    found = auroc_estimate(said, present, counted, patients)
    assert found.value[0] == pytest.approx(roc_auc_score(present[:, 0], said[:, 0]))
    assert found.value[1] == pytest.approx(roc_auc_score(present[7:, 1], said[7:, 1]))
    rng = np.random.default_rng(6)
    plain = []
    for _ in range(2000):
        rows = (2 * rng.integers(60, size=60)[:, None] + [0, 1]).ravel()
        plain.append(auroc(said[rows, 0], present[rows, 0]))
    low, high = np.quantile(plain, (0.025, 0.975))
    assert found.low[0] == pytest.approx(low, abs=0.015)
    assert found.high[0] == pytest.approx(high, abs=0.015)


def test_a_finding_that_nobody_has_has_no_auroc():
    said, present = drawn(7, images=40)
    both = np.stack([present, np.zeros(40, bool)], axis=1)
    found = auroc_estimate(np.stack([said, said], axis=1), both, both | True, np.arange(40))
    assert np.isnan([found.value[1], found.low[1], found.high[1]]).all()
    assert found.low[0] < found.value[0] < found.high[0]
