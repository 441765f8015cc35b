"""From readings of phantoms to the tables of `embedded_quality.json`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo import phantoms
from cxr_demo.findings import FINDINGS, Label, UncertaintyPolicy
from cxr_demo.metrics.f1 import encode, f1_scores
from cxr_demo.phantoms import Grade
from cxr_demo.records import FindingSet, StopReason

POLICIES = (UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE)


@dataclass(frozen=True)
class Row:
    """One reading, JSON-ready: `labels` by the finding's name; `made_with` names the device, the
    decode path and the versions."""

    seed: int
    precision: str
    pipeline: str
    report: str
    labels: dict[str, str]
    unparsed: bool
    stop: str
    tokens: int
    made_with: dict[str, str]


@dataclass(frozen=True, eq=False)
class Truth:
    """What was drawn: `codes` (N, 14) int8, 1 or 0, and `grades` (N,) int64 in 1..3."""

    codes: NDArray[np.int8]
    grades: NDArray[np.int64]


def truth_of(seeds: Sequence[int]) -> Truth:
    """Truth and grades of the phantoms `seeds`."""
    plans = [phantoms.plan(seed) for seed in seeds]
    drawn = [phantoms.truth(plan) for plan in plans]
    codes = np.array([[int(one[each]) for each in FINDINGS] for one in drawn], np.int8)
    return Truth(codes, np.array([int(phantoms.grade(plan)) for plan in plans]))


def table(truth: Truth, predicted: NDArray[np.int8]) -> dict[str, Any]:
    """F1 of (N, 14) predicted codes, over all and per grade, under both policies."""
    parts: dict[str, Any] = {"overall": _by_policy(truth.codes, predicted, detailed=True)}
    parts["by_grade"] = {
        grade.name.lower(): {
            "phantoms": int(chosen.sum()),
            **_by_policy(truth.codes[chosen], predicted[chosen], detailed=False),
        }
        for grade in Grade
        if (chosen := truth.grades == int(grade)).any()
    }
    return parts


def summarise(
    rows: Sequence[Row],
    seeds: Sequence[int],
    blanks: dict[tuple[str, str], FindingSet],
    frequent: FindingSet,
) -> dict[str, Any]:
    """Tables of every arm (precision, pipeline), of the same arm on a blank image, and of the most
    frequent report in place of every reply."""
    truth = truth_of(seeds)
    arms = []
    for (precision, pipeline), blank in blanks.items():
        by_seed = {
            row.seed: row for row in rows if (row.precision, row.pipeline) == (precision, pipeline)
        }
        own = [by_seed[seed] for seed in seeds]
        predicted = encode([[Label(row.labels[each.value]) for each in FINDINGS] for row in own])
        arms.append(
            {
                "precision": precision,
                "pipeline": pipeline,
                **table(truth, predicted),
                "blank_image": table(truth, _repeated(blank, len(seeds)))["overall"],
                **_replies(own),
            }
        )
    return {
        "phantoms": len(seeds),
        "share_of_phantoms": _named(truth.codes.mean(0)),
        "arms": arms,
        "frequent_report_scores": table(truth, _repeated(frequent, len(seeds)))["overall"],
    }


def _replies(rows: Sequence[Row]) -> dict[str, Any]:
    makers = [dict(each) for each in sorted({tuple(sorted(r.made_with.items())) for r in rows})]
    return {
        "unparsed": sum(row.unparsed for row in rows),
        "not_ended": sum(row.stop != StopReason.END.value for row in rows),
        "tokens_mean": round(float(np.mean([row.tokens for row in rows])), 1),
        "made_with": makers,
    }


def _repeated(one: FindingSet, count: int) -> NDArray[np.int8]:
    return np.repeat(encode([[each.label for each in one.labels]]), count, axis=0)


def _by_policy(
    truth: NDArray[np.int8], predicted: NDArray[np.int8], detailed: bool
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for policy in POLICIES:
        scores = f1_scores(truth, predicted, policy)
        result[policy.value] = {"micro": round(scores.micro, 4), "macro": round(scores.macro, 4)}
        if detailed:
            result[policy.value]["per_finding"] = _named(scores.per_finding)
    return result


def _named(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        each.value: round(float(value), 4) for each, value in zip(FINDINGS, values, strict=True)
    }
