"""The estimate with the constants that the shipped measurements give."""

from functools import cache
from pathlib import Path

from cxr_demo.fit import estimate, judgement, measured
from cxr_demo.fit.estimate import FIRST, Constants, Need, Work
from cxr_demo.records import Precision

_REPORT = Work()


def need(model: str, precision: Precision, work: Work = _REPORT) -> Need:
    """See `estimate.need`."""
    return estimate.need(model, precision, work, constants())


def constants() -> Constants:
    """Fitted on what ships with the program."""
    return _fitted(measured.SHIPPED)


@cache
def _fitted(path: Path) -> Constants:
    pairs = judgement.usable(measured.shipped_pairs(path))
    return judgement.fit(pairs) if pairs else FIRST
