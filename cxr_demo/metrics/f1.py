"""F1 over findings from label codes: micro, macro and per finding, under a named policy.

Arrays only. Codes are those of CheXpert's tables (1 positive, 0 negative, -1 uncertain), with -2
where the table has a blank. Silence counts as negative under every policy.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Label, UncertaintyPolicy

CODES: dict[Label, int] = {
    Label.POSITIVE: 1,
    Label.NEGATIVE: 0,
    Label.UNCERTAIN: -1,
    Label.NOT_MENTIONED: -2,
}


@dataclass(frozen=True, eq=False)
class F1Scores:
    """Scores in 0..1 over N samples and F findings.

    `tp`, `fp`, `fn`: (F,) int64 counts. `per_finding`: (F,) float64, 0 where a finding is neither
    in the targets nor predicted. `macro` is the mean over all F; `macro_supported` over those with
    at least one positive target (None if there is none).
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]

    @property
    def support(self) -> NDArray[np.int64]:
        """(F,) positive targets per finding."""
        return self.tp + self.fn

    @property
    def per_finding(self) -> NDArray[np.float64]:
        """(F,) F1 per finding."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(F,) positive predictive value per finding, 0 where nothing was predicted."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(F,) sensitivity per finding, 0 where nothing was there."""
        return _ratio(self.tp, self.support)

    @property
    def micro(self) -> float:
        """F1 over all sample-finding pairs together."""
        tp, fp, fn = (int(counts.sum()) for counts in (self.tp, self.fp, self.fn))
        return 2 * tp / (2 * tp + fp + fn) if tp else 0.0

    @property
    def macro(self) -> float:
        """Mean of `per_finding` over all findings, empty ones counting 0."""
        return float(self.per_finding.mean())

    @property
    def macro_supported(self) -> float | None:
        """Mean of `per_finding` over the findings that occur in the targets."""
        supported = self.support > 0
        return float(self.per_finding[supported].mean()) if supported.any() else None


def encode(labels: Iterable[Iterable[Label]]) -> NDArray[np.int8]:
    """Rows of labels (N rows of F) as (N, F) int8 codes."""
    return np.array([[CODES[label] for label in row] for row in labels], dtype=np.int8)


def binarise(
    codes: NDArray[np.int8], policy: UncertaintyPolicy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, F) codes as (positive, counted), both (N, F) bool.

    `counted` is false only for an uncertain code under UNCERTAIN_IGNORED.
    Raises ValueError for a code outside -2..1.
    """
    if codes.size and (codes.min() < -2 or codes.max() > 1):
        raise ValueError(f"label codes are -2, -1, 0 or 1, got {np.unique(codes).tolist()}")
    uncertain = codes == CODES[Label.UNCERTAIN]
    positive = codes == CODES[Label.POSITIVE]
    if policy is UncertaintyPolicy.UNCERTAIN_AS_POSITIVE:
        positive = positive | uncertain
    if policy is UncertaintyPolicy.UNCERTAIN_IGNORED:
        return positive, ~uncertain
    return positive, np.ones_like(positive)


def f1_scores(
    targets: NDArray[np.int8], predictions: NDArray[np.int8], policy: UncertaintyPolicy
) -> F1Scores:
    """F1 of (N, F) predicted codes against (N, F) target codes, one policy for both sides.

    Under UNCERTAIN_IGNORED a pair counts only if neither side is uncertain.
    Raises ValueError if the shapes differ or a code is unknown.
    """
    if targets.shape != predictions.shape or targets.ndim != 2:
        raise ValueError(f"need two (N, F) arrays, got {targets.shape} and {predictions.shape}")
    truth, truth_counts = binarise(targets, policy)
    guess, guess_counts = binarise(predictions, policy)
    counted = truth_counts & guess_counts
    return F1Scores(
        tp=(truth & guess & counted).sum(0, dtype=np.int64),
        fp=(~truth & guess & counted).sum(0, dtype=np.int64),
        fn=(truth & ~guess & counted).sum(0, dtype=np.int64),
    )


def _ratio(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
