"""All figures of one arm from its rows: the main ones on all images, those over parsed outputs, and
the trivial readers on the same targets. Arrays only; nothing is accumulated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.metrics import bootstrap, counts
from cxr_demo.metrics.bootstrap import LEVEL, REPLICATES, Estimate
from cxr_demo.metrics.counts import Counts, by_group, confusion
from cxr_demo.metrics.finding_sets import FindingSetName, columns
from cxr_demo.metrics.folds import FoldScores, fold_scores
from cxr_demo.metrics.outputs import everything_present, no_finding_always, silenced


@dataclass(frozen=True, eq=False)
class Rows:
    """One arm's rows. (N, 14) int8 codes of `metrics.f1` in the order of `FINDINGS`; (N,)
    `patients`, unique over all data sets, and `unparsed`, true also for failures; `folds` (N,) or
    None."""

    targets: NDArray[np.int8]
    predictions: NDArray[np.int8]
    patients: NDArray
    unparsed: NDArray[np.bool_]
    folds: NDArray | None = None

    def __post_init__(self) -> None:
        images = len(self.targets)
        shapes = {self.targets.shape, self.predictions.shape, (images, len(FINDINGS))}
        lists = [each for each in (self.patients, self.unparsed, self.folds) if each is not None]
        if len(shapes) > 1 or any(each.shape != (images,) for each in lists):
            raise ValueError("rows need (N, 14) labels, and N patients, flags and folds")

    def confusion(self, policy: UncertaintyPolicy) -> Counts:
        """(N, 14, 4) counts per image, unparsed outputs as negatives."""
        return confusion(self.targets, silenced(self.predictions, self.unparsed), policy)


@dataclass(frozen=True, eq=False)
class Figures:
    """Point values, at once. F1 in 0..1; `micro` by finding set; `support` and `per_finding` have
    14 values. `micro_parsed` is None if nothing was parsed, `folds` without folds."""

    images: int
    patients: int
    unparsed_share: float
    micro: dict[FindingSetName, float]
    macro: float
    macro_supported: float | None
    per_finding: NDArray[np.float64]
    support: NDArray[np.int64]
    micro_parsed: float | None
    everything_present: float
    no_finding_always: float
    folds: FoldScores | None


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of an arm by bootstrap, exact where nothing was wrong or nothing right (but of the
    macro means); the per-finding ones have 14 values."""

    micro: dict[FindingSetName, Estimate]
    macro: Estimate
    macro_supported: Estimate
    per_finding: Estimate
    sensitivity: Estimate
    specificity: Estimate
    predictive_value: Estimate


def figures(rows: Rows, policy: UncertaintyPolicy, each: NDArray | None = None) -> Figures:
    """The point values of an arm. `each` is `rows.confusion(policy)` if that is at hand. Raises
    ValueError without rows."""
    images = len(rows.targets)
    if not images:
        raise ValueError("no rows")
    each = rows.confusion(policy) if each is None else each
    whole = each.sum(axis=0, dtype=np.int64)
    supported = float(counts.macro_supported(whole))
    parsed = each[~rows.unparsed]
    has_folds = rows.folds is not None and len(np.unique(rows.folds)) > 1
    return Figures(
        images=images,
        patients=len(np.unique(rows.patients)),
        unparsed_share=float(rows.unparsed.mean()),
        micro={name: float(counts.micro(whole[columns(name)])) for name in FindingSetName},
        macro=float(counts.macro(whole)),
        macro_supported=None if np.isnan(supported) else supported,
        per_finding=counts.per_finding(whole),
        support=whole[:, counts.TP] + whole[:, counts.FN],
        micro_parsed=float(counts.micro(parsed.sum(axis=0, dtype=np.int64)))
        if len(parsed)
        else None,
        everything_present=_micro(rows.targets, everything_present(images), policy),
        no_finding_always=_micro(rows.targets, no_finding_always(images), policy),
        folds=fold_scores(counts.micro, each, np.asarray(rows.folds)) if has_folds else None,
    )


def intervals(
    rows: Rows,
    policy: UncertaintyPolicy,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 1,
) -> Intervals:
    """The intervals of an arm, over patients. Takes seconds for 30,000 rows."""
    per_patient, _ = by_group(rows.confusion(policy), rows.patients)
    return from_patients(per_patient, replicates, level, seed)


def from_patients(
    per_patient: Counts, replicates: int = REPLICATES, level: float = LEVEL, seed: int = 1
) -> Intervals:
    """The intervals of an arm from its counts per patient (P, 14, 4). Raises ValueError without
    patients."""
    drawn = bootstrap.resample(per_patient, replicates, seed)
    tp, fp, fn, tn = np.moveaxis(per_patient, -1, 0)

    def of(score: bootstrap.Score, name: FindingSetName = FindingSetName.ALL_14) -> Estimate:
        chosen = columns(name)
        return bootstrap.estimate(score, per_patient[:, chosen], drawn[:, chosen], level)

    def micro(name: FindingSetName) -> Estimate:
        chosen = columns(name)
        right, wrong = (each[:, chosen].sum(axis=1) for each in (tp, fp + fn))
        return bootstrap.at_the_ends(of(counts.micro, name), right, wrong, level, _f1)

    def share(score: bootstrap.Score, right: Counts, wrong: Counts) -> Estimate:
        return bootstrap.at_the_ends(of(score), right, wrong, level)

    return Intervals(
        micro={name: micro(name) for name in FindingSetName},
        macro=of(counts.macro),
        macro_supported=of(counts.macro_supported),
        per_finding=bootstrap.at_the_ends(of(counts.per_finding), tp, fp + fn, level, _f1),
        sensitivity=share(counts.sensitivity, tp, fn),
        specificity=share(counts.specificity, tn, fp),
        predictive_value=share(counts.predictive_value, tp, fp),
    )


def _f1(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 if this share of those who have or are given a finding are right, the others wrong."""
    return 2 * share / (1 + share)


def _micro(
    targets: NDArray[np.int8], predictions: NDArray[np.int8], policy: UncertaintyPolicy
) -> float:
    return float(counts.micro(confusion(targets, predictions, policy).sum(axis=0)))
