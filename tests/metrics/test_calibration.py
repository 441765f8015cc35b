"""Platt's scaling against scikit-learn's."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from cxr_demo.metrics.calibration import brier, fit, logit


class Scores(ClassifierMixin, BaseEstimator):
    """A classifier whose decision values are given."""

    def fit(self, rows, present):
        self.classes_ = np.array([False, True])
        return self

    def decision_function(self, rows):
        return rows[:, 0]

    def predict(self, rows):
        return rows[:, 0] > 0


@pytest.mark.parametrize(("slope", "seed"), [(0.4, 0), (1.0, 1), (2.5, 2)])
def test_it_finds_what_scikit_learn_finds(slope, seed):
    chance = np.random.default_rng(seed)
    raw = chance.uniform(0.001, 0.999, 400)
    present = chance.random(400) < 1 / (1 + np.exp(-(slope * logit(raw) - 0.7)))
    rows = logit(raw)[:, None]
    frozen = FrozenEstimator(Scores().fit(rows, present))
    theirs = CalibratedClassifierCV(frozen, method="sigmoid").fit(rows, present)
    ours = fit(raw, present)
    expected = theirs.predict_proba(rows)[:, 1]
    np.testing.assert_allclose([ours(each) for each in raw], expected, atol=2e-4)
    assert brier(expected, present) < brier(raw, present)


def test_a_perfect_separation_and_saturated_answers_stay_finite():
    raw = np.array([0.0] * 30 + [1.0] * 12)
    curve = fit(raw, raw > 0.5)
    assert 0.005 < curve(0.0) < 0.1
    assert 0.9 < curve(1.0) < 0.995


def test_one_kind_of_sample_cannot_calibrate():
    with pytest.raises(ValueError, match="present and absent"):
        fit(np.array([0.2, 0.9]), np.array([True, True]))
