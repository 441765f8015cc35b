"""From logits to one token per row."""

import torch
from torch import Tensor

from cxr_demo.decoding.engine import Sampling


class Chooser:
    """Chooses tokens as `sampling` says; one per decode, since it holds the random state."""

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self._sampling = sampling
        self._generator = torch.Generator(device).manual_seed(sampling.seed)

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B,) int64."""
        if self._sampling.temperature <= 0:
            return logits.argmax(dim=-1)
        scaled = logits.float() / self._sampling.temperature
        if self._sampling.top_k is not None:
            scaled = _keep_top_k(scaled, self._sampling.top_k)
        if self._sampling.top_p < 1:
            scaled = _keep_top_p(scaled, self._sampling.top_p)
        return torch.multinomial(scaled.softmax(-1), 1, generator=self._generator)[:, 0]


def logprob(logits: Tensor, chosen: Tensor) -> list[float]:
    """Natural logarithm of the probability of `chosen` (B,) under `logits` (B, V), in float32."""
    picked = logits.float().log_softmax(-1).gather(-1, chosen[:, None])[:, 0]
    return [float(value) for value in picked.tolist()]


def _keep_top_k(logits: Tensor, count: int) -> Tensor:
    least = logits.topk(min(count, logits.shape[-1])).values[:, -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def _keep_top_p(logits: Tensor, mass: float) -> Tensor:
    ordered, index = logits.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    ordered = ordered.masked_fill(before >= mass, -torch.inf)
    return torch.full_like(logits, -torch.inf).scatter(-1, index, ordered)
