"""Products of the language models' 4-bit layers with few rows: every kernel there is, and bf16.

Times are those of a CUDA graph over copies of the layer that together do not fit the GPU's caches.
Errors are relative to the product with the values that the 4 bits stand for, in float32.
"""

from collections.abc import Callable
from typing import Any

from cxr_demo.models.loading import STORAGE  # isort: skip  (first: it bars `kernels`)

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import Tensor, nn

from benchmarks import checkpoints
from benchmarks.speed import clock
from benchmarks.speed.settings import Size
from cxr_demo.records import Precision

OUTSIDE_CACHES = 400 * 1024**2
"""Bytes of all copies of one layer; the L2 of an H200 holds 50 MiB."""
ROWS = (1, 8, 64, 128)
"""Sequences that go on by a token at once."""
ROUNDS = 7

Product = Callable[[Tensor], Tensor]


def measure(model: str, device: str, size: Size, tiny: bool = False) -> dict[str, Any]:
    """Every distinct shape of the language model's layers at every number of rows."""
    place = torch.device(device)
    products = [
        _of_shape(shape, rows, place, tiny)
        for shape in shapes(model, tiny)
        for rows in (ROWS[:2] if tiny else ROWS)
    ]
    return {"bandwidth": clock.copy_bandwidth(place, size.copied), "products": products}


def shapes(model: str, tiny: bool) -> list[tuple[int, int]]:
    """(outputs, inputs) of the language model's linear layers, each once, largest last."""
    found = {
        (shape[0], shape[1])
        for name, shape in checkpoints.layout(model, tiny).shapes.items()
        if len(shape) == 2 and ".layers." in name and not name.startswith(_OTHER)
    }
    return sorted(found, key=lambda shape: shape[0] * shape[1])


_OTHER = ("vision", "qformer.", "model.visual.")


def _of_shape(shape: tuple[int, int], rows: int, place: torch.device, tiny: bool) -> dict[str, Any]:
    outputs, inputs = shape
    generator = torch.Generator(place).manual_seed(1)
    copies = 2 if tiny else max(2, OUTSIDE_CACHES // (outputs * inputs // 2))
    weight = torch.randn(shape, generator=generator, device=place, dtype=torch.bfloat16)
    weight *= inputs**-0.5
    given = torch.randn(rows, inputs, generator=generator, device=place, dtype=torch.bfloat16)
    layers = [_packed(weight) for _ in range(copies)]
    exact = given.float() @ _values(layers[0]).float().T
    found: dict[str, Any] = {"outputs": outputs, "inputs": inputs, "rows": rows, "by": {}}
    for name, make in products(rows).items():
        runs = [make(layer) for layer in layers]
        error = float((runs[0](given).float() - exact).abs().max() / exact.abs().max())
        seconds = clock.kernels([lambda run=run: run(given) for run in runs], place, ROUNDS)
        found["by"][name] = {"seconds": seconds, "error": error}
        del runs
    full = [_values(layers[0]) for _ in range(max(2, copies // 4))]
    runs = [lambda each=each: nn.functional.linear(given, each) for each in full]
    error = float((runs[0]().float() - exact).abs().max() / exact.abs().max())
    found["by"]["bf16"] = {"seconds": clock.kernels(runs, place, ROUNDS), "error": error}
    return found


def products(rows: int) -> dict[str, Callable[[Linear4bit], Product]]:
    """Ways to multiply `rows` rows with a 4-bit layer, by name."""
    return {"bitsandbytes": lambda layer: layer}


def _packed(weight: Tensor) -> Linear4bit:
    settings: Any = STORAGE[Precision.NF4].four_bits
    layer = Linear4bit(
        weight.shape[1],
        weight.shape[0],
        bias=False,
        compute_dtype=settings.bnb_4bit_compute_dtype,
        compress_statistics=settings.bnb_4bit_use_double_quant,
        quant_type=settings.bnb_4bit_quant_type,
        quant_storage=settings.bnb_4bit_quant_storage,
        device="meta",
    )
    before: Any = layer.weight
    packed: Any = Params4bit(weight.clone(), **before.__dict__)
    layer.weight = packed.to(weight.device)
    return layer.requires_grad_(False)


def _values(layer: Linear4bit) -> Tensor:
    weight: Any = layer.weight
    return dequantize_4bit(weight, weight.quant_state).to(torch.bfloat16)
