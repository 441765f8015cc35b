"""Who may look at whom: causal order, padding, image blocks and the sliding window."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cxr_demo.decoding.cache import KeyValueCache


@dataclass(frozen=True, eq=False)
class Masks:
    """For layers that see everything and for layers that see a window: (B, 1, T, columns) bool,
    True where the query may look; both None where causal order says it all, which attention knows
    by itself, in kernels that take no mask and are faster."""

    full: Tensor | None = None
    windowed: Tensor | None = None


def build(cache: KeyValueCache, blocks: Tensor | None = None) -> Masks:
    """Masks of the pass that `cache.begin` opened.

    A query sees its own and all earlier valid positions; inside an image block (`blocks`, (B, T)
    int64, -1 for text, the columns of this pass only; None for a model whose images are causal) it
    sees later ones too. A windowed layer sees no position `window` or more before its own. Every
    query sees itself, also on padding, so that no row of the softmax is empty and its NaN cannot
    spread.
    """
    if not cache.masked or (blocks is None and _begins_whole(cache)):
        return Masks()
    queries = cache.positions[:, cache.start : cache.end, None]
    keys = cache.positions[:, None, : cache.end]
    allowed = (keys <= queries) | _same_block(cache, blocks)
    allowed &= cache.valid[:, None, : cache.end]
    itself = torch.zeros_like(allowed[0])
    itself.diagonal(offset=cache.start).fill_(True)
    full = (allowed | itself)[:, None]
    if cache.window is None:
        return Masks(full, full)
    near = keys > queries - cache.window
    return Masks(full, ((allowed & near) | itself)[:, None])


def _begins_whole(cache: KeyValueCache) -> bool:
    """Nothing before this pass, no padding, and no position out of any window."""
    within = cache.window is None or cache.end <= cache.window
    return cache.start == 0 and not cache.holes and within


def _same_block(cache: KeyValueCache, blocks: Tensor | None) -> Tensor:
    size = (cache.batch, cache.end - cache.start, cache.end)
    same = torch.zeros(size, dtype=torch.bool, device=cache.device)
    if blocks is not None:
        image = blocks[:, :, None] >= 0
        same[:, :, cache.start :] = image & (blocks[:, :, None] == blocks[:, None, :])
    return same
