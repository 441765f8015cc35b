"""The same checkpoint under transformers' own `generate()`: what the engine is compared with.

A second copy of the weights, loaded as the app loads them and never touched by the engine. MedGemma
runs as the native model does, image and all; of the CheXagents the language model generates behind
the visual prefix, which is how their published code does it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from cxr_demo.models.loading import load_native  # isort: skip  (first: it bars `kernels`)

import numpy as np
import torch
from bitsandbytes import functional
from bitsandbytes.nn import Linear4bit, Params4bit
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import Gemma3ForConditionalGeneration, LogitsProcessor

from cxr_demo import weights
from cxr_demo.models import chexagent2, chexagent8b
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard, card
from cxr_demo.models.gemma import load_processor
from cxr_demo.models.streaming import fill
from cxr_demo.records import Precision, Prompt

FEW = 4
"""Images that a tower sees at a time where its attention is written out."""


class Stock(ABC):
    """A native model; `generator` is the part that has `generate()`; `body` and `head` are its
    language model, `tower` sees the images."""

    def __init__(
        self,
        native: nn.Module,
        generator: Any,
        body: nn.Module,
        tower: nn.Module,
        device: torch.device,
    ) -> None:
        self.native, self.generator, self.device = native, generator, device
        self.tower = tower
        self.body, self.head = body, generator.lm_head
        self.dtype: torch.dtype = generator.lm_head.weight.dtype

    @property
    @abstractmethod
    def side(self) -> int:
        """Pixels along each side of the image that the model is given."""

    @abstractmethod
    def inputs(self, images: Sequence[Seen], prompt: Prompt) -> dict[str, Tensor]:
        """What `generate()` takes for one row per image, on the device."""

    @torch.no_grad()
    def generate(self, inputs: dict[str, Tensor], tokens: int, **more: Any) -> Any:
        """Exactly `tokens` greedy tokens per row. No stop id, which spares it a check per token."""
        return self.generator.generate(
            **inputs,
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            **more,
        )

    def forced(self, inputs: dict[str, Tensor], ids: Tensor) -> list[Tensor]:
        """(B, n) ids to force -> n + 1 times (B, V) float32 logits, by `generate()` itself."""
        steps = self.generate(
            inputs,
            ids.shape[1] + 1,
            logits_processor=[_Forced(ids)],
            output_logits=True,
            return_dict_in_generate=True,
        )
        return list(steps.logits)

    @contextmanager
    def eager(self, whole: bool) -> Iterator[None]:
        """Attention written out ("eager") instead of SDPA, in the whole model or in the language
        model alone. The tower, whose attention then takes 1 GB an image, sees a few at a time."""
        attend(self.native if whole else self.body, "eager")
        tower: Any = self.tower
        if whole:
            tower.forward = _by_few(tower.forward)
        try:
            yield
        finally:
            if whole:
                del tower.forward  # the class's shows again
            attend(self.native, "sdpa")

    def widen(self) -> None:
        """Compute in float32 from now on, with the weights that are there, those of 4 bits unpacked
        without rounding: what rounding leaves out."""
        for each in (*self.native.parameters(), *self.native.buffers()):
            if each.is_floating_point() and not isinstance(each, Params4bit):  # packed in bfloat16
                each.data = each.data.float()
        for layer in self.native.modules():
            if isinstance(layer, Linear4bit):
                layer.weight.quant_state.dtype = torch.float32
                layer.forward = partial(_unpacked, layer)
        self.dtype = torch.float32

    @contextmanager
    def unpacked(self) -> Iterator[bool]:
        """4-bit layers multiply by their weights unpacked to the model's type, in place of
        bitsandbytes' own product: its other form of the same. Gives whether there are any."""
        layers = [each for each in self.native.modules() if isinstance(each, Linear4bit)]
        for layer in layers:
            layer.forward = partial(_unpacked, layer)
        try:
            yield bool(layers)
        finally:
            for layer in layers:
                del layer.forward


def _by_few(forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(pixel_values: Tensor, **more: Any) -> Any:
        parts = [forward(each, **more) for each in pixel_values.split(FEW)]
        return type(parts[0])(last_hidden_state=torch.cat([each[0] for each in parts]))

    return run


def _unpacked(layer: Linear4bit, x: Tensor) -> Tensor:
    weight = functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    bias = None if layer.bias is None else layer.bias.to(x.dtype)
    return nn.functional.linear(x, weight.to(x.dtype), bias)


class _Forced(LogitsProcessor):
    """Leaves one token to choose at each step."""

    def __init__(self, ids: Tensor) -> None:
        self._ids, self._step = ids, 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        only = torch.full_like(scores, -torch.inf)
        if self._step < self._ids.shape[1]:
            only.scatter_(1, self._ids[:, self._step, None], 0.0)
        else:
            only[:, 0] = 0.0
        self._step += 1
        return only


class GemmaStock(Stock):
    """`Gemma3ForConditionalGeneration`."""

    def __init__(self, native: Any, processor: Any, device: torch.device) -> None:
        model = native.model
        super().__init__(native, native, model.language_model, model.vision_tower, device)
        self._processor = processor

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return int(self._processor.image_processor.size["height"])

    def inputs(self, images: Sequence[Seen], prompt: Prompt) -> dict[str, Tensor]:
        """Ids, kinds of tokens and pixels, by the model's own processor."""
        content = [{"type": "image"}, {"type": "text", "text": prompt.text}]
        text = self._processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        found = self._processor(
            text=[text] * len(images),
            images=[[each.pixels] for each in images],
            do_resize=False,
            add_special_tokens=False,
            return_tensors="pt",
        ).to(self.device)
        return {**found, "pixel_values": found["pixel_values"].to(self.dtype)}


class CheXagent2Stock(Stock):
    """`PhiForCausalLM` behind the visual features."""

    def __init__(self, native: Any, words: chexagent2.Words, device: torch.device) -> None:
        language = native.language
        super().__init__(native, language, language.model, native.visual.model, device)
        self._words, self._visual = words, native.visual

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return int(self._visual.side)

    @torch.no_grad()
    def inputs(self, images: Sequence[Seen], prompt: Prompt) -> dict[str, Tensor]:
        """Embeddings with the image's positions overwritten."""
        places = self._visual.pos_embed.shape[0]
        ids = torch.tensor([self._ids(prompt, places)] * len(images), device=self.device)
        embeddings = self.body.embed_tokens(ids)
        pixels = _normalised(images, chexagent2.HALF, chexagent2.HALF).to(self.device, self.dtype)
        image = ids == self._words.id(chexagent2.IMAGE[1])
        embeddings[image] = self._visual(pixels).flatten(0, 1)
        return {"inputs_embeds": embeddings, "attention_mask": torch.ones_like(ids)}

    def _ids(self, prompt: Prompt, places: int) -> list[int]:
        told = prompt.system or chexagent2.SYSTEM
        parts = (f"<|system|>\n{told}", "\n<|user|>\nPicture 1:", f"\n{prompt.text}")
        system, opening, question = map(self._words.encode, parts)
        closing = self._words.encode("\n<|assistant|>\n")
        begin, place, end = map(self._words.id, chexagent2.IMAGE)
        image = [begin, *[place] * places, end]
        stop = self._words.id(chexagent2.END)
        return [*system, stop, *opening, *image, *question, stop, *closing]


class CheXagent8bStock(Stock):
    """`MistralForCausalLM` behind the projected queries."""

    def __init__(
        self, native: Any, tokenizer: Tokenizer, images: Any, device: torch.device
    ) -> None:
        language = native.language_model
        super().__init__(native, language, language.model, native.vision_model, device)
        self._tokenizer, self._images, self._see = tokenizer, images, native.see

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return int(self.native.side)

    @torch.no_grad()
    def inputs(self, images: Sequence[Seen], prompt: Prompt) -> dict[str, Tensor]:
        """Queries, then the prompt's embeddings."""
        text = self._tokenizer.encode(chexagent8b._wrapped(prompt), add_special_tokens=False)
        row = [self._tokenizer.token_to_id(chexagent8b.BEGIN), *text.ids]
        ids = torch.tensor([row] * len(images), device=self.device)
        pixels = _normalised(images, self._images.mean, self._images.deviation)
        parts = [self._see(pixels.to(self.device, self.dtype)), self.body.embed_tokens(ids)]
        embeddings = torch.cat(parts, dim=1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=self.device)
        return {"inputs_embeds": embeddings, "attention_mask": mask}


def load(model: str, precision: Precision, device: str) -> Stock:
    """The checkpoint of card `model` for stock `generate()`."""
    about, place = card(model), torch.device(device)
    stock: Stock = _FAMILIES[about.family](about, precision, place)
    attend(stock.native, "sdpa")
    return stock


def attend(module: nn.Module, how: str) -> None:
    """Name the attention function of every part of `module`; they look it up at each call."""
    for part in module.modules():
        if hasattr(getattr(part, "config", None), "_attn_implementation"):
            part.config._attn_implementation = how


def _normalised(
    images: Sequence[Seen], mean: Sequence[float], deviation: Sequence[float]
) -> Tensor:
    """(B, 3, S, S) on the CPU, as image processors do it."""
    pixels = torch.tensor(np.stack([each.pixels for each in images])) / 255
    return ((pixels - torch.tensor(mean)) / torch.tensor(deviation)).permute(0, 3, 1, 2)


def _gemma(about: ModelCard, precision: Precision, place: torch.device) -> Stock:
    installed = weights.locate(about)
    kind = Gemma3ForConditionalGeneration
    native = load_native(kind, about, installed, precision, place, _silent)
    processor = load_processor(installed.folder, native.config.mm_tokens_per_image)
    return GemmaStock(native, processor, place)


def _chexagent2(about: ModelCard, precision: Precision, place: torch.device) -> Stock:
    installed = weights.locate(about)
    native = chexagent2.build(about, installed.folder)
    fill(native, chexagent2.where, about, installed, precision, place, _silent)
    return CheXagent2Stock(native, chexagent2.Words(installed.folder), place)


def _chexagent8b(about: ModelCard, precision: Precision, place: torch.device) -> Stock:
    installed = weights.locate(about)
    native = chexagent8b.build(about, installed.folder)
    fill(native, chexagent8b.where, about, installed, precision, place, _silent)
    images = chexagent8b.image_settings(about, installed.folder)
    tokenizer = Tokenizer.from_file(str(installed.folder / "tokenizer.json"))
    return CheXagent8bStock(native, tokenizer, images, place)


def _silent(fraction: float) -> None:
    """Progress that nobody watches."""


_FAMILIES: dict[str | None, Any] = {
    "gemma": _gemma,
    "chexagent2": _chexagent2,
    "chexagent8b": _chexagent8b,
}
