"""Stock models in float32, on weights of their own, and what they answer without any cache."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import checkpoints
from benchmarks.speed import stock
from cxr_demo.models.base import Seen
from cxr_demo.records import Precision, Prompt
from tests.models.families import Family

PROMPT = Prompt("test", "Write the findings section of a report for this chest X-ray.", 200)
STEPS = 200
TOLERANCE = 1e-4
FOUND = 100 * TOLERANCE
"""A fault must move some logit at least so far (the engine's own distances are about 1e-6)."""


@dataclass
class Case:
    """One family: `model`, the app's adapter, and `stock`, transformers' own, both in float32."""

    family: Family
    model: Any
    stock: stock.Stock
    _known: dict[Any, Tensor] = field(default_factory=dict)

    def seen(self, seed: int) -> Seen:
        """An image of noise."""
        found: Seen = self.family.seen(seed)
        return found

    def ids(self, count: int = STEPS, seed: int = 1) -> Tensor:
        """(1, count) ids to force, nearly all of them distinct."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(300, 1990, (1, count), generator=generator)

    @torch.no_grad()
    def logits(self, seed: int, ids: Tensor, prompt: Prompt = PROMPT) -> Tensor:
        """(n + 1, V): one pass of the stock model, without a cache, over image `seed`, `prompt` and
        (1, n) forced ids."""
        key = (seed, prompt, tuple(ids[0].tolist()))
        if key not in self._known:
            inputs = self.stock.inputs([self.seen(seed)], prompt)
            self._known[key] = _uncached(self.stock, inputs, ids)[0, -ids.shape[1] - 1 :]
        return self._known[key]

    def prompt_length(self, prompt: Prompt = PROMPT) -> int:
        """Positions of image and prompt."""
        return len(self.model.prompt_ids(prompt))


def case(family: Family, root: Path) -> Case:
    """`family` from a tiny checkpoint stored in bfloat16, so that both read the same values."""
    folder = root / family.model
    checkpoints.write(family.model, folder, tiny=True, dtype=torch.bfloat16)
    reference = stock.load(family.model, Precision.BF16, "cpu")
    reference.native.float()
    reference.dtype = torch.float32
    model = family.fp32(folder)
    if family.model != "medgemma-4b-it":  # that one's checkpoint has its own remedy
        _liven(model._network._body)
        _liven(reference.body)
    return Case(family, model, reference)


@torch.no_grad()
def _liven(body: Any) -> None:
    """Attention that chooses and is heard: with random weights it is flat over a thousand columns,
    a stale one would hardly show, and greedy replies would repeat one word."""
    for layer in body.layers:
        layer.self_attn.q_proj.weight *= 4
        for name in ("dense", "o_proj"):
            if hasattr(layer.self_attn, name):
                getattr(layer.self_attn, name).weight.mul_(8)


def far(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference between logits of one shape."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max())


def _uncached(native: stock.Stock, inputs: dict[str, Tensor], ids: Tensor) -> Tensor:
    generator = native.generator
    logits: Tensor
    if "inputs_embeds" in inputs:
        embeddings = torch.cat([inputs["inputs_embeds"], native.body.embed_tokens(ids)], 1)
        logits = generator(inputs_embeds=embeddings, use_cache=False).logits
        return logits
    kinds = torch.cat([inputs["token_type_ids"], torch.zeros_like(ids)], 1)
    logits = generator(
        input_ids=torch.cat([inputs["input_ids"], ids], 1),
        token_type_ids=kinds,
        pixel_values=inputs["pixel_values"],
        use_cache=False,
    ).logits
    return logits


def rows_of(case: Case, asked: Sequence[tuple[int, Prompt]]) -> Any:
    """Images (by seed) and prompts as one left-padded prefix."""
    return case.model.prefixes([case.seen(seed) for seed, _ in asked], [each for _, each in asked])
