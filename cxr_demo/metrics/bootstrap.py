"""Intervals by resampling patients: images of one patient are not independent of each other.

Percentile bootstrap (Efron 1979) over clusters. Counts per patient are drawn once for all arms and
all scores, so that differences between arms are paired. Arrays only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cxr_demo.metrics.counts import Counts, Floats

REPLICATES = 2000
LEVEL = 0.95
_AT_ONCE = 2_000_000
"""Draws held in memory at a time."""

Score = Callable[[NDArray], Floats]
"""From counts (..., F, 4) to (...) or (..., F); those of `metrics.counts`."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A score with the bounds of its interval, all of one shape; NaN where it is not defined.
    `error` is the standard deviation over the replicates."""

    value: Floats
    low: Floats
    high: Floats
    error: Floats


@dataclass(frozen=True, eq=False)
class Difference:
    """Candidate less reference. Not inferior: the whole interval lies above `-margin`."""

    estimate: Estimate
    margin: float

    @property
    def not_inferior(self) -> bool:
        """Whether the loss is shown to be smaller than the margin. False is no proof of a loss."""
        return bool(self.estimate.low > -self.margin)


def resample(counts: Counts, replicates: int = REPLICATES, seed: int = 1) -> Floats:
    """Sums over `replicates` draws of as many patients as there are, with replacement: counts
    (P, ...) become (R, ...). Stack arms on an axis to give all of them the same draws.

    Raises ValueError without patients."""
    patients = len(counts)
    if not patients:
        raise ValueError("no patients to draw from")
    flat = counts.reshape(patients, -1).astype(np.float64)
    sums = np.empty((replicates, flat.shape[1]))
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // patients)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        drawn = rng.integers(patients, size=(rows, patients))
        drawn += patients * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * patients)
        sums[start : start + rows] = weights.reshape(rows, patients).astype(np.float64) @ flat
    return sums.reshape(replicates, *counts.shape[1:])


def estimate(score: Score, counts: Counts, resampled: NDArray, level: float = LEVEL) -> Estimate:
    """`score` of counts (P, ..., F, 4) with its interval from `resample(counts)`."""
    return _estimate(score(counts.sum(axis=0)), score(resampled), level)


def at_the_ends(
    found: Estimate,
    right: NDArray,
    wrong: NDArray,
    level: float = LEVEL,
    score: Callable[[Floats], Floats] = lambda share: share,
) -> Estimate:
    """`found` with exact bounds where nothing was wrong, or nothing right: there every draw gives
    the same, which would be certainty from three patients as from three thousand.

    `right` and `wrong` are counts per patient (P, ...) of the shape of `found`. Of K patients who
    bear on a score, none wrong: the share of patients who are right is at least tail^(1/K) (Clopper
    and Pearson 1934); `score` of that share is the bound. A patient counts once, however many
    images."""
    bearing = ((right > 0) | (wrong > 0)).sum(axis=0)
    share = ((1 - level) / 2) ** (1 / np.maximum(bearing, 1))
    faultless = (bearing > 0) & (wrong.sum(axis=0) == 0)
    hopeless = (bearing > 0) & (right.sum(axis=0) == 0)
    low = np.where(faultless, score(share), np.where(hopeless, 0.0, found.low))
    high = np.where(hopeless, score(1 - share), np.where(faultless, 1.0, found.high))
    return replace(found, low=low, high=high)


def difference(
    score: Score,
    candidate: Counts,
    reference: Counts,
    margin: float,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 1,
) -> Difference:
    """Paired difference of a single-valued `score` between two arms, counts (P, F, 4) of the same
    patients in the same order. Raises ValueError if the shapes differ.

    Where no patient's counts differ every draw gives the same, which would be certainty from few
    patients as from many. The bounds then are those of the share of patients that may differ all
    the same: none of P has an exact upper bound of 1 - tail^(1/P) (Clopper and Pearson 1934)."""
    if candidate.shape != reference.shape:
        raise ValueError(f"arms of {candidate.shape} and {reference.shape} cannot be paired")
    both = np.stack((candidate, reference), axis=1)
    drawn = score(resample(both, replicates, seed))
    value = score(both.sum(axis=0))
    found = _estimate(value[0] - value[1], drawn[:, 0] - drawn[:, 1], level)
    if np.array_equal(candidate, reference):
        share = 1 - ((1 - level) / 2) ** (1 / len(candidate))
        found = replace(found, low=found.low - share, high=found.high + share)
    return Difference(found, margin)


def _estimate(value: Floats, drawn: Floats, level: float) -> Estimate:
    """A replicate in which the score is not defined (a finding that was not drawn) says nothing;
    where none says anything, neither do we."""
    tails = ((1 - level) / 2, (1 + level) / 2)
    defined = ~np.isnan(drawn).all(axis=0)
    safe = np.where(defined, drawn, 0.0)
    low, high = np.nanquantile(safe, tails, axis=0)
    nothing = np.where(defined, 0.0, np.nan)
    return Estimate(
        np.asarray(value, np.float64),
        low + nothing,
        high + nothing,
        np.nanstd(safe, axis=0, ddof=1) + nothing,
    )
