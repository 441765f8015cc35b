"""A calibration from a run over phantoms: raw answers against what was drawn. Marked SYNTHETIC."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from cxr_demo import phantoms
from cxr_demo.calibration import SYNTHETIC, Calibration, Key, Scale, write
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.metrics.calibration import brier, fit
from cxr_demo.records import Precision
from cxr_demo.store.runs import Prediction

LEAST = 10
"""Present, and absent, phantoms that a finding must have to be calibrated at all."""


def conclude(run: str, predictions: Iterable[Prediction]) -> Calibration | None:
    """Fit the answers in `predictions` and write the file; None, and no file, if they do not
    suffice for a single finding. Rows of other weights than the last row's are left out (the model
    was replaced while the evaluation stood still)."""
    rows = [each for each in predictions if each.answers and each.provenance]
    if not rows:
        return None
    key = _key(rows[-1])
    rows = [each for each in rows if _key(each) == key]
    truths = [phantoms.truth(phantoms.plan(int(each.key))) for each in rows]
    scales = {}
    for finding in FINDINGS:
        raw = np.array([_yes(each, finding) for each in rows])
        found = scale(raw, np.array([truth[finding] for truth in truths]))
        if found is not None:
            scales[finding] = found
    if not scales:
        return None
    made = Calibration(
        key=key,
        scales=scales,
        images=len(rows),
        mark=SYNTHETIC,
        tokens=(rows[-1].answers or {})["tokens"],
        run=run,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write(made)
    return made


def scale(raw: np.ndarray, present: np.ndarray) -> Scale | None:
    """None where there are too few samples, or where a higher answer does not mean a likelier
    finding: then no number may be shown."""
    count = int(present.sum())
    if min(count, len(present) - count) < LEAST:
        return None
    curve = fit(raw, present)
    if curve.slope <= 0:
        return None
    after = np.array([curve(each) for each in raw])
    return Scale(
        slope=curve.slope,
        intercept=curve.intercept,
        present=count,
        absent=len(present) - count,
        brier_raw=brier(raw, present),
        brier=brier(after, present),
    )


def _key(row: Prediction) -> Key:
    made, answers = row.provenance or {}, row.answers or {}
    return Key(
        model=made["model"],
        weights_sha256=made["weights_sha256"],
        precision=Precision(made["precision"]),
        question_id=answers["question_id"],
        question=answers["question"],
    )


def _yes(row: Prediction, finding: Finding) -> float:
    return float((row.answers or {})["yes"][finding])
