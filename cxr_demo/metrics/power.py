"""Is the test set large enough? Power of a paired comparison by the normal approximation.

The standard error comes from the paired bootstrap of a comparison that was run (a pilot), and falls
with the square root of the number of patients. Arrays only.
"""

from math import ceil

import numpy as np
from scipy.special import ndtr, ndtri


def power(difference: float, error: float, scale: float = 1.0, level: float = 0.95) -> float:
    """Probability of an interval that leaves out 0 if the true difference is `difference` (units
    of the score), with `scale` times as many patients as gave the standard error `error`.

    Raises ValueError for an error or a scale that is not positive."""
    if error <= 0 or scale <= 0:
        raise ValueError(f"standard error {error} and scale {scale} must be positive")
    shift = abs(difference) / (error / np.sqrt(scale))
    bound = ndtri((1 + level) / 2)
    return float(ndtr(shift - bound) + ndtr(-shift - bound))


def detectable(error: float, wanted: float = 0.8, level: float = 0.95) -> float:
    """The smallest true difference that is found with probability `wanted`."""
    return float(error * (ndtri((1 + level) / 2) + ndtri(wanted)))


def patients_needed(
    difference: float, error: float, patients: int, wanted: float = 0.8, level: float = 0.95
) -> int:
    """How many patients find `difference` with probability `wanted`, where `patients` gave the
    standard error `error`. Raises ValueError for no difference."""
    if difference == 0:
        raise ValueError("no number of patients finds a difference of 0")
    return ceil(patients * (detectable(error, wanted, level) / abs(difference)) ** 2)
