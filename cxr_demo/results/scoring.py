"""Point values of arms and pairs from their rows, and the tasks of the bootstrap that go with them.

Pure: arrays in, records out. `metrics` does the arithmetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics import counts
from cxr_demo.metrics.bootstrap import Difference
from cxr_demo.metrics.counts import Counts, by_group
from cxr_demo.metrics.mcnemar import McNemar, mcnemar
from cxr_demo.metrics.outputs import identical_share
from cxr_demo.metrics.power import detectable, power
from cxr_demo.metrics.summary import Figures, Rows, figures
from cxr_demo.results.records import ArmResult, ArmRows, PairResult
from cxr_demo.results.resampling import Settings, Task


@dataclass(frozen=True, eq=False)
class Outputs:
    """Hashes of an arm's raw outputs (M,), 0 for a failure, at `positions`, ascending."""

    positions: NDArray[np.int64]
    hashes: NDArray[np.uint64]


FEWEST_PATIENTS = 2
"""Fewer patients than this have no interval."""


@dataclass(frozen=True, eq=False)
class ArmScore:
    """Points of an arm; `each` (N, 14, 4) are the counts per image; `task` is None where there are
    too few patients for an interval."""

    figures: Figures
    each: NDArray[np.int8]
    whole: Counts
    task: Task | None


@dataclass(frozen=True, eq=False)
class PairScore:
    """Points of a pair over the images that both arms have done."""

    images: int
    patients: int
    points: tuple[float, float]
    mcnemar: McNemar
    task: Task | None


def score_arm(rows: Rows, policy: UncertaintyPolicy, settings: Settings) -> ArmScore | None:
    """None without rows."""
    if not len(rows.targets):
        return None
    each = rows.confusion(policy).astype(np.int8)  # an eighth of the bytes to move
    per_patient, _ = by_group(each, rows.patients)
    found = figures(rows, policy, each)
    return ArmScore(found, each, per_patient.sum(axis=0), _task(settings, per_patient))


def score_pair(
    candidate: tuple[ArmRows, ArmScore], reference: tuple[ArmRows, ArmScore], settings: Settings
) -> PairScore | None:
    """None without images that both have done. An image that failed in one arm counts as 14
    negatives there, as in the main figure."""
    rows = candidate[0], reference[0]
    _, mine, theirs = np.intersect1d(
        rows[0].positions, rows[1].positions, assume_unique=True, return_indices=True
    )
    if not len(mine):
        return None
    first, second = candidate[1].each[mine], reference[1].each[theirs]
    by_patient = [by_group(each, rows[0].rows.patients[mine])[0] for each in (first, second)]
    points = [float(counts.micro(each.sum(axis=0))) for each in by_patient]
    return PairScore(
        images=len(mine),
        patients=len(by_patient[0]),
        points=(points[1], points[0]),
        mcnemar=mcnemar(second, first),
        task=_task(settings, *by_patient),
    )


def pair_result(
    candidate: ArmResult,
    reference: ArmResult,
    score: PairScore,
    margin: float,
    difference: Difference | None,
    identical: float | None,
    computing: bool,
) -> PairResult:
    """A pair as it is shown; power follows from the difference's standard error."""
    error = 0.0 if difference is None else float(difference.estimate.error)
    return PairResult(
        reference=reference,
        candidate=candidate,
        images=score.images,
        patients=score.patients,
        identical=identical,
        points=score.points,
        margin=margin,
        mcnemar=score.mcnemar,
        difference=difference,
        power=power(margin, error) if error > 0 else None,
        detectable=detectable(error) if error > 0 else None,
        computing=computing,
    )


def same_outputs(first: Outputs, second: Outputs) -> float | None:
    """Share of images with the very same output among those that both arms have done; None without
    any, or where an arm came from elsewhere without texts. A failure is like no other output."""
    if not (first.hashes.any() and second.hashes.any()):
        return None
    _, mine, theirs = np.intersect1d(
        first.positions, second.positions, assume_unique=True, return_indices=True
    )
    return identical_share(
        [each or None for each in first.hashes[mine].tolist()],
        [each or -1 for each in second.hashes[theirs].tolist()],
    )


def sliced(rows: Rows, mask: NDArray[np.bool_]) -> Rows:
    """The rows of a slice, without folds: its patients may lie in any of them."""
    return Rows(
        targets=rows.targets[mask],
        predictions=rows.predictions[mask],
        patients=rows.patients[mask],
        unparsed=rows.unparsed[mask],
    )


def score_masks(
    rows: Rows,
    masks: Mapping[str, NDArray[np.bool_]],
    policy: UncertaintyPolicy,
    settings: Settings,
) -> dict[str, ArmScore]:
    """Points of every slice of `rows` that has an image, by its name."""
    scores = {
        value: score_arm(sliced(rows, mask), policy, settings) for value, mask in masks.items()
    }
    return {value: score for value, score in scores.items() if score is not None}


def recall_and_precision(whole: Counts) -> tuple[float | None, float | None]:
    """Of all that is there the share that is named, and of all that is named the share that is
    there, over all 14 findings together; None where nothing is there, or nothing was named."""
    cells = whole.sum(axis=-2)
    found = float(counts.sensitivity(cells)), float(counts.predictive_value(cells))
    first, second = (None if np.isnan(each) else each for each in found)
    return first, second


def _task(settings: Settings, *arms: Counts) -> Task | None:
    if len(arms[0]) < FEWEST_PATIENTS:
        return None
    small = all(each.max() <= np.iinfo(np.int16).max for each in arms)  # a quarter of the bytes
    return Task(tuple(each.astype(np.int16) if small else each for each in arms), settings)
