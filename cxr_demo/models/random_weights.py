"""A model of its true size with random weights, made on the device: no download, no checkpoint.

    published sizes -> empty model (meta device) -> one random tensor after the other -> a model
                                                    that reads, and says nothing

Layers, types and places are those that `streaming.fill` gives published weights, so memory and
speed are the real model's. There is no vocabulary: text is as many ids as a tokenizer would make.
"""

import importlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from cxr_demo.models import cpu_nf4, hardware, published, quantising, streaming, tables
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.chexagent2 import IMAGE, CheXagent2Model, Words
from cxr_demo.models.chexagent8b import BEGIN, END, CheXagent8bModel, image_settings
from cxr_demo.models.four_bits import Params4bit
from cxr_demo.models.gemma import GemmaModel
from cxr_demo.models.loading import STORAGE, Progress
from cxr_demo.models.published import Settings
from cxr_demo.models.vlm import VisionLanguageModel
from cxr_demo.records import Precision, Prompt

LETTERS_PER_ID = 4
"""Of English text, about."""
ID = 7
"""The id of every piece of text; any will do."""


def build(
    card: ModelCard,
    precision: Precision,
    device: torch.device,
    progress: Progress,
    settings: Settings | None = None,
) -> VisionLanguageModel:
    """`card` in `precision` on `device`; `settings` instead of the published ones (tests).

    `progress` is called with fractions in 0..1 and may raise. Raises PrecisionUnsupported or
    OutOfMemory."""
    hardware.check_precision(card, precision, device)
    family = importlib.import_module(f"cxr_demo.models.{card.family}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, content in (settings or published.settings(card)).items():
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
        native = family.build(card, folder)
        fill(native, card, precision, device, progress)
        return _MODELS[str(card.family)](card, precision, native, folder)


def fill(
    module: nn.Module,
    card: ModelCard,
    precision: Precision,
    device: torch.device,
    progress: Progress,
) -> None:
    """Give `module`, built on the meta device, random weights, and leave it as `streaming.fill`
    does. Raises OutOfMemory."""
    with streaming.loaded_from_files(card, device):
        shared = streaming.prepare(module, card, precision)
        names = [name for name, _ in module.named_parameters()]
        total = sum(each.numel() for each in module.parameters())
        generator = torch.Generator(device).manual_seed(0)
        done = 0
        for name in names:
            progress(done / total)
            done += module.get_parameter(name).numel()
            _bring(module, name, STORAGE[precision].dtype, generator)
        streaming.finish(module, shared, device)
    if device.type == "cpu":
        cpu_nf4.settle(module)
    progress(1.0)


def _bring(module: nn.Module, name: str, dtype: torch.dtype, generator: torch.Generator) -> None:
    owner_name, _, last = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    before = getattr(owner, last)
    packed = isinstance(before, Params4bit)
    if isinstance(owner, tables.TableLookUp | tables.TableHead) and last == "weight":
        if packed:
            shape = before.shape[0], before.shape[1]
            rows = _rows(shape, generator)
            made = quantising.quantised(rows, shape, before.quant_storage, generator.device)
            setattr(owner, last, made)
            return
        dtype = torch.bfloat16
    drawn = _drawn(tuple(before.shape), torch.bfloat16 if packed else dtype, generator)
    streaming.place(owner, last, None, drawn, dtype)


def _rows(shape: tuple[int, int], generator: torch.Generator) -> Iterator[Tensor]:
    for first in range(0, shape[0], tables.SLICE):
        height = min(tables.SLICE, shape[0] - first)
        yield _drawn((height, shape[1]), torch.bfloat16, generator)


def _drawn(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Values that keep activations finite: matrices N(0, 1 / fan-in), vectors small."""
    drawn = torch.empty(shape, dtype=dtype, device=generator.device)
    fan_in = max(1, drawn[0].numel()) if len(shape) > 1 else 100
    return drawn.normal_(0.0, float(fan_in) ** -0.5, generator=generator)


# ---------------------------------------------------------------- without words


def _pieces(text: str) -> list[int]:
    return [ID] * max(1, len(text) // LETTERS_PER_ID)


@dataclass(frozen=True)
class _Encoded:
    ids: list[int]


class NoWords:
    """Stands for every kind of tokenizer here: the right number of ids, no text back."""

    def get_vocab(self) -> dict[str, int]:
        """The ids of the control tokens that CheXagent 8B looks up."""
        return {BEGIN: 1, END: 2}

    def encode(self, text: str, add_special_tokens: bool = False) -> Any:
        """As `tokenizers.Tokenizer` does."""
        return _Encoded(_pieces(text))

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """Nothing."""
        return ""


class NoPhiWords(Words):
    """Stands for CheXagent 2's."""

    def __init__(self) -> None:
        # No vocabulary is read: all that asks for one is below.
        self._control = {each: index for index, each in enumerate(("<|endoftext|>", *IMAGE))}

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids of the control tokens."""
        return self._control

    def encode(self, text: str) -> list[int]:
        """The right number of ids."""
        return _pieces(text)

    def decode(self, ids: list[int]) -> str:
        """Nothing."""
        return ""


@dataclass(frozen=True)
class _Processor:
    image_processor: Any
    tokenizer: Any


class WordlessGemma(GemmaModel):
    """MedGemma without a vocabulary."""

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """Image and text, in the chat template's proportions."""
        config: Any = self._native.config
        turns = f"<bos><start_of_turn>user\n\n\n\n{prompt.system or ''}{prompt.text}<end_of_turn>\n"
        image = [config.image_token_id] * config.mm_tokens_per_image
        return [*image, *_pieces(turns), *_pieces("<start_of_turn>model\n")]


def _gemma(card: ModelCard, precision: Precision, native: Any, folder: Path) -> GemmaModel:
    side = native.config.vision_config.image_size
    half = [0.5, 0.5, 0.5]
    images = Gemma3ImageProcessorPil(
        size={"height": side, "width": side}, image_mean=half, image_std=half, resample=2
    )
    words: Any = _Processor(images, NoWords())
    return WordlessGemma(card, precision, native, words, _nothing(), True)


def _chexagent2(card: ModelCard, precision: Precision, native: Any, folder: Path) -> Any:
    return CheXagent2Model(card, precision, native, NoPhiWords(), _nothing(), True)


def _chexagent8b(card: ModelCard, precision: Precision, native: Any, folder: Path) -> Any:
    words: Any = NoWords()
    images = image_settings(card, folder)
    return CheXagent8bModel(card, precision, native, words, images, _nothing(), True)


_MODELS = {"gemma": _gemma, "chexagent2": _chexagent2, "chexagent8b": _chexagent8b}


def _nothing() -> Future[str]:
    """A hash that nobody needs."""
    done: Future[str] = Future()
    done.set_result("random")
    return done
