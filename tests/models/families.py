"""One runner for all families: each as a tiny random checkpoint in the published layout, loaded as
the app loads it, and in float32 for comparisons."""

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn import Params4bit
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from benchmarks import checkpoints
from cxr_demo import weights
from cxr_demo.decoding.engine import Prefix
from cxr_demo.models import chexagent2, chexagent8b, tables
from cxr_demo.models.cards import card
from cxr_demo.models.loading import quantized_modules
from cxr_demo.models.streaming import Where, fill
from cxr_demo.records import Precision, Prompt
from cxr_demo.weights import Installed
from tests.stand_ins import adapted, native_fp32, noise

CPU = torch.device("cpu")
PROMPT = Prompt("test", "Write the findings section of a report for this chest X-ray.", 24)


def silent(fraction: float) -> None:
    """Progress that nobody watches."""


def filled(
    native: nn.Module,
    where: Where,
    model: str,
    folder: Path,
    precision: Precision = Precision.BF16,
    dtype: torch.dtype = torch.float32,
) -> Any:
    """`native` with the checkpoint in `folder`, by the app's own loader; float32 if not told."""
    shards = tuple(sorted(folder.glob("*.safetensors")))
    fill(native, where, card(model), Installed(folder, shards, 0), precision, CPU, silent, dtype)
    return native


def digest() -> Future[str]:
    """A hash that nobody computed."""
    done: Future[str] = Future()
    done.set_result("0" * 64)
    return done


def chexagent2_fp32(folder: Path) -> chexagent2.CheXagent2Model:
    """CheXagent 2 in float32."""
    about = card("chexagent-2-3b")
    native = filled(chexagent2.build(about, folder), chexagent2.where, about.id, folder)
    words = chexagent2.Words(folder)
    return chexagent2.CheXagent2Model(about, Precision.BF16, native, words, digest(), True)


def chexagent8b_fp32(folder: Path) -> chexagent8b.CheXagent8bModel:
    """CheXagent 8B in float32."""
    about = card("chexagent-8b")
    native = filled(chexagent8b.build(about, folder), chexagent8b.where, about.id, folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    images = chexagent8b.image_settings(about, folder)
    return chexagent8b.CheXagent8bModel(
        about, Precision.BF16, native, tokenizer, images, digest(), True
    )


@dataclass(frozen=True)
class Family:
    """A card, the side of its tiny checkpoint's images, and how to get it in float32. `rounding`:
    the least cosine between its logits in bfloat16 and in float32 (the tiny Gemma's loud norms,
    which keep its replies from repeating, make it sensitive)."""

    model: str
    side: int
    fp32: Callable[[Path], Any]
    rounding: float = 0.9999

    @property
    def linears(self) -> list[str]:
        """Names of the tiny checkpoint's layers that are 4 bits in every 4-bit precision."""
        return sorted(
            f"{stem}{name}" for stem, names in LINEARS[self.model].items() for name in names
        )

    @property
    def tables(self) -> list[str]:
        """Names of look-up and head."""
        return TABLES[self.model]

    def write(self, root: Path) -> Path:
        """The tiny checkpoint in `root`, written once."""
        folder = root / self.model
        if not folder.exists():
            checkpoints.write(self.model, folder, tiny=True)
        return folder

    def seen(self, seed: int) -> Any:
        """An image of noise."""
        return noise(seed, self.side)


_GATED = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
_PLAIN = ("mlp.fc1", "mlp.fc2")
_QKVO = tuple(f"self_attn.{each}_proj" for each in "qkvo")
_SIGLIP = (*_QKVO[:3], "self_attn.out_proj", *_PLAIN)
_BERT = ("attention.query", "attention.key", "attention.value", "output.dense")
LINEARS: dict[str, dict[str, tuple[str, ...]]] = {
    "medgemma-4b-it": {
        **{f"model.language_model.layers.{i}.": (*_QKVO, *_GATED) for i in range(3)},
        **{f"model.vision_tower.encoder.layers.{i}.": _SIGLIP for i in range(2)},
    },
    "chexagent-2-3b": {
        **{
            f"language.model.layers.{i}.": (*_QKVO[:3], "self_attn.dense", *_PLAIN)
            for i in range(2)
        },
        **{f"visual.model.encoder.layers.{i}.": _SIGLIP for i in range(2)},
        "visual.attn_pool.": ("0", "2"),
    },
    "chexagent-8b": {
        **{f"language_model.model.layers.{i}.": (*_QKVO, *_GATED) for i in range(2)},
        **{
            f"vision_model.encoder.layers.{i}.": ("self_attn.qkv", "self_attn.projection", *_PLAIN)
            for i in range(2)
        },
        **{f"qformer.encoder.layer.{i}.attention.": _BERT for i in range(2)},
        **{
            f"qformer.encoder.layer.{i}.": ("intermediate_query.dense", "output_query.dense")
            for i in range(2)
        },
        "qformer.encoder.layer.0.crossattention.": _BERT,
        "": ("language_projection",),
    },
}
"""Per model: beginning of names -> their ends, of every linear layer but the heads."""
TABLES = {
    "medgemma-4b-it": ["lm_head", "model.language_model.embed_tokens"],
    "chexagent-2-3b": ["language.lm_head", "language.model.embed_tokens"],
    "chexagent-8b": ["language_model.lm_head", "language_model.model.embed_tokens"],
}

FAMILIES = (
    Family("medgemma-4b-it", 56, lambda folder: adapted(native_fp32(folder), folder), 0.995),
    Family("chexagent-2-3b", 512, chexagent2_fp32),
    Family("chexagent-8b", 56, chexagent8b_fp32),
)


@torch.no_grad()
def first_logits(model: Any, seen: Any, prompt: Prompt = PROMPT) -> Tensor:
    """(1, V) logits of the first new token, in float32."""
    logits: Tensor = model.decoder.prefill(model.prefix(seen, prompt), 0).logits.float()
    return logits


@torch.no_grad()
def followed(model: Any, prefix: Prefix, ids: Sequence[int]) -> Prefix:
    """`prefix` with text ids behind it, as if they had been part of the prompt."""
    more = torch.tensor([list(ids)], dtype=torch.long)
    return Prefix(
        torch.cat([prefix.embeddings, model._network.embed(more)], 1),
        torch.cat([prefix.valid, torch.ones_like(more, dtype=prefix.valid.dtype)], 1),
        None if prefix.blocks is None else torch.cat([prefix.blocks, torch.full_like(more, -1)], 1),
    )


def batched(prefixes: Sequence[Prefix]) -> Prefix:
    """Rows of several lengths as one batch, padded on the left with values that must not count."""
    longest = max(each.valid.shape[1] for each in prefixes)

    def pad(tensor: Tensor, value: float) -> Tensor:
        missing = longest - tensor.shape[1]
        filling = torch.full((1, missing, *tensor.shape[2:]), value, dtype=tensor.dtype)
        return torch.cat([filling, tensor], 1)

    blocks = [pad(each.blocks, -1) for each in prefixes if each.blocks is not None]
    return Prefix(
        torch.cat([pad(each.embeddings, 7.0) for each in prefixes]),
        torch.cat([pad(each.valid, False) for each in prefixes]),
        torch.cat(blocks) if blocks else None,
    )


def unpacked(four: nn.Module, full: nn.Module) -> int:
    """Give `full` (float32) the values that the 4-bit model `four` computes with; returns how many
    of its weights were 4 bits."""
    packed = quantized_modules(four)
    for name in packed:
        layer: Any = four.get_submodule(name)
        full.get_submodule(name).weight.data = values_of(layer)
    others = dict(full.named_parameters())
    for name, each in four.named_parameters():
        if not isinstance(each, Params4bit):
            others[name].data = each.float()
    return len(packed)


def values_of(layer: Any) -> Tensor:
    """What a settled 4-bit layer or table computes with, in float32."""
    if isinstance(layer, tables.TableLookUp | tables.TableHead):
        return tables.unpacked(layer.weight, 0, tables.shape_of(layer.weight)[0], torch.float32)
    values: Tensor = layer.values.float()
    return values


def cosine(one: Tensor, other: Tensor) -> float:
    """Of two vectors of logits."""
    return float(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0))


def resharded(folder: Path, root: Path, shards: int = 3) -> Path:
    """A copy of the checkpoint whose tensors lie in several files with an index."""
    copy = Path(shutil.copytree(folder, root / folder.name))
    tensors = load_file(copy / weights.SINGLE)
    (copy / weights.SINGLE).unlink()
    places = {name: f"model-{at % shards}.safetensors" for at, name in enumerate(tensors)}
    for file in set(places.values()):
        part = {name: each for name, each in tensors.items() if places[name] == file}
        save_file(part, copy / file, metadata={"format": "pt"})
    (copy / weights.INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return copy
