"""The main score of a run, from its rows: for terminals. Screens have `results`."""

import numpy as np

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.metrics.summary import Rows, figures
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun


def scores(reader: StoreReader, arm: ArmRun, policy: UncertaintyPolicy) -> dict[str, float]:
    """Micro F1 in 0..1 over the 14 findings by labeler, over the outputs that it has labelled;
    none for a run without rows."""
    listed, found = reader.manifest(arm.group), reader.outcomes(arm.id)
    made: dict[str, float] = {}
    for labeler, codes in found.labels.items():
        there = found.present[labeler]
        at = found.positions[there]
        if len(at):
            rows = Rows(
                targets=listed.targets[at],
                predictions=codes[there],
                patients=np.asarray(listed.patients[at], str),
                unparsed=found.unparsed[labeler][there],
            )
            made[labeler] = figures(rows, policy).micro[FindingSetName.ALL_14]
    return made
