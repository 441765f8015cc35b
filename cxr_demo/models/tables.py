"""A vocabulary's table, (V, D), as it is stored: in 4 bits or in bfloat16. It is looked up by rows
and read whole as the output head, in the type that the model computes in.

    ids -> rows asked for, unpacked -> embeddings      hidden -> 4-bit product, or slices of rows
                          └──────── one stored weight ────────┘

Where look-up and head are tied they hold the same parameter, so the table is never there twice.
"""

from typing import Any

import torch
from torch import Tensor, nn

from cxr_demo.errors import WeightsRefused, both
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.four_bits import Params4bit, matmul_4bit
from cxr_demo.models.quantising import BLOCK, NESTED

SLICE = 16_384
"""Rows that are quantised at a time: 84 MB of bfloat16 for MedGemma's table."""
UNPACKED = 32 * 1024**2
"""Bytes of a table that are unpacked at a time, to be multiplied: they fit a large GPU's cache."""
FUSED_ROWS = 4 if hasattr(torch.ops.bitsandbytes, "gemm_4bit") else 1
"""Up to so many rows bitsandbytes multiplies without unpacking all of a weight first."""


class TableLookUp(nn.Module):
    """Stands for a model's `embed_tokens`, and holds its parameter: (B, T) ids -> (B, T, D) in
    `compute_dtype`, times `scale` (Gemma's square root of D)."""

    def __init__(self, weight: Tensor, dtype: torch.dtype, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.compute_dtype = dtype
        # Rounded to the type of the published values, as transformers does.
        self.scale = torch.tensor(scale, dtype=torch.bfloat16, device="cpu").item()

    def forward(self, ids: Tensor) -> Tensor:
        """Only the rows asked for are unpacked."""
        found = rows(self.weight, ids.reshape(-1), self.compute_dtype)
        scaled = found if self.scale == 1 else found * self.scale
        return scaled.reshape(*ids.shape, found.shape[-1])


class TableHead(nn.Module):
    """Stands for a model's `lm_head`: (..., D) -> logits (..., V) in `compute_dtype`."""

    def __init__(self, weight: Tensor, dtype: torch.dtype, bias: Any = None) -> None:
        super().__init__()
        self.weight = weight
        self.bias = bias
        self.compute_dtype = dtype

    def forward(self, hidden: Tensor) -> Tensor:
        """A few rows by the 4-bit product; more, or another store, slice by slice."""
        hidden = hidden.to(self.compute_dtype)
        state = getattr(self.weight, "quant_state", None)
        few = hidden.numel() <= FUSED_ROWS * hidden.shape[-1]
        if state is not None and few and hidden.device.type == "cuda":
            return matmul_4bit(hidden, self.weight.t(), quant_state=state)
        # No slice has a name: it is gone before the next one is unpacked.
        parts = [
            nn.functional.linear(hidden, unpacked(self.weight, first, last, hidden.dtype))
            for first, last in slices(self.weight, hidden.dtype)
        ]
        logits = torch.cat(parts, dim=-1)
        return logits if self.bias is None else logits + self.bias.to(logits.dtype)


def scale_of(look_up: Any) -> float:
    """By what a look-up of transformers' multiplies its rows: Gemma's by the root of D."""
    return float(look_up.embedding_dim**0.5) if hasattr(look_up, "embed_scale") else 1.0


def rows(weight: Tensor, ids: Tensor, dtype: torch.dtype) -> Tensor:
    """(N,) -> (N, D): the rows `ids` of a stored table, in `dtype`."""
    state = getattr(weight, "quant_state", None)
    if state is None:
        return nn.functional.embedding(ids, weight).to(dtype)
    width = state.shape[1]
    packed = _bytes(weight, width)[ids]
    blocks = torch.arange(width // BLOCK, device=ids.device)
    at = ids[:, None] * (width // BLOCK) + blocks
    return _values(packed, _scales(state, at), state, dtype)


def shape_of(weight: Tensor) -> tuple[int, int]:
    """V and D of a stored table."""
    count, width = getattr(weight, "quant_state", weight).shape
    return count, width


def slices(weight: Tensor, dtype: torch.dtype) -> list[tuple[int, int]]:
    """The first row and the one behind the last of each slice of a stored table that is `UNPACKED`
    bytes in `dtype`, in order."""
    count, width = shape_of(weight)
    height = max(1, UNPACKED // (width * dtype.itemsize))
    return [(first, min(first + height, count)) for first in range(0, count, height)]


def unpacked(weight: Tensor, first: int, last: int, dtype: torch.dtype) -> Tensor:
    """Rows `first` to `last` (not included) of a stored table, (n, D) in `dtype`."""
    state = getattr(weight, "quant_state", None)
    if state is None:
        return weight[first:last].to(dtype)
    width = state.shape[1]
    per_row = width // BLOCK
    at = torch.arange(first * per_row, last * per_row, device=weight.device)
    return _values(_bytes(weight, width)[first:last], _scales(state, at), state, dtype)


def install(
    module: nn.Module, card: ModelCard, dtype: torch.dtype, four_bits: torch.dtype | None
) -> None:
    """Put `TableLookUp` and `TableHead` that compute in `dtype`, on the meta device, in the place
    of a model's own; `four_bits` is the type that holds 4-bit values, or None to keep bfloat16.

    Raises WeightsRefused if rows are no multiple of a block, which no published model has."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.Embedding) and name.endswith("embed_tokens"):
            module.set_submodule(name, TableLookUp(layer.weight, dtype, scale_of(layer)))
        elif isinstance(layer, nn.Linear) and name.endswith("lm_head"):
            module.set_submodule(name, TableHead(layer.weight, dtype, layer.bias))
    if four_bits is not None:
        _store_in_4_bits(module, card, four_bits)


def _store_in_4_bits(module: nn.Module, card: ModelCard, storage: torch.dtype) -> None:
    made: dict[int, Params4bit] = {}
    for layer in module.modules():
        if not isinstance(layer, TableLookUp | TableHead):
            continue
        if layer.weight.shape[1] % BLOCK:
            width = layer.weight.shape[1]
            words = both(
                f"a table of {width} columns cannot be stored in 4 bits",
                f"uma tabela de {width} colunas não pode ser guardada em 4 bits",
            )
            raise WeightsRefused(model=card.name, detail=words)
        empty = Params4bit(layer.weight.data, quant_type="nf4", quant_storage=storage)
        layer.weight = made.setdefault(id(layer.weight), empty)


def _bytes(weight: Tensor, width: int) -> Tensor:
    return weight.detach().view(-1).view(torch.uint8).view(-1, width // 2)


def _scales(state: Any, at: Tensor) -> Tensor:
    """Float32 scales of the blocks `at`, any shape."""
    if not state.nested:
        found: Tensor = state.absmax[at]
        return found
    levels = state.state2.code[state.absmax[at].long()]
    scales: Tensor = levels * state.state2.absmax[at // NESTED] + state.offset
    return scales


def _values(packed: Tensor, scales: Tensor, state: Any, dtype: torch.dtype) -> Tensor:
    shape = (len(packed), packed.shape[1] * 2)
    done: Tensor = torch.ops.bitsandbytes.dequantize_4bit.default(
        packed.reshape(-1, 1), scales.reshape(-1), BLOCK, state.quant_type, shape, dtype
    )
    return done
