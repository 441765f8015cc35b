"""MedGemma here against transformers' own `generate()`: the same files, two ways to tokens.

    stock: from_pretrained, the publisher's processor and chat template, generate() -> tokens
    ours:  models.load, as a user loads it -> generate -> tokens; and its logits along stock's

Both compute in bfloat16, whose rounding differs between kernels. So a token may differ only where
the model itself cannot tell the two apart: where our logit of stock's token is within two units in
the last place of our best one. Everywhere else the tokens have to be the same.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Gemma3ForConditionalGeneration

from cxr_demo import models, weights
from cxr_demo.models import hardware, stock
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.gemma import load_processor
from cxr_demo.models.images import padded_square
from cxr_demo.models.loading import load_native
from cxr_demo.records import PipelineKind, Precision, Prompt, Radiograph

TOKENS = 64
"""New tokens per image that are compared."""
_UNITS = 2.0
_MOST_TIES = 0.05
"""Share of positions at which two tokens may be equally likely; more is no coincidence."""


@dataclass(frozen=True)
class Agreement:
    """One precision over all images. Of `positions` compared, `equal` have the same token; at
    `ties` the two are equally likely in bfloat16; `different` are the rest, the first of them at
    (image, position) `first`. `streamed`: our replies themselves equal stock's up to a tie."""

    precision: Precision
    images: int
    positions: int
    equal: int
    ties: int
    different: int
    streamed: bool
    first: tuple[int, int] | None = None

    @property
    def passed(self) -> bool:
        """Whether the port may be called right."""
        few = self.ties <= max(1, _MOST_TIES * self.positions)
        return self.streamed and self.different == 0 and few and self.equal > 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the verdict."""
        return {**asdict(self), "precision": str(self.precision), "passed": self.passed}


def device_name(gpu: int | None) -> str:
    """torch's name of the GPU with NVML's index `gpu`, "cpu" where torch cannot use one."""
    return "cuda:0" if gpu is not None and torch.cuda.is_available() else "cpu"


def compare(
    card: ModelCard,
    precision: Precision,
    radiographs: Sequence[Radiograph],
    device: str,
    tokens: int = TOKENS,
    progress: Callable[[str, float], None] = lambda what, fraction: None,
) -> tuple[Agreement, str]:
    """Load `card` both ways, one after the other, and read `radiographs`. Returns the agreement and
    the hash of the weights. `progress` is given "stock" or "ours" and a fraction of it.

    Raises what loading raises; the published files have to be here, for the library loads them."""
    place = torch.device(device)
    hardware.check_precision(card, precision, place)
    installed = weights.locate(card)
    prompt = card.prompts[PipelineKind.REPORT]
    theirs = _stock_replies(card, installed, precision, radiographs, place, tokens, progress)
    ours: Any = models.load(card, precision, device, lambda done: progress("ours", done / 2))
    try:
        verdicts = []
        for at, (radiograph, reply) in enumerate(zip(radiographs, theirs, strict=True)):
            verdicts.append(_verdict(ours, ours.see(radiograph), prompt, reply))
            progress("ours", 0.5 + (at + 1) / len(radiographs) / 2)
        return _agreement(precision, verdicts), ours.weights_sha256
    finally:
        ours.close()


def _stock_replies(
    card: ModelCard,
    installed: weights.Installed,
    precision: Precision,
    radiographs: Sequence[Radiograph],
    place: torch.device,
    tokens: int,
    progress: Callable[[str, float], None],
) -> list[list[int]]:
    """Per radiograph the ids that the library itself answers with, the end token among them."""
    kind = Gemma3ForConditionalGeneration
    native = load_native(
        kind, card, installed, precision, place, lambda done: progress("stock", done / 2)
    )
    processor = load_processor(installed.folder, native.config.mm_tokens_per_image)
    # The comparison begins after the image that this app gives to the model.
    prompt, images = card.prompts[PipelineKind.REPORT], processor.image_processor
    replies = []
    for at, radiograph in enumerate(radiographs):
        seen = padded_square(radiograph, images.size["height"], images.resample)
        inputs = _published_inputs(processor, seen, prompt, native)
        replies.append(list(stock.tokens(native, inputs, tokens)))
        progress("stock", 0.5 + (at + 1) / len(radiographs) / 2)
    del native
    gc.collect()
    if place.type == "cuda":
        torch.cuda.empty_cache()
    return replies


def _published_inputs(processor: Any, seen: Seen, prompt: Prompt, native: Any) -> dict[str, Any]:
    """As the publisher's example makes them, by the chat template alone."""
    content = [{"type": "image", "image": seen.pixels}, {"type": "text", "text": prompt.text}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    return dict(inputs.to(native.device, dtype=torch.bfloat16))


@dataclass(frozen=True)
class _Verdict:
    equal: int
    ties: int
    different: list[int]
    streamed: bool


@torch.no_grad()
def _verdict(ours: Any, seen: Seen, prompt: Prompt, reply: list[int]) -> _Verdict:
    """Our logits before each of stock's tokens, and our own reply, beside `reply`."""
    prefix = ours.prefix(seen, prompt)
    state = ours.decoder.prefill(prefix, len(reply))
    ids = torch.tensor([reply[:-1]], device=prefix.embeddings.device)
    logits = ours.decoder.force(state, ids)[0].float()
    chosen = torch.tensor(reply, device=logits.device)
    best = logits.max(-1).values
    same = logits.argmax(-1) == chosen
    tie = ~same & _near(best, logits.gather(-1, chosen[:, None])[:, 0])
    ties = set(tie.nonzero().flatten().tolist())
    different = (~same & ~tie).nonzero().flatten().tolist()
    return _Verdict(
        int(same.sum()), len(ties), different, _streamed(ours, seen, prompt, reply, ties)
    )


def _streamed(ours: Any, seen: Seen, prompt: Prompt, reply: list[int], ties: set[int]) -> bool:
    """Whether our reply is stock's, up to the first position where either might go on."""
    wanted = Prompt(prompt.id, prompt.text, len(reply), prompt.system)
    own = [token.id for token in ours.generate(seen, wanted)]
    for at, token in enumerate(reply):
        if at in ties:
            return True
        if at >= len(own):
            return at == len(reply) - 1 and token in ours.stop_ids
        if own[at] != token:
            return False
    return True


def _near(best: Tensor, other: Tensor) -> Tensor:
    """Within `_UNITS` units in the last place of a bfloat16 as large as `best`."""
    unit = torch.exp2(best.abs().clamp(min=2.0**-100).log2().floor() - 7)
    return best - other <= _UNITS * unit


def _agreement(precision: Precision, verdicts: Sequence[_Verdict]) -> Agreement:
    wrong = [(at, each.different[0]) for at, each in enumerate(verdicts) if each.different]
    equal, ties = (sum(getattr(v, name) for v in verdicts) for name in ("equal", "ties"))
    different = sum(len(each.different) for each in verdicts)
    return Agreement(
        precision=precision,
        images=len(verdicts),
        positions=equal + ties + different,
        equal=equal,
        ties=ties,
        different=different,
        streamed=all(each.streamed for each in verdicts),
        first=wrong[0] if wrong else None,
    )
