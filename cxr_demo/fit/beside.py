"""Whether a second model fits the device beside what is on it now, as for a reading that comes
between while an evaluation runs.
"""

import psutil

from cxr_demo.fit.answers import Verdict, answer, judge
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.machine import Gpu
from cxr_demo.records import Precision, Telemetry
from cxr_demo.telemetry import capability
from cxr_demo.units import MIB

SMALL = 512 * MIB
"""Generously what the embedded model takes (16 MB of weights), whose tensors are not described."""


def beside(model: str, precision: Precision, now: Telemetry) -> bool:
    """True if what loading and one reading take is free at this moment, with the same margin that
    makes a verdict "fits" rather than "tight". The context, which is there already, counts again;
    on a card whose driver does not say what is free, nothing fits."""
    if now.device_index is None:
        return _holds(model, precision, None, psutil.virtual_memory().available)
    found = now.gpu
    if found is None or found.free is None or found.total is None:
        return False
    able = capability.of(found.index)
    return _holds(
        model, precision, Gpu(found.name, found.total, found.free, able, found.index), found.free
    )


def _holds(model: str, precision: Precision, gpu: Gpu | None, free: int) -> bool:
    if model not in ARCHITECTURES:
        return judge(SMALL, free) is Verdict.FITS
    return answer(model, precision, gpu, free).verdict is Verdict.FITS
