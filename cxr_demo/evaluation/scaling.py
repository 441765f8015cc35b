"""A finding's raw answers, brought to what was true of the images: one scaling of a calibration."""

import numpy as np

from cxr_demo.calibration import Scale
from cxr_demo.metrics.calibration import brier, fit

LEAST = 10
"""Present, and absent, images that a finding must have to be calibrated at all."""


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
