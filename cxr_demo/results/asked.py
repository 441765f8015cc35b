"""Answers to yes/no questions against the targets: AUROC, Brier's score, reliability.

Answers are raw unless a calibration is here that never saw these patients: on the images that it
was fitted on, a calibration flatters itself.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo import calibration
from cxr_demo.calibration import Calibration, CalibrationDamaged, key_of
from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.metrics.bootstrap import Estimate
from cxr_demo.metrics.calibration import brier
from cxr_demo.metrics.f1 import binarise
from cxr_demo.metrics.probabilities import auroc_estimate, reliability
from cxr_demo.results.loading import Images
from cxr_demo.results.records import Answered, Board, Pair
from cxr_demo.results.resampling import Settings
from cxr_demo.results.scoring import FEWEST_PATIENTS
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun

Answers = dict[int, dict[str, Any]]
Masks = NDArray[np.bool_]
Values = NDArray[np.float64]

NONE: Pair = (
    "No calibration for these answers is on this machine.",
    "Não há calibração para estas respostas nesta máquina.",
)
SAME: Pair = (
    "The calibration on this machine was fitted on images of these same patients: what it makes of "
    "their answers would flatter it and is not shown.",
    "A calibração desta máquina foi ajustada em imagens destes mesmos pacientes: o que ela faz das "
    "respostas deles pareceria melhor do que é e não é mostrado.",
)
UNKNOWN: Pair = (
    "Whether the calibration on this machine was fitted on these patients cannot be told, since "
    "its run is not among these evaluations: it is not shown.",
    "Não se sabe se a calibração desta máquina foi ajustada nestes pacientes, pois a execução dela "
    "não está entre estas avaliações: ela não é mostrada.",
)
APART: Pair = (
    "Calibrated: by run {run}, fitted on {images} images{mark} of other patients.",
    "Calibradas: pela execução {run}, ajustada em {images} imagens{mark} de outros pacientes.",
)
DAMAGED: Pair = (
    "The calibration on this machine is damaged: it is not shown.",
    "A calibração desta máquina está danificada: ela não é mostrada.",
)
_DRAWN: Pair = (" (SYNTHETIC)", " (SINTÉTICAS)")


def stamp(reader: StoreReader, run: str) -> tuple[Hashable, ...]:
    """Another one after an answer came, or a calibration was written."""
    return len(reader.answered(run)), calibration.stamp()


def answered(
    reader: StoreReader,
    run: ArmRun,
    images: Images,
    policy: UncertaintyPolicy,
    settings: Settings,
) -> Answered | None:
    """None for a run that was not asked. Up to a second for 1,000 images."""
    answers = reader.answers(run.id)
    if not answers:
        return None
    at = np.array(list(answers), np.int64)
    raw = _matrix(answers)
    present, counted = binarise(images.manifest.targets[at], policy)
    if not counted.any():
        return None
    known, remark = _calibration(reader, run, answers, images.manifest.patients[at])
    found = Answered(
        images=len(at),
        counted=counted.sum(axis=0),
        present=(present & counted).sum(axis=0),
        auroc=_auroc(raw, present, counted, images.patients[at], settings),
        brier=_brier(raw, present, counted),
        raw=reliability(raw[counted], present[counted]),
        remark=remark,
    )
    return found if known is None else _with(found, _scaled(known, answers), present, counted)


def _with(found: Answered, scaled: Values, present: Masks, counted: Masks) -> Answered:
    """The same with what a calibration makes of the answers."""
    there = counted & np.isfinite(scaled)
    if not there.any():
        return found
    return replace(
        found,
        scaled=int(there.any(axis=0).sum()),
        brier_calibrated=_brier(scaled, present, there),
        calibrated=reliability(scaled[there], present[there]),
    )


def filled(board: Board, found: Mapping[str, Answered | None]) -> Board:
    """The board with answers by run; its pairs are of the very arms that it has."""
    arms = {each: replace(each, answered=found.get(each.arm.run)) for each in board.arms}
    pairs = (
        replace(each, reference=arms[each.reference], candidate=arms[each.candidate])
        for each in board.pairs
    )
    return replace(board, arms=tuple(arms.values()), pairs=tuple(pairs))


def _matrix(answers: Answers) -> Values:
    """(N, 14) raw answers in 0..1."""
    return np.array([[each["yes"][f] for f in FINDINGS] for each in answers.values()], np.float64)


def _scaled(known: Calibration, answers: Answers) -> Values:
    """(N, 14) calibrated answers, NaN for a finding without a scaling."""
    rows = [known.apply(each["yes"]) for each in answers.values()]
    return np.array(rows, np.float64)  # None becomes NaN


def _auroc(
    raw: Values, present: Masks, counted: Masks, patients: NDArray[np.int64], settings: Settings
) -> Estimate:
    """Without an interval where there are too few patients."""
    found = auroc_estimate(
        raw, present, counted, patients, settings.replicates, settings.level, settings.seed
    )
    if len(np.unique(patients)) >= FEWEST_PATIENTS:
        return found
    nothing = np.full(len(FINDINGS), np.nan)
    return Estimate(found.value, nothing, nothing, nothing)


def _brier(values: Values, present: Masks, counted: Masks) -> Values:
    """(14,) over the images that count, NaN without any."""
    columns = zip(values.T, present.T, counted.T, strict=True)
    return np.array(
        [
            brier(value[kept], truth[kept]) if kept.any() else np.nan
            for value, truth, kept in columns
        ]
    )


def _calibration(
    reader: StoreReader, run: ArmRun, answers: Answers, patients: Iterable[str]
) -> tuple[Calibration | None, Pair]:
    """The calibration that may be shown, and what is to be said of it, or of the lack of one."""
    signed, first = run.facts.get("signature") or {}, next(iter(answers.values()))
    if not signed.get("weights_sha256"):
        return None, NONE
    key = key_of(run.model, signed["weights_sha256"], run.precision, first)
    try:
        known = calibration.find(key)
    except CalibrationDamaged:
        return None, DAMAGED  # its own words name a folder, and this goes into exports
    if known is None:
        return None, NONE
    behind = {*patients} if known.run == run.id else _patients(reader, known.run)
    if not behind:
        return None, UNKNOWN
    if not behind.isdisjoint(patients):
        return None, SAME
    drawn = _DRAWN if known.synthetic else ("", "")
    english, portuguese = (
        words.format(run=known.run[:12], images=known.images, mark=mark)
        for words, mark in zip(APART, drawn, strict=True)
    )
    return known, (english, portuguese)


def _patients(reader: StoreReader, run: str) -> set[str]:
    """Whom a run asked about; empty where that is not here."""
    arm = reader.arm(run)
    if arm is None:
        return set()
    named = reader.manifest(arm.group).patients
    return set(named[sorted(reader.answered(run))]) if len(named) else set()
