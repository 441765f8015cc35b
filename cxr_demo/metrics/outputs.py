"""Predictions that are no answers, predictions that need no model, and answers that are alike."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.metrics.f1 import CODES


def silenced(predictions: NDArray[np.int8], unparsed: NDArray[np.bool_]) -> NDArray[np.int8]:
    """`predictions` (N, F) with NOT_MENTIONED throughout the rows that are `unparsed` (N,): an
    output that failed or says nothing counts as negative on the same images for every arm."""
    return np.where(unparsed[:, None], np.int8(CODES[Label.NOT_MENTIONED]), predictions)


def everything_present(images: int) -> NDArray[np.int8]:
    """(N, 14) codes of a reader that calls every finding, and No Finding too."""
    return np.full((images, len(FINDINGS)), CODES[Label.POSITIVE], np.int8)


def no_finding_always(images: int) -> NDArray[np.int8]:
    """(N, 14) codes of a reader that calls every radiograph normal."""
    said = np.full((images, len(FINDINGS)), CODES[Label.NEGATIVE], np.int8)
    said[:, FINDINGS.index(Finding.NO_FINDING)] = CODES[Label.POSITIVE]
    return said


def identical_share(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Share of images on which two arms gave the same output (text, or a row of labels as a
    tuple); None without images. Raises ValueError for different numbers of them."""
    pairs = list(zip(first, second, strict=True))
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else None
