"""From a radiograph to the image that a model is given."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_demo.models.base import Seen
from cxr_demo.records import Radiograph
from cxr_demo.studies import render


def padded_square(radiograph: Radiograph, side: int, resample: int) -> Seen:
    """The default rendering (the file's first window), as Google's serving code for MedGemma gives
    it: 3 equal channels, zero-padded to a centred square, resized to (side, side, 3).

    `resample` is Pillow's filter, as the checkpoint's image settings name it."""
    grey = _centred(render(radiograph).astype(np.uint8, copy=False))
    image = Image.fromarray(grey).convert("RGB")
    resized = image.resize((side, side), Image.Resampling(resample))
    return Seen(np.asarray(resized), f"padded_square_{side}")


def squashed_square(radiograph: Radiograph, side: int, resample: int) -> Seen:
    """The default rendering as 3 equal channels, resized to (side, side, 3) without keeping the
    aspect, as CheXagent was trained on it. `resample` as for `padded_square`."""
    image = Image.fromarray(render(radiograph).astype(np.uint8, copy=False)).convert("RGB")
    resized = image.resize((side, side), Image.Resampling(resample))
    return Seen(np.asarray(resized), f"squashed_square_{side}")


def _centred(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) -> (S, S) with S = max(H, W), the odd pixel of padding below or to the right."""
    height, width = grey.shape
    side = max(height, width)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = grey
    return square
