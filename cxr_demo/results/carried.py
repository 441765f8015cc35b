"""Aggregates as JSON and back: what a run brings along to a machine that has not its images."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.metrics.bootstrap import Difference, Estimate
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.metrics.folds import FoldScores
from cxr_demo.metrics.mcnemar import McNemar
from cxr_demo.metrics.probabilities import Reliability
from cxr_demo.metrics.summary import Figures, Intervals
from cxr_demo.results.records import Answered, Arm, ArmResult, Pair, PairResult
from cxr_demo.results.resampling import intervals_of, pack_intervals
from cxr_demo.results.scoring import PairScore, pair_result

Record = dict[str, Any]

BROUGHT: Pair = (
    "These figures came along with the run.",
    "Estas medidas vieram com a execução.",
)
_COUNTS, _BRIERS, _CURVES = (
    ("counted", "present"),
    ("brier", "brier_calibrated"),
    ("raw", "calibrated"),
)


def result_record(result: ArmResult) -> Record | None:
    """The figures of an arm; None if it has none."""
    if result.figures is None or result.counts is None:
        return None
    figures = {each.name: getattr(result.figures, each.name) for each in fields(Figures)}
    figures["micro"] = {str(name): value for name, value in result.figures.micro.items()}
    figures["folds"] = None if result.figures.folds is None else result.figures.folds.values
    packed = {} if result.intervals is None else pack_intervals(result.intervals)
    return {
        "figures": {name: _plain(value) for name, value in figures.items()},
        "counts": result.counts.tolist(),
        "intervals": {name: _plain(value) for name, value in packed.items()} or None,
    }


def result_of(arm: Arm, labeler: str, policy: UncertaintyPolicy, record: Record) -> ArmResult:
    """The arm with the figures that `result_record` wrote. Raises KeyError, TypeError or ValueError
    for something else."""
    held = dict(record["figures"])
    figures = Figures(
        images=int(held["images"]),
        patients=int(held["patients"]),
        unparsed_share=float(held["unparsed_share"]),
        micro={name: float(held["micro"][str(name)]) for name in FindingSetName},
        macro=float(held["macro"]),
        macro_supported=_float(held["macro_supported"]),
        per_finding=_array(held["per_finding"], (len(FINDINGS),)),
        support=_array(held["support"], (len(FINDINGS),)).astype(np.int64),
        micro_parsed=_float(held["micro_parsed"]),
        everything_present=float(held["everything_present"]),
        no_finding_always=float(held["no_finding_always"]),
        folds=None if held["folds"] is None else FoldScores(_array(held["folds"])),
    )
    return ArmResult(
        arm,
        labeler,
        policy,
        figures=figures,
        counts=_array(record["counts"], (len(FINDINGS), 4)).astype(np.int64),
        intervals=_intervals(record["intervals"]),
    )


def micro(brought: Mapping[str, Any], policy: UncertaintyPolicy) -> dict[str, float]:
    """Micro F1 over the 14 findings by labeler, of the figures that came along with a run."""
    named = {
        name.partition("/")[0]: held["arm"]
        for name, held in brought.items()
        if name.partition("/")[2] == policy
    }
    return {
        labeler: float(held["figures"]["micro"][str(FindingSetName.ALL_14)])
        for labeler, held in named.items()
        if held is not None
    }


def pair_record(pair: PairResult) -> Record:
    """A pair's figures; which runs it compares is noted by the caller."""
    estimate = None if pair.difference is None else pair.difference.estimate
    return {
        "images": pair.images,
        "patients": pair.patients,
        "points": list(pair.points),
        "identical": pair.identical,
        "margin": pair.margin,
        "mcnemar": {
            each.name: _plain(getattr(pair.mcnemar, each.name)) for each in fields(McNemar)
        },
        "difference": None
        if estimate is None
        else {each.name: float(getattr(estimate, each.name)) for each in fields(Estimate)},
    }


def pair_of(candidate: ArmResult, reference: ArmResult, record: Record) -> PairResult:
    """The pair that `pair_record` wrote. Raises KeyError, TypeError or ValueError for something
    else."""
    test = {name: _array(values, (len(FINDINGS),)) for name, values in record["mcnemar"].items()}
    first, second = record["points"]
    score = PairScore(
        images=int(record["images"]),
        patients=int(record["patients"]),
        points=(float(first), float(second)),
        mcnemar=McNemar(
            only_first=test["only_first"].astype(np.int64),
            only_second=test["only_second"].astype(np.int64),
            p=test["p"],
            p_holm=test["p_holm"],
        ),
        task=None,
    )
    held, margin = record["difference"], float(record["margin"])
    difference = (
        None
        if held is None
        else Difference(
            Estimate(*(np.asarray(float(held[each.name])) for each in fields(Estimate))), margin
        )
    )
    identical = _float(record["identical"])
    return pair_result(candidate, reference, score, margin, difference, identical, False)


def answered_record(found: Answered | None) -> Record | None:
    """What a run's answers to yes/no questions came to; None if it was not asked."""
    if found is None:
        return None
    plain = {name: _plain(getattr(found, name)) for name in (*_COUNTS, *_BRIERS)}
    auroc = {each.name: _plain(getattr(found.auroc, each.name)) for each in fields(Estimate)}
    curves = {name: _curve_record(getattr(found, name)) for name in _CURVES}
    remark = None if found.calibrated is None else list(found.remark)
    whole = {"images": found.images, "scaled": found.scaled, "remark": remark}
    return {**whole, **plain, **curves, "auroc": auroc}


def answered_of(record: Record | None) -> Answered | None:
    """What `answered_record` wrote. Raises KeyError, TypeError or ValueError for something else."""
    if record is None:
        return None
    shape = (len(FINDINGS),)
    counted, present = (_array(record[name], shape).astype(np.int64) for name in _COUNTS)
    raw, calibrated = (_curve_of(record[name]) for name in _CURVES)
    brier, scaled = (None if record[n] is None else _array(record[n], shape) for n in _BRIERS)
    if brier is None or raw is None:
        raise ValueError("answers without their scores")
    by = record["remark"] or ("", "")
    english, portuguese = (
        " ".join([mine, str(its)]) for mine, its in zip(BROUGHT, by, strict=True)
    )
    return Answered(
        images=int(record["images"]),
        counted=counted,
        present=present,
        auroc=Estimate(*(_array(record["auroc"][each.name], shape) for each in fields(Estimate))),
        brier=brier,
        raw=raw,
        remark=(english.rstrip(), portuguese.rstrip()),
        scaled=int(record["scaled"]),
        brier_calibrated=scaled,
        calibrated=calibrated,
    )


def _curve_record(curve: Reliability | None) -> Record | None:
    if curve is None:
        return None
    return {each.name: _plain(getattr(curve, each.name)) for each in fields(Reliability)}


def _curve_of(held: Record | None) -> Reliability | None:
    if held is None:
        return None
    shape = (len(held["place"]),)
    place, said, true, images = (_array(held[each.name], shape) for each in fields(Reliability))
    return Reliability(place.astype(np.int64), said, true, images.astype(np.int64))


def _intervals(held: Mapping[str, Any] | None) -> Intervals | None:
    if held is None:
        return None
    return intervals_of({name: _array(values) for name, values in held.items()})


def _plain(value: Any) -> Any:
    """JSON-ready; NaN, which JSON lacks, as None."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value


def _array(values: Sequence[Any] | float | None, shape: tuple[int, ...] | None = None) -> NDArray:
    found = np.array(values, dtype=np.float64)  # None becomes NaN
    if shape is not None and found.shape != shape:
        raise ValueError(f"{found.shape} figures, not {shape}")
    return found


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
