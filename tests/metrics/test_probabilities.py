"""AUROC and reliability against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from cxr_demo.metrics.probabilities import auroc, reliability


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
