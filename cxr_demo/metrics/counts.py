"""Confusion counts, and the scores that follow from them over any leading axes.

Scores of 30,000 images and 2,000 replicates need only sums of these. The last axis holds true
positives, false positives, false negatives and true negatives. Arrays only.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.f1 import binarise

TP, FP, FN, TN = range(4)

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion(
    targets: NDArray[np.int8], predictions: NDArray[np.int8], policy: UncertaintyPolicy
) -> Counts:
    """(N, F) codes of `metrics.f1` as (N, F, 4): a single 1 where a pair counts, else zeros.

    A pair is left out only if one side is uncertain under UNCERTAIN_IGNORED. Raises ValueError if
    the shapes differ or a code is unknown."""
    if targets.shape != predictions.shape or targets.ndim != 2:
        raise ValueError(f"need two (N, F) arrays, got {targets.shape} and {predictions.shape}")
    truth, truth_counts = binarise(targets, policy)
    guess, guess_counts = binarise(predictions, policy)
    cells = (truth & guess, ~truth & guess, truth & ~guess, ~truth & ~guess)
    counted = truth_counts & guess_counts
    return np.stack([cell & counted for cell in cells], axis=-1).astype(np.int64)


def by_group(counts: NDArray, groups: NDArray) -> tuple[Counts, NDArray]:
    """Sums of `counts` (N, ...) over equal `groups` (N,): (G, ...) and the G groups, sorted."""
    names, inverse = np.unique(groups, return_inverse=True)
    flat = counts.reshape(len(counts), -1).astype(np.int64)
    order = np.argsort(inverse)
    ends = np.searchsorted(inverse, np.arange(len(names) + 1), sorter=order)
    # a product with a matrix of ones is thrice as fast as adding up sorted rows
    members = csr_matrix((np.ones(len(order), np.int64), order, ends), (len(names), len(flat)))
    return (members @ flat).reshape(len(names), *counts.shape[1:]), names


def per_finding(counts: NDArray) -> Floats:
    """F1 (..., F) of counts (..., F, 4); 0 where a finding is neither there nor predicted."""
    twice = 2.0 * counts[..., TP]
    return _share(twice, twice + counts[..., FP] + counts[..., FN], empty=0.0)


def micro(counts: NDArray) -> Floats:
    """F1 (...) over all image-finding pairs of counts (..., F, 4)."""
    return per_finding(counts.sum(axis=-2))


def macro(counts: NDArray) -> Floats:
    """Mean (...) of `per_finding`, empty findings counting 0."""
    return per_finding(counts).mean(axis=-1)


def macro_supported(counts: NDArray) -> Floats:
    """Mean (...) of `per_finding` over findings with a positive target; NaN if there is none."""
    there = counts[..., TP] + counts[..., FN] > 0
    return _share((per_finding(counts) * there).sum(axis=-1), there.sum(axis=-1))


def sensitivity(counts: NDArray) -> Floats:
    """Found among those that have it, (..., F); NaN where nobody has it."""
    return _share(counts[..., TP], counts[..., TP] + counts[..., FN])


def specificity(counts: NDArray) -> Floats:
    """Passed over among those that don't have it, (..., F); NaN where everybody has it."""
    return _share(counts[..., TN], counts[..., TN] + counts[..., FP])


def predictive_value(counts: NDArray) -> Floats:
    """Those that have it among those named (positive predictive value), (..., F); NaN where nobody
    was named."""
    return _share(counts[..., TP], counts[..., TP] + counts[..., FP])


def _share(part: NDArray, whole: NDArray, empty: float = np.nan) -> Floats:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0)
