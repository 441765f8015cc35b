"""Scores of probabilities, where a model gives any: AUROC and reliability. Brier's score is in
`metrics.calibration`. Arrays only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from cxr_demo.metrics.bootstrap import LEVEL, REPLICATES, Estimate, Score, estimate, resample
from cxr_demo.metrics.counts import Floats

BINS = 10
"""Bins of [0, 1] of equal width."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Per bin of [0, 1] that holds any image: (B,) its place from 0, mean probability, share that
    has the finding, and number of images."""

    place: NDArray[np.int64]
    said: NDArray[np.float64]
    true: NDArray[np.float64]
    images: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """Mean distance of the two, weighted by images (expected calibration error)."""
        return float(np.average(np.abs(self.said - self.true), weights=self.images))


def auroc(probabilities: NDArray[np.float64], present: NDArray[np.bool_]) -> float | None:
    """Probability that an image with the finding has the higher (N,) value, ties counting half;
    None if all or none of them have it."""
    having, lacking = probabilities[present], probabilities[~present]
    if not len(having) or not len(lacking):
        return None
    statistic = mannwhitneyu(having, lacking, method="asymptotic").statistic
    return float(statistic / (len(having) * len(lacking)))


def auroc_estimate(
    probabilities: NDArray[np.float64],
    present: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    patients: NDArray[np.int64],
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 1,
) -> Estimate:
    """AUROC (F,) of (N, F) probabilities where `counted`, with its interval: the bootstrap over
    (N,) patients. NaN where all or none of them have a finding. Raises ValueError without images.
    """
    names, owner = np.unique(patients, return_inverse=True)
    once = np.eye(len(names), dtype=np.int64)
    draws = resample(once, replicates, seed).astype(np.float32)  # counts: exact, twice as fast
    found = []
    for column in range(probabilities.shape[1]):
        kept = counted[:, column]
        score = _drawn_auroc(probabilities[kept, column], present[kept, column], owner[kept])
        found.append(estimate(score, once, draws, level))
    parts = ("value", "low", "high", "error")
    return Estimate(*(np.array([getattr(each, part) for each in found]) for part in parts))


def _drawn_auroc(
    probabilities: NDArray[np.float64], present: NDArray[np.bool_], owner: NDArray[np.int64]
) -> Score:
    """AUROC (...) as a function of how often each patient was drawn, (..., P)."""
    above = probabilities[present][:, None] - probabilities[~present]
    wins = np.where(above > 0, 1.0, np.where(above == 0, 0.5, 0.0)).astype(np.float32)

    def score(draws: NDArray) -> Floats:
        having, lacking = draws[..., owner[present]], draws[..., owner[~present]]
        pairs = np.asarray(having.sum(axis=-1) * lacking.sum(axis=-1))
        won = np.asarray(((having @ wins) * lacking).sum(axis=-1))
        return np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)

    return score


def reliability(
    probabilities: NDArray[np.float64], present: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Bins of equal width over (N,) probabilities in 0..1; 1 belongs to the last one. Raises
    ValueError without images or for values outside."""
    if not len(probabilities) or probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError("reliability needs probabilities in 0..1")
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    images = np.bincount(place, minlength=bins)
    held = images > 0
    said = np.bincount(place, probabilities, bins)[held] / images[held]
    true = np.bincount(place, present.astype(np.float64), bins)[held] / images[held]
    return Reliability(np.flatnonzero(held), said, true, images[held])
