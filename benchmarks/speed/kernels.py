"""The parts of a decode step, each over all layers: the engine's kernels beside the native modules.

Times are those of a CUDA graph that runs one part in every layer, so that no launch counts and no
cache holds the weights. Errors are relative to the product with the very weights in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.speed import clock
from benchmarks.speed.settings import Size
from benchmarks.speed.stock import Stock
from cxr_demo.decoding.fused.batch import BatchOperations
from cxr_demo.decoding.fused.parts import Decoder, Layer, Matrix, Nf4
from cxr_demo.decoding.fused.single import SingleOperations
from cxr_demo.decoding.fused.twin import TwinOperations, unpacked
from cxr_demo.decoding.slots import SlotCache

ROWS = (1, 64, 128)
"""Sequences that go on by a token at once."""
ROOM, SEEN = 832, 352
"""Columns of the cache, and those in use: MedGemma's prompt and half a reply."""
ROUNDS = 7
_NATIVE = {
    "q": ("self_attn.q_proj",),
    "k": ("self_attn.k_proj",),
    "v": ("self_attn.v_proj",),
    "o": ("self_attn.o_proj", "self_attn.dense"),
    "gate": ("mlp.gate_proj",),
    "up": ("mlp.up_proj", "mlp.fc1"),
    "down": ("mlp.down_proj", "mlp.fc2"),
}


@dataclass(frozen=True)
class Part:
    """`run(index)` computes this part of layer `index`; `matrices` are the layer's fields that it
    reads. `given`: the input, where the output is one product and nothing else."""

    name: str
    matrices: tuple[str, ...]
    run: Callable[[int], Any]
    given: Tensor | None = None


@torch.no_grad()
def measure(model: Any, stock: Stock, size: Size) -> dict[str, Any]:
    """Every part at every number of rows. Seconds are those of one layer."""
    decoder: Decoder = model._network.describe()
    found = []
    for rows in ROWS[:2] if stock.device.type == "cpu" else ROWS:
        operations = _operations(decoder, rows, stock.device)
        inputs = _Inputs(decoder, rows, stock)
        for part in _parts(operations, decoder, inputs, model._network):
            found.append({"part": part.name, "rows": rows, **_of_part(part, decoder, stock, rows)})
    return {"bandwidth": clock.copy_bandwidth(stock.device, size.copied), "parts": found}


def _operations(decoder: Decoder, rows: int, device: torch.device) -> Any:
    if device.type == "cpu":
        return TwinOperations(decoder)
    if rows == 1:
        return SingleOperations(decoder, device)
    return BatchOperations(decoder, rows, device)


class _Inputs:
    """Random ones of each width, about one in size."""

    def __init__(self, decoder: Decoder, rows: int, stock: Stock) -> None:
        generator = torch.Generator(stock.device).manual_seed(1)

        def drawn(columns: int) -> Tensor:
            return torch.randn(
                (rows, columns), generator=generator, device=stock.device, dtype=stock.dtype
            )

        layer = decoder.layers[0]
        self.x, self.y = drawn(decoder.hidden), drawn(decoder.hidden)
        self.attended, self.middle = drawn(layer.o.columns), drawn(layer.down.columns)


def _parts(operations: Any, decoder: Decoder, given: _Inputs, network: Any) -> list[Part]:
    beside = decoder.layers[0].before_mlp is None
    cache = SlotCache(
        network.layers, len(given.x), ROOM, network.window, network.dtype, network.device
    )
    cache.lengths.fill_(SEEN)
    operations.begin(cache)
    entered = operations.enter(given.x, given.y, 1)
    first = ("q", "k", "v", "up") if beside else ("q", "k", "v")
    found = [
        Part(", ".join(first), first, lambda at: operations.enter(given.x, given.y, at)),
        Part("attention", (), lambda at: operations.attend(entered, cache, at)),
    ]
    if beside:
        joined = Part(
            "o + down",
            ("o", "down"),
            lambda at: operations.join(given.attended, given.middle, at),
        )
        return [*found, joined]
    return [
        *found,
        Part("o", ("o",), lambda at: operations.out(given.attended, at), given.attended),
        Part("gate, up", ("gate", "up"), lambda at: operations.middle(given.x, given.y, at)),
        Part("down", ("down",), lambda at: operations.down(given.middle, at), given.middle),
    ]


def _of_part(part: Part, decoder: Decoder, stock: Stock, rows: int) -> dict[str, Any]:
    layers = range(1, len(decoder.layers))  # the first one's beginning adds nothing
    runs = [lambda at=at: part.run(at) for at in layers]
    found: dict[str, Any] = {
        "bytes": sum(_bytes(getattr(decoder.layers[1], each)) for each in part.matrices),
        "seconds": clock.kernels(runs, stock.device, ROUNDS),
        "error": None,
        "native_seconds": None,
        "native_error": None,
    }
    if part.matrices:
        native = [_native(part, stock, at, rows) for at in layers]
        found["native_seconds"] = clock.kernels(native, stock.device, ROUNDS)
    if part.given is not None:
        exact = _exact(decoder.layers[1], part.matrices[0], part.given)
        found["error"] = _error(part.run(1), exact)
        module = _module(stock.body.layers[1], part.matrices[0])
        found["native_error"] = _error(module(part.given), exact)
    return found


def _native(part: Part, stock: Stock, at: int, rows: int) -> Callable[[], Any]:
    modules = [_module(stock.body.layers[at], each) for each in part.matrices]
    given = {
        each.in_features: torch.ones(
            (rows, each.in_features), dtype=stock.dtype, device=stock.device
        )
        for each in modules
    }
    return lambda: [each(given[each.in_features]) for each in modules]


def _module(layer: Any, matrix: str) -> Any:
    for name in _NATIVE[matrix]:
        owner, _, attribute = name.partition(".")
        if hasattr(getattr(layer, owner), attribute):
            return getattr(getattr(layer, owner), attribute)
    raise KeyError(matrix)


def _exact(layer: Layer, matrix: str, given: Tensor) -> Tensor:
    found: Matrix = getattr(layer, matrix)
    bias = None if found.bias is None else found.bias.float()
    return functional.linear(given.float(), unpacked(found, torch.float32).float(), bias)


def _error(ours: Tensor, exact: Tensor) -> float:
    return float((ours.float() - exact).abs().max() / exact.abs().max())


def _bytes(matrix: Matrix) -> int:
    values = matrix.values
    if isinstance(values, Nf4):
        return values.packed.nbytes + values.scales.nbytes + values.outer.nbytes
    return values.nbytes
