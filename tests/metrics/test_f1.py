"""F1 against scikit-learn, and the policies by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from cxr_demo.findings import FINDINGS, Label, UncertaintyPolicy
from cxr_demo.metrics.f1 import binarise, encode, f1_scores


def codes(seed: int, rows: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).integers(-2, 2, (rows, len(FINDINGS))).astype(np.int8)


@pytest.mark.parametrize(
    "policy", [UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE]
)
def test_equals_scikit_learn(policy):
    targets, predictions = codes(1), codes(2)
    scores = f1_scores(targets, predictions, policy)
    truth, guess = binarise(targets, policy)[0], binarise(predictions, policy)[0]
    assert scores.micro == pytest.approx(f1_score(truth, guess, average="micro"))
    assert scores.macro == pytest.approx(f1_score(truth, guess, average="macro"))
    np.testing.assert_allclose(scores.per_finding, f1_score(truth, guess, average=None))
    np.testing.assert_allclose(scores.precision, precision_score(truth, guess, average=None))
    np.testing.assert_allclose(scores.recall, recall_score(truth, guess, average=None))


def test_ignored_pairs_leave_the_score():
    targets, predictions = codes(3), codes(4)
    scores = f1_scores(targets, predictions, UncertaintyPolicy.UNCERTAIN_IGNORED)
    for column in range(targets.shape[1]):
        kept = (targets[:, column] != -1) & (predictions[:, column] != -1)
        expected = f1_score(targets[kept, column] == 1, predictions[kept, column] == 1)
        assert scores.per_finding[column] == pytest.approx(expected)


def test_policies_by_hand():
    rows = [[Label.POSITIVE, Label.UNCERTAIN], [Label.NOT_MENTIONED, Label.NEGATIVE]]
    table = encode(rows)
    assert table.tolist() == [[1, -1], [-2, 0]]
    always = np.ones((2, 2), np.int8)
    as_positive = f1_scores(table, always, UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)
    as_negative = f1_scores(table, always, UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE)
    assert as_positive.support.tolist() == [1, 1]
    assert as_negative.support.tolist() == [1, 0]
    assert as_positive.micro == pytest.approx(2 / 3)
    assert as_negative.micro == pytest.approx(2 / 5)


def test_an_empty_finding_scores_zero_and_is_left_out_of_the_supported_mean():
    targets = np.array([[1, 0], [1, -2]], np.int8)
    scores = f1_scores(targets, targets, UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)
    assert scores.per_finding.tolist() == [1.0, 0.0]
    assert (scores.macro, scores.macro_supported) == (0.5, 1.0)


def test_refuses_other_shapes_and_codes():
    with pytest.raises(ValueError, match="two \\(N, F\\)"):
        f1_scores(codes(1), codes(1)[:5], UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)
    with pytest.raises(ValueError, match="label codes"):
        binarise(np.full((1, 1), 3, np.int8), UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)
