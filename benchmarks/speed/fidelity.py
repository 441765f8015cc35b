"""At true size: how far the engine's logits are from stock SDPA's, and stock eager's from these.

The same ids are forced on all of them, token by token behind the same images; the engine must not
be farther from stock SDPA than stock is from itself with attention written out. In 4 bits stock's
other way to multiply stands beside: the weights unpacked first. Stock is run a second time, image
and all, which tells how far it is from itself; and since it is no truth either, all of them are
compared with the same weights in float32.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.speed import paths
from benchmarks.speed.settings import Size
from benchmarks.speed.stock import Stock
from cxr_demo.decoding.engine import Engine
from cxr_demo.models.base import Seen
from cxr_demo.records import PipelineKind, Prompt

Logits = dict[str, list[Tensor]]
"""By who gave them: step by step (B, V)."""

SEED = 5
FIRST_WORD = 300
"""Below are bytes and control tokens."""


@dataclass(frozen=True)
class Distance:
    """From one model's logits to another's: the largest difference, the mean over all steps of the
    divergence KL(one ‖ other) in nats, and the share of steps with the same likeliest token."""

    largest: float
    mean_kl: float
    same_first: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return asdict(self)


def distance(one: Sequence[Tensor], other: Sequence[Tensor]) -> Distance:
    """Of two lists of (B, V) logits, step by step. Raises ValueError if they hold no numbers."""
    largest, divergence, same, count = 0.0, 0.0, 0, 0
    for first, second in zip(one, other, strict=True):
        left, right = first.float(), second.float()
        largest = max(largest, float((left - right).abs().max()))
        log_left, log_right = left.log_softmax(-1), right.log_softmax(-1)
        divergence += float((log_left.exp() * (log_left - log_right)).sum())
        same += int((left.argmax(-1) == right.argmax(-1)).sum())
        count += len(left)
    if not math.isfinite(divergence):  # `max` above would pass over a NaN
        raise ValueError("logits that are no numbers")
    return Distance(largest, divergence / count, same / count)


def measure(model: Any, stock: Stock, images: Sequence[Seen], size: Size) -> dict[str, Any]:
    """Distances at batch 1, for as many rows as fit of the evaluation's batch, and from the same
    weights in float32, to which `stock` is turned at the end: it cannot be used afterwards."""
    prompt = replace(model.card.prompts[PipelineKind.REPORT], max_new_tokens=size.forced)
    alone: Logits = {}
    found = {"forced": size.forced, "batch1": _compared(model, stock, images[:1], prompt, alone)}
    rows = size.rows
    while rows > 1:
        try:
            found["batch"] = _compared(model, stock, images[:rows], prompt, {})
            break
        except torch.OutOfMemoryError:
            rows //= 2
        torch.cuda.empty_cache()
    stock.widen()
    ids = words(1, prompt.max_new_tokens, stock).to(stock.device)
    exact = stock.forced(stock.inputs(images[:1], prompt), ids)
    found["exact"] = {name: distance(exact, each).to_dict() for name, each in alone.items()}
    return found


def _compared(
    model: Any, stock: Stock, images: Sequence[Seen], prompt: Prompt, kept: Logits
) -> dict[str, Any]:
    """Distances from stock SDPA; of one image the logits themselves go to `kept`."""
    ids = words(len(images), prompt.max_new_tokens, stock).to(stock.device)
    inputs = stock.inputs(images, prompt)
    own = stock.forced(inputs, ids)
    found: dict[str, Any] = {"rows": len(images), "engine": {}, "eager": {}}

    def told(name: str, logits: list[Tensor]) -> dict[str, float]:
        if len(images) == 1:
            kept[name] = logits
        return distance(own, logits).to_dict()

    again = stock.forced(stock.inputs(images, prompt), ids)
    found["again"] = told("stock, a second time", again)
    del again
    for path in paths.available(model):
        ours = forced(model, paths.use(model, path), images, prompt, ids)
        found["engine"][path] = told(path, ours)
        del ours
    for name, whole in (("language", False), ("whole", True)):
        with stock.eager(whole):
            seen = stock.inputs(images, prompt)  # the CheXagents' towers run in here
            found["eager"][name] = told(f"stock, eager ({name})", stock.forced(seen, ids))
    with stock.unpacked() as any_4_bits:
        if any_4_bits:
            unpacked = stock.forced(inputs, ids)
            found["unpacked"] = told("stock, 4 bits unpacked first", unpacked)
    told("stock", own)
    return found


@torch.no_grad()
def forced(
    model: Any, engine: Engine, images: Sequence[Seen], prompt: Prompt, ids: Tensor
) -> list[Tensor]:
    """The engine's logits: ids.shape[1] + 1 times (B, V). One image is read twice: from then on its
    prefill is captured, where the path does that. Several are seen at once, as stock sees them."""
    if len(images) == 1:
        state = [model.begin(images[0], prompt) for _ in range(2)][1]
        return list(engine.force(state, ids).unbind(1))
    rows = model.prefixes(images, [prompt] * len(images))
    return paths.forced_in_slots(engine, rows, ids)


def words(rows: int, count: int, stock: Stock) -> Tensor:
    """(rows, count) random ids of words, seeded."""
    vocabulary = min(stock.head.weight.shape[0], 50_000) - 100
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(FIRST_WORD, vocabulary, (rows, count), generator=generator)
