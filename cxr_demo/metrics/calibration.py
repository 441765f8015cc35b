"""From a model's own probability to one that holds: Platt's scaling on the logit.

Platt (1999) with Lin, Lin and Weng's (2007) targets, which keep the curve finite where a finding is
told apart without a mistake. Arrays only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLOSEST = 1e-6
"""Probabilities nearer to 0 or 1 count as this: a logit must be finite."""

_STEPS = 100
_ENOUGH = 1e-10


@dataclass(frozen=True)
class Platt:
    """The probability 1 / (1 + exp(-(slope * logit(p) + intercept)))."""

    slope: float
    intercept: float

    def __call__(self, probability: float) -> float:
        """The calibrated value of a raw probability in 0..1."""
        drawn = self.slope * float(logit(np.array([probability]))[0]) + self.intercept
        return float(_sigmoid(np.array([drawn]))[0])


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) in 0..1 -> (N,) log-odds, kept finite by `CLOSEST`."""
    inside = np.clip(probabilities, CLOSEST, 1 - CLOSEST)
    return np.log(inside) - np.log1p(-inside)


def fit(probabilities: NDArray[np.float64], present: NDArray[np.bool_]) -> Platt:
    """The scaling that makes `present` likeliest: (N,) raw probabilities in 0..1 and (N,) truths.

    Newton's method with halved steps; the loss is convex. Raises ValueError unless there is a
    present and an absent sample.
    """
    positives, total = int(present.sum()), len(present)
    if not 0 < positives < total:
        raise ValueError("calibration needs present and absent samples")
    aims = np.where(present, (positives + 1) / (positives + 2), 1 / (total - positives + 2))
    rows = np.column_stack([logit(probabilities), np.ones(total)])
    weights = np.array([0.0, np.log((positives + 1) / (total - positives + 1))])
    for _ in range(_STEPS):
        said = _sigmoid(rows @ weights)
        gradient = rows.T @ (said - aims)
        curvature = rows.T @ (rows * (said * (1 - said))[:, None]) + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        before, scale = _loss(rows, weights, aims), 1.0
        while _loss(rows, weights - scale * step, aims) > before and scale > 1e-8:
            scale /= 2
        weights = weights - scale * step
        if np.abs(gradient).max() < _ENOUGH * total:
            break
    return Platt(float(weights[0]), float(weights[1]))


def brier(probabilities: NDArray[np.float64], present: NDArray[np.bool_]) -> float:
    """Mean squared distance of (N,) probabilities from (N,) truths, in 0..1; less is better."""
    return float(np.mean((probabilities - present) ** 2))


def _loss(
    rows: NDArray[np.float64], weights: NDArray[np.float64], aims: NDArray[np.float64]
) -> float:
    drawn = rows @ weights
    return float(np.sum(np.logaddexp(0, drawn) - aims * drawn))


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
