"""Scores of probabilities, where a model gives any: AUROC and reliability. Brier's score is in
`metrics.calibration`. Arrays only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu


@dataclass(frozen=True, eq=False)
class Reliability:
    """Per bin of [0, 1] that holds any image: (B,) mean probability, share that has the finding,
    and number of images."""

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


def reliability(
    probabilities: NDArray[np.float64], present: NDArray[np.bool_], bins: int = 10
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
    return Reliability(said, true, images[held])
