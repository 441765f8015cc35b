"""Random changes to radiographs in training, on the device that trains.

No mirror images: left and right are part of the report. The code strip along the lower edge names
the phantom, and learning it by heart would be a shortcut: strips are exchanged within the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional

_MOVED, _NOISY, _BLURRED = 0.6, 0.5, 0.25
_STRIP_TOP = 0.935  # of the height, which is never the shorter side of a phantom


def augment(images: Tensor, maps: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """(B, S, S) uint8, (B, 14, G, G) bool to (B, 3, S, S) in -1..1, (B, 14, G, G) in 0..1.

    Six in ten are shifted, scaled and turned a little, with their maps; all vary in brightness,
    contrast and gamma; half carry noise; a quarter is blurred.
    """
    count, device = len(images), images.device

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1, 1, device=device).uniform_(low, high, generator=random)

    grey = images.unsqueeze(1).float().div_(255)
    strip = int(_STRIP_TOP * grey.shape[-2])
    grey[:, :, strip:] = grey[:, :, strip:].roll(1, 0)
    moved = draw(0, 1) < _MOVED
    turned, located = _move(grey, maps.float(), draw)
    grey = torch.where(moved, turned, grey)
    maps = torch.where(moved, located, maps.float())
    blurred = functional.avg_pool2d(functional.pad(grey, (1, 1, 1, 1), mode="replicate"), 3, 1)
    grey = torch.where(draw(0, 1) < _BLURRED, grey.lerp(blurred, draw(0.3, 1)), grey)
    grey = grey.clamp(0, 1).pow(draw(-0.25, 0.25).exp())
    grey = grey * draw(0.85, 1.12) + draw(-0.05, 0.05) * (grey > 0)
    noise = torch.randn(grey.shape, device=device, generator=random)
    grey = grey + noise * draw(0, 0.03) * (draw(0, 1) < _NOISY)
    return normalise(grey.clamp(0, 1)), maps


def normalise(grey: Tensor) -> Tensor:
    """(B, 1, S, S) in 0..1 to (B, 3, S, S) in -1..1, as the image processor does."""
    return ((grey - 0.5) / 0.5).expand(-1, 3, -1, -1)


def _move(grey: Tensor, maps: Tensor, draw) -> tuple[Tensor, Tensor]:  # noqa: ANN001
    angle, scale = draw(-0.06, 0.06), draw(0.94, 1.07)
    sine, cosine = angle.sin() * scale, angle.cos() * scale
    rows = torch.cat([cosine, -sine, draw(-0.07, 0.07), sine, cosine, draw(-0.07, 0.07)], 1)
    theta = rows.view(-1, 2, 3)

    def sample(planes: Tensor) -> Tensor:
        grid = functional.affine_grid(theta, list(planes.shape), align_corners=False)
        return functional.grid_sample(planes, grid, align_corners=False)

    return sample(grey), sample(maps)
