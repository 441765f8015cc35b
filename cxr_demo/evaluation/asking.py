"""Yes/no questions about the images of a run, and the calibration that follows from their targets.

The first `MOST` images are asked, one at a time (a reading of the screen waits for one), with what
the data set says as the truth: absent and blank count as absent, uncertain ones are left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np

from cxr_demo.calibration import SYNTHETIC, Calibration, Scale, key_of, write
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.arm_run import ArmRun
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.scaling import scale
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.metrics.f1 import CODES
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.studies.pool import DecodePool

MOST = 1_000
"""Images behind a calibration; more would take hours and change little."""


def ask(
    store: EvaluationStore, arm: ArmRun, host: Host, halted: Callable[[], bool]
) -> Iterator[None]:
    """Ask about the run's first images; every answer is durable. An image that cannot be opened now
    is passed over. Raises what the model raises."""
    assert arm.run is not None
    known = store.answered(arm.run)
    found = store.outcomes(arm.run)
    wanted = [at for at in found.positions[~found.failed][:MOST].tolist() if at not in known]
    if not wanted:
        return
    with DecodePool(1) as pool:
        for position in wanted:
            if halted():
                return
            host.model(arm.arm.model, arm.arm.precision)
            try:
                radiograph = pool.open(arm.places[position].path)[0]
            except (CxrError, OSError):
                continue
            store.add_answers(arm.run, position, asdict(host.ask(radiograph)))
            yield


def conclude(store: EvaluationStore, group: str, run: str) -> Calibration | None:
    """Fit the answers of `run` to the targets and write the file; None, and no file, if they do not
    suffice for a single finding."""
    answers, arm, found = store.answers(run), store.arm(run), store.group(group)
    if not answers or arm is None or found is None:
        return None
    targets = store.manifest(group).targets[list(answers)]
    first = next(iter(answers.values()))
    scales: dict[Finding, Scale] = {}
    for column, finding in enumerate(FINDINGS):
        raw = np.array([each["yes"][finding] for each in answers.values()], np.float64)
        sure = targets[:, column] != CODES[Label.UNCERTAIN]
        present = targets[:, column] == CODES[Label.POSITIVE]
        made = scale(raw[sure], present[sure])
        if made is not None:
            scales[finding] = made
    if not scales:
        return None
    signed = arm.facts["signature"]
    calibration = Calibration(
        key=key_of(arm.model, signed["weights_sha256"], arm.precision, first),
        scales=scales,
        images=len(answers),
        mark=SYNTHETIC if found.synthetic else None,
        tokens=first["tokens"],
        run=run,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write(calibration)
    return calibration
