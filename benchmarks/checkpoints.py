"""Checkpoints as published, with random weights: `python -m benchmarks.checkpoints MODEL FOLDER`.

Same configuration, shards, tensor names and vocabulary as the real thing, so that loading, memory
and speed can be measured where the real weights cannot be had. Marked STAND-IN, inside and out.
"""

import argparse
import dataclasses
import functools
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks import layouts, tokenizers_standin
from benchmarks.layouts import Layout, Shapes
from cxr_demo.weights import INDEX, SINGLE, STAND_IN

_MARK = (
    "The weights in this folder are random numbers. They have the shapes and names of a published "
    "checkpoint and nothing else of it. Text that comes from them means nothing.\n"
)


@functools.cache
def layout(model: str, tiny: bool = False) -> Layout:
    """The published layout of card `model`. Raises KeyError for a model that has none."""
    return _LAYOUTS[model](tiny)


def write(
    model: str, folder: Path, tiny: bool = False, seed: int = 0, dtype: torch.dtype | None = None
) -> Layout:
    """Write a stand-in checkpoint of card `model` into `folder` (made if missing); `dtype` stores
    its tensors in another type than the published one.

    Shards are drawn and written one after the other, so host memory holds one shard; where there
    is a GPU the numbers are drawn there. The same seed gives the same file on the same device."""
    found = layout(model, tiny)
    if dtype is not None:
        found = dataclasses.replace(found, dtype=dtype)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAND_IN).write_text(_MARK)
    _write_json(folder / "config.json", {"stand_in": True, **found.config})
    _write_json(folder / "generation_config.json", found.generation)
    _write_json(folder / "preprocessor_config.json", found.images)
    _write_tokenizer(model, folder, tiny, found)
    _write_shards(found, folder, seed)
    return found


def _write_tokenizer(model: str, folder: Path, tiny: bool, found: Layout) -> None:
    size = found.config["text_config"]["vocab_size"]
    if model == "chexagent-2-3b":
        tokenizers_standin.write_codegen(folder, size)
    elif model == "chexagent-8b":
        tokenizers_standin.write_llama(folder, size)
    elif tiny:
        tokenizers_standin.write_gemma(folder, size)
    else:
        tokenizers_standin.write_gemma(folder)


def _write_shards(found: Layout, folder: Path, seed: int) -> None:
    shards = list(split(found))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator(device).manual_seed(seed)
    places: dict[str, str] = {}
    for number, shapes in enumerate(shards, start=1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors" if len(shards) > 1 else SINGLE
        tensors = {key: draw(found, key, shape, generator) for key, shape in shapes.items()}
        save_file(tensors, folder / name, metadata={"format": "pt"})
        places |= dict.fromkeys(shapes, name)
    if len(shards) > 1:
        total = found.parameters * found.dtype.itemsize
        _write_json(
            folder / INDEX,
            {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))},
        )


def split(found: Layout) -> Iterator[Shapes]:
    """Tensors in order, cut into shards of at most `shard_bytes`, as publishers' tools do."""
    shard: Shapes = {}
    filled = 0
    for name, shape in found.shapes.items():
        size = math.prod(shape) * found.dtype.itemsize
        if shard and filled + size > found.shard_bytes:
            yield shard
            shard, filled = {}, 0
        shard[name] = shape
        filled += size
    yield shard


def draw(found: Layout, name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Random weights on the CPU that keep activations near one: linears N(0, 1 / fan-in), norms
    near one, small biases."""
    mean, deviation = _distribution(found, name, shape)
    drawn = torch.empty(shape, dtype=found.dtype, device=generator.device)
    drawn.normal_(mean, deviation, generator=generator)
    return drawn.cpu()


def _distribution(found: Layout, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Mean and deviation of one tensor.

    Gemma's norms after blocks, and of queries and keys, are larger: with tied embeddings and flat
    attention the last token's own embedding would win every step, and the reply would repeat it
    for ever. With these values tiny replies of 100 tokens hold about 90 different ones."""
    if name.endswith("bias"):
        return 0.0, 0.02
    if len(shape) == 1:
        if not name.startswith(found.zero_centred_norms):
            return 1.0, 0.05
        return _LOUDER.get(name.split(".")[-2], 0.0), 0.05
    fan_in = shape[0] if name.endswith("mm_input_projection_weight") else math.prod(shape[1:])
    return 0.0, fan_in**-0.5


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


_LOUDER = {
    "post_attention_layernorm": 3.0,
    "post_feedforward_layernorm": 3.0,
    "q_norm": 1.0,
    "k_norm": 1.0,
}
_LAYOUTS = {
    "medgemma-4b-it": layouts.medgemma,
    "medgemma-1.5-4b-it": layouts.medgemma,
    "chexagent-2-3b": layouts.chexagent_2,
    "chexagent-8b": layouts.chexagent_8b,
}


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="benchmarks.checkpoints", description=__doc__)
    parser.add_argument("model", choices=_LAYOUTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true", help="the same layout in a few megabytes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--dtype", choices=("bfloat16", "float32"), help="stored type, if not the published"
    )
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    dtype = getattr(torch, chosen.dtype) if chosen.dtype else None
    found = write(chosen.model, chosen.folder, chosen.tiny, chosen.seed, dtype)
    print(f"{chosen.folder}: {found.parameters:,} parameters in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
