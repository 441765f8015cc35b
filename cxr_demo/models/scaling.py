"""From pixels to what a vision tower takes, on the device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cxr_demo.models.base import Seen

WHITE = 255.0


def stacked(seens: Sequence[Seen]) -> Tensor:
    """B times (H, W, 3) uint8 -> (B, H, W, 3) uint8, on the host."""
    return torch.from_numpy(np.stack([each.pixels for each in seens]))


class Scaling:
    """Brings bytes to 0..1, less `mean`, by `deviation` per channel, to the last bit as on a
    processor. All three are kept on the device: nothing is sent there while a graph is captured,
    and by a number of Python's torch would not divide on a GPU, but multiply with its inverse,
    which in bfloat16 is one unit off for the grey level 127."""

    def __init__(
        self,
        mean: Sequence[float],
        deviation: Sequence[float],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._white, self._mean, self._deviation = (
            torch.tensor(each, device=device).view(1, -1, 1, 1)
            for each in ([WHITE], mean, deviation)
        )
        self._dtype = dtype

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 on the device -> (B, 3, H, W)."""
        scaled = pixels.permute(0, 3, 1, 2).float() / self._white
        return ((scaled - self._mean) / self._deviation).to(self._dtype)
