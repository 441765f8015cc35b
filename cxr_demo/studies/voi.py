"""Values of interest: from window or table to greys, in any units.

The functions are PS3.3 C.11.2.1.2.1 (LINEAR) and C.11.2.1.3 (SIGMOID, LINEAR_EXACT). A file gives
them in modality units `x`; a `Radiograph` keeps them in units of its pixels `p`, where
`x = slope * p + intercept`. The map is affine, so each function maps onto itself exactly, also when
the slope is negative and the greys are turned (MONOCHROME1): all three are odd around their middle.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cxr_demo.records import Radiograph, VoiFunction, Window

LEVELS = 1 << 16
_STEP = 1e-6
"""Far below one pixel value: keeps the closed side of a one-value LINEAR step when it is turned."""


def to_pixels(window: Window, slope: float, intercept: float) -> Window:
    """`window`, given in modality units, in units of pixels and their polarity (see `Radiograph`).

    TABLE is not affine in its argument and is refused here (ValueError): see `table_window`.
    """
    centre, width = window.centre, window.width
    scale = abs(slope)
    match window.function:
        case VoiFunction.LINEAR:
            middle = (centre - 0.5 - intercept) / slope
            if slope < 0 and width == 1:
                middle -= _STEP
            return replace(window, centre=middle + 0.5, width=(width - 1) / scale + 1)
        case VoiFunction.TABLE:
            raise ValueError("a table is mapped value by value")
        case _:
            return replace(window, centre=(centre - intercept) / slope, width=width / scale)


def to_file(window: Window, radiograph: Radiograph) -> Window:
    """`window` of this radiograph in the file's modality units: the centre and width that a
    radiologist reads on the original workstation. A TABLE is returned as it is."""
    if window.function is VoiFunction.TABLE:
        return window
    slope, intercept = radiograph.slope, radiograph.intercept
    return to_pixels(window, 1 / slope, -intercept / slope)


def from_file(window: Window, radiograph: Radiograph) -> Window:
    """`window` in the file's modality units in units of this radiograph's pixels."""
    return to_pixels(window, radiograph.slope, radiograph.intercept)


def is_valid(window: Window) -> bool:
    """Whether centre and width are numbers for which the function is defined by the standard."""
    if window.function is VoiFunction.TABLE:
        return window.table is not None and len(window.table) > 1
    if not (math.isfinite(window.centre) and math.isfinite(window.width)):
        return False
    return window.width >= 1 if window.function is VoiFunction.LINEAR else window.width > 0


def full_window(low: int, high: int) -> Window:
    """The window that spreads `low`..`high` (pixel values) over all greys."""
    return Window((low + high) / 2, float(high - low), VoiFunction.LINEAR_EXACT, "full")


def identity_windows(bits: int) -> tuple[Window, ...]:
    """For pictures of 8 bits that were made for looking at: every grey as it stands, nothing
    stretched. Deeper pictures have no such window, since what their range means is not known."""
    if bits > 8:
        return ()
    return (Window(127.5, 255.0, VoiFunction.LINEAR_EXACT, "file"),)


def table_window(
    first: float, table: NDArray[np.integer], bits: int, slope: float, intercept: float
) -> Window:
    """A VOI LUT sequence item as a TABLE over all 65536 pixel values.

    `table`: (N,) greys over 0..2**bits - 1 for the modality values from `first` on.
    """
    modality = np.rint(slope * np.arange(LEVELS) + intercept)
    greys = table[np.clip(modality - first, 0, len(table) - 1).astype(np.int64)] / (2**bits - 1)
    if slope < 0:
        greys = 1.0 - greys
    spread = np.floor(np.clip(greys, 0, 1) * (LEVELS - 1) + 0.5).astype(np.uint16)
    return Window(LEVELS / 2, float(LEVELS), VoiFunction.TABLE, "file", 0, spread)


def lut(window: Window, bits: int = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Greys for all 65536 pixel values: (65536,) uint8 over 0..255 (`bits` 8) or uint16 over
    0..65535 (`bits` 16). Raises ValueError for other `bits`."""
    if bits not in (8, 16):
        raise ValueError(f"greys have 8 or 16 bits, not {bits}")
    greys = np.floor(_fraction(window) * ((1 << bits) - 1) + 0.5)
    return greys.astype(np.uint8) if bits == 8 else greys.astype(np.uint16)


def _fraction(window: Window) -> NDArray[np.float64]:
    """(65536,) greys over 0..1."""
    values = np.arange(LEVELS, dtype=np.float64)
    match window.function:
        case VoiFunction.LINEAR:
            return _ramp(values, window.centre - 0.5, window.width - 1)
        case VoiFunction.LINEAR_EXACT:
            return _ramp(values, window.centre, window.width)
        case VoiFunction.SIGMOID:
            steepness = np.clip(-4 * (values - window.centre) / window.width, -700, 700)
            return 1 / (1 + np.exp(steepness))
    if window.table is None:
        raise ValueError("a TABLE window needs its table")
    index = np.clip(values - window.first, 0, len(window.table) - 1).astype(np.int64)
    return window.table[index] / (LEVELS - 1)


def _ramp(values: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    if width <= 0:
        return (values > middle).astype(np.float64)
    return np.clip((values - middle) / width + 0.5, 0, 1)
