"""One finding's raw answers against what was true: the curve takes the overconfidence away."""

import numpy as np
import pytest

from cxr_demo.evaluation.scaling import LEAST, scale


def answers(count, right=0.9, turned=False):
    """Overconfident ones that are right in `right` of all."""
    chance = np.random.default_rng(1)
    present = chance.random(count) < 0.4
    said = present ^ (chance.random(count) > right) ^ turned
    return np.where(said, 0.999, 0.001), present


def test_the_fit_takes_away_the_overconfidence_and_keeps_the_counts():
    raw, present = answers(150)
    found = scale(raw, present)
    assert (found.present, found.absent) == (present.sum(), 150 - present.sum())
    assert found.brier < found.brier_raw and found.slope > 0


@pytest.mark.parametrize("turned", [True, False])
def test_without_enough_images_or_sense_there_is_none(turned):
    assert scale(*answers(60, turned=turned)) is None if turned else True
    raw, present = answers(200)
    few = np.flatnonzero(present)[: LEAST - 1].tolist() + np.flatnonzero(~present).tolist()
    assert scale(raw[few], present[few]) is None
