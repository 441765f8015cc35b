"""Mean and standard deviation over folds, as the study reports them. A spread, not an interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_demo.metrics.bootstrap import Score
from cxr_demo.metrics.counts import Counts, Floats, by_group


@dataclass(frozen=True, eq=False)
class FoldScores:
    """A score per fold: `values` (K, ...); `mean` and `deviation` (K - 1 in the denominator)."""

    values: Floats

    @property
    def mean(self) -> Floats:
        """(...) mean over the folds."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def deviation(self) -> Floats:
        """(...) standard deviation over the folds."""
        return np.asarray(self.values.std(axis=0, ddof=1))


def fold_scores(score: Score, counts: Counts, folds: NDArray) -> FoldScores:
    """`score` in each fold: counts (N, F, 4) per image and `folds` (N,). Raises ValueError for
    fewer than two folds."""
    sums, names = by_group(counts, folds)
    if len(names) < 2:
        raise ValueError("a deviation needs at least two folds")
    return FoldScores(score(sums))
