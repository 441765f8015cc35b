"""From a radiograph to the greys that the screen shows and every model starts from."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cxr_demo.records import Notice, Radiograph, VoiFunction, Window
from cxr_demo.studies.voi import lut, to_file


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
    full range is left, and a notice says so. The switch for files whose own tables are wrong."""
    if not has_file_lut(radiograph):
        return radiograph
    own = tuple(each for each in radiograph.windows if each.label == "full")
    notices = (*radiograph.notices, Notice("file_lut_ignored"))
    return replace(radiograph, windows=own, notices=notices)


def has_file_lut(radiograph: Radiograph) -> bool:
    """Whether the file brings a window or table of its own, so that the switch has an effect. A PNG
    or JPEG never does: its greys are what its writer wanted seen."""
    return radiograph.source == "DICOM" and any(
        each.label != "full" or each.function is VoiFunction.TABLE for each in radiograph.windows
    )


def window_name(radiograph: Radiograph, window: Window | None = None) -> str:
    """`window` of `radiograph` (its first one if None) in the file's own units, as a radiologist
    reads it on the workstation: "LINEAR 2000/3000" (centre/width), or "VOI LUT"."""
    window = window or radiograph.windows[0]
    if window.function is VoiFunction.TABLE:
        return "VOI LUT"
    own = to_file(window, radiograph)
    return f"{own.function} {own.centre:g}/{own.width:g}"
