"""Exact McNemar test per finding between two arms, with Holm's correction over the findings.

A second look beside the paired bootstrap: it asks whether the arms err on different images, and
knows nothing of patients. McNemar 1947 (exact form: binomial with 1/2); Holm 1979. Arrays only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from cxr_demo.metrics.counts import TN, TP, Counts, Floats


@dataclass(frozen=True, eq=False)
class McNemar:
    """(F,) each: images that only the first, or only the second arm got right; two-sided `p`, and
    `p_holm` over all F findings."""

    only_first: Counts
    only_second: Counts
    p: Floats
    p_holm: Floats


def mcnemar(first: NDArray, second: NDArray) -> McNemar:
    """Compare two arms' counts (N, F, 4) of the same images in the same order. Only pairs that
    count in both are compared. Raises ValueError if the shapes differ."""
    if first.shape != second.shape:
        raise ValueError(f"arms of {first.shape} and {second.shape} cannot be paired")
    counted = (first.sum(axis=-1) > 0) & (second.sum(axis=-1) > 0)
    right = [(arm[..., TP] + arm[..., TN]).astype(bool) for arm in (first, second)]
    only_first = (counted & right[0] & ~right[1]).sum(axis=0)
    only_second = (counted & right[1] & ~right[0]).sum(axis=0)
    p = exact(only_first, only_second)
    return McNemar(only_first, only_second, p, holm(p))


def exact(only_first: NDArray, only_second: NDArray) -> Floats:
    """Two-sided p of so uneven a split of the images on which the arms differ; 1 without any."""
    fewer = np.minimum(only_first, only_second).astype(np.float64)
    total = (only_first + only_second).astype(np.int64)
    return np.minimum(1.0, 2 * bdtr(fewer, total, 0.5))


def holm(p: NDArray) -> Floats:
    """Holm's step-down adjustment of (F,) p values."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, steps)
    return adjusted
