"""4-bit layers on a processor. The values are a GPU's; only where they are unpacked differs.

bitsandbytes unpacks a layer's weights anew for every token, which takes several times as long as
the product itself. A small model's weights are therefore unpacked once; a large one's stay packed,
because memory is what 4 bits are for. Two things in bitsandbytes 0.50.2 are kept away from, so that
every processor computes with the values that the 4 bits stand for, as a GPU does. Its AVX-512
product rounds the scales to bfloat16; and its unpacking starts a new block at every row, which is
wrong for rows that are no multiple of a block, such as MedGemma's 4304 (a test would find it).
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from cxr_demo.models.four_bits import Linear4bit, dequantize_4bit, dequantize_blockwise

SMALL = 512 * 1024**2
"""Bytes of all unpacked 4-bit layers up to which a model counts as small."""


class UnpackedLinear4bit(nn.Module):
    """A 4-bit layer whose values were computed once, in the type that the layer computes in.
    (..., in) -> (..., out)."""

    values: Tensor

    def __init__(self, packed: Linear4bit) -> None:
        super().__init__()
        self.in_features, self.out_features = packed.in_features, packed.out_features
        self.register_buffer("values", _unpack(packed), persistent=False)
        self.bias = packed.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """As the packed layer computes it, and back in the type of `inputs`."""
        dtype = self.values.dtype
        bias = None if self.bias is None else self.bias.to(dtype)
        return nn.functional.linear(inputs.to(dtype), self.values, bias).to(inputs.dtype)


def settle(model: nn.Module) -> None:
    """Prepare the 4-bit layers of `model`, on the CPU, for reading."""
    layers = {name: each for name, each in model.named_modules() if isinstance(each, Linear4bit)}
    size = sum(2 * each.in_features * each.out_features for each in layers.values())
    for name, layer in layers.items():
        if size <= SMALL or layer.in_features % _state(layer).blocksize:
            model.set_submodule(name, UnpackedLinear4bit(layer))
        else:
            layer.support_avx512bf16_for_cpu = False
            _flatten_scales(_state(layer))


def _unpack(layer: Linear4bit) -> Tensor:
    state = copy.copy(_state(layer))
    rows_and_columns = state.shape
    state.shape = torch.Size([1, rows_and_columns.numel()])  # one row: blocks lie end to end
    state.dtype = layer.compute_dtype or torch.bfloat16
    return dequantize_4bit(layer.weight, state).reshape(rows_and_columns)


def _state(layer: Linear4bit) -> Any:
    weight: Any = layer.weight  # a Params4bit, declared as a tensor
    return weight.quant_state


def _flatten_scales(state: Any) -> None:
    # Double quantisation's outer level, undone once instead of for every token: the same numbers.
    if state.nested:
        state.absmax = dequantize_blockwise(state.absmax, state.state2) + state.offset
        state.nested, state.state2, state.offset = False, None, None
