"""Colour pictures: grey ones saved in colour open, photographs do not."""

import numpy as np
from numpy.typing import NDArray

from cxr_demo.records import Notice
from cxr_demo.studies.errors import ColourPicture

_TOLERANCE = 0.06
"""Difference between channels, as a share of the range, that JPEG leaves in a grey picture."""
_MARKS = 0.02
"""Share of clearly coloured pixels up to which they are marks on a grey picture."""
_NOISE = 0.0005


def grey_from_colour(rgb: NDArray[np.integer]) -> tuple[NDArray[np.uint16], tuple[Notice, ...]]:
    """(H, W, 3) uint8 or uint16 as (H, W) uint16 of the same range, and notices.

    Equal channels are taken over bit for bit; others by their luminance (ITU-R BT.601, what JPEG
    itself stores). Raises ColourPicture when more than a few marks are coloured.
    """
    low, high = rgb.min(axis=2), rgb.max(axis=2)
    if np.array_equal(low, high):
        return low.astype(np.uint16), (Notice("colour_saved_grey"),)
    coloured = float((high - low > _TOLERANCE * np.iinfo(rgb.dtype).max).mean())
    if coloured > _MARKS:
        raise ColourPicture()
    code = "colour_marks" if coloured > _NOISE else "colour_saved_grey"
    return _luminance(rgb), (Notice(code),)


def _luminance(rgb: NDArray[np.integer]) -> NDArray[np.uint16]:
    weights = np.array([299, 587, 114], np.uint32)
    return ((rgb.astype(np.uint32) @ weights + 500) // 1000).astype(np.uint16)
