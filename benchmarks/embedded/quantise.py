"""NF4 in training: the rounding that bitsandbytes applies when it loads a model in 4 bits.

Dettmers et al., QLoRA, 2023: blocks of 64 weights, scaled by their largest magnitude, each to the
nearest of 16 levels. Gradients pass straight through (they are taken at the rounded weights and
applied to the exact ones).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

BLOCK = 64
# The 16 levels as bitsandbytes publishes them (quantiles of a normal distribution, zero included).
LEVELS = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip


def nf4_round(flat: Tensor) -> Tensor:
    """(N,) float weights, N a multiple of 64, rounded to NF4 and back; same shape and type."""
    levels = torch.tensor(LEVELS, device=flat.device, dtype=torch.float32)
    borders = (levels[1:] + levels[:-1]) / 2
    blocks = flat.float().view(-1, BLOCK)
    scale = blocks.abs().amax(1, keepdim=True).clamp_min(1e-12)
    return (levels[torch.bucketize(blocks / scale, borders)] * scale).view(-1).to(flat.dtype)


class Rounding:
    """Rounds the weights of `model`'s linear layers that a 4-bit load would quantise."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = [
            module.weight
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear) and "lm_head" not in name
        ]

    @contextmanager
    def applied(self, active: bool = True) -> Iterator[None]:
        """Inside, the weights hold their rounded values; outside, the exact ones again."""
        if not active:
            yield
            return
        exact = torch.cat([weight.detach().reshape(-1) for weight in self.weights])
        self._write(nf4_round(exact))
        try:
            yield
        finally:
            self._write(exact)

    @torch.no_grad()
    def _write(self, flat: Tensor) -> None:
        parts = flat.split([weight.numel() for weight in self.weights])
        for weight, part in zip(self.weights, parts, strict=True):
            weight.copy_(part.view_as(weight))
