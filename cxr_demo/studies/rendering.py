"""From a radiograph to the greys that the screen shows and every model starts from."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cxr_demo.records import Radiograph, VoiFunction, Window
from cxr_demo.studies.voi import lut


def render(
    radiograph: Radiograph, window: Window | None = None, bits: int = 8
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Greys of `radiograph` through `window` (its first one if None), larger is whiter.

    Returns (H, W) uint8 over 0..255 for `bits` 8, uint16 over 0..65535 for 16. The same input gives
    the same bytes everywhere: screen, terminal and evaluation call this function.
    """
    return lut(window or radiograph.windows[0], bits)[radiograph.pixels]


def ignore_file_lut(radiograph: Radiograph) -> Radiograph:
    """The same radiograph without the windows and look-up tables that its file brings: only the
    full range is left. The switch for files whose own tables are wrong."""
    own = tuple(each for each in radiograph.windows if each.label == "full")
    return replace(radiograph, windows=own)


def has_file_lut(radiograph: Radiograph) -> bool:
    """Whether the file brings a window or table of its own, so that the switch has an effect."""
    return any(
        each.label != "full" or each.function is VoiFunction.TABLE for each in radiograph.windows
    )
