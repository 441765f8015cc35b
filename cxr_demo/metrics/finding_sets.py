"""Named sets of findings over which a score is taken, as columns of arrays in `FINDINGS`' order."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, Finding


class FindingSetName(StrEnum):
    """ALL_14 is the main figure, as in the study. FIVE are CheXpert's competition tasks (Irvin et
    al. 2019)."""

    ALL_14 = "all_14"
    WITHOUT_NO_FINDING = "without_no_finding"
    FIVE = "five"


_MEMBERS: dict[FindingSetName, tuple[Finding, ...]] = {
    FindingSetName.ALL_14: FINDINGS,
    FindingSetName.WITHOUT_NO_FINDING: tuple(
        each for each in FINDINGS if each is not Finding.NO_FINDING
    ),
    FindingSetName.FIVE: (
        Finding.ATELECTASIS,
        Finding.CARDIOMEGALY,
        Finding.CONSOLIDATION,
        Finding.EDEMA,
        Finding.PLEURAL_EFFUSION,
    ),
}


def members(name: FindingSetName) -> tuple[Finding, ...]:
    """The findings of a set."""
    return _MEMBERS[name]


def columns(name: FindingSetName) -> NDArray[np.intp]:
    """Their places on an axis that has all 14 in the order of `FINDINGS`."""
    return np.array([FINDINGS.index(each) for each in _MEMBERS[name]], dtype=np.intp)
