"""What kernels are told, as the structures of `cuda/`."""

import ctypes
from collections.abc import Iterator
from ctypes import c_float, c_int, c_void_p

import torch
from torch import Tensor

from cxr_demo.decoding.fused.parts import Decoder, Matrix, Nf4, Norm

NO_ADD, ADD, ADD_NORMED = 0, 1, 2  # cuda/common.cu: enum Add


class Unsuited(Exception):
    """The kernels do not fit these shapes; the detail says which."""


class Input(ctypes.Structure):
    """cuda/common.cu: Input."""

    _fields_ = (
        *((name, c_void_p) for name in ("x", "y", "x_out", "y_weight", "weight", "bias")),
        ("y_eps", c_float),
        ("eps", c_float),
    )


class Piece(ctypes.Structure):
    """cuda/product.cu: Piece."""

    _fields_ = (
        *((name, c_void_p) for name in ("values", "scales", "scales2", "bias")),
        ("offset", c_float),
        ("rows", c_int),
    )


def add_of(y: Tensor | None, y_norm: Norm | None) -> int:
    """Whether `y` is added to the residual stream, and whether it is normed before."""
    if y is None:
        return NO_ADD
    return ADD if y_norm is None else ADD_NORMED


def filled(x: Tensor, y: Tensor | None, out: Tensor, y_norm: Norm | None, norm: Norm) -> Input:
    """x + y (normed by `y_norm`) -> `out`, which `norm` then norms."""
    made = Input(x=x.data_ptr(), x_out=out.data_ptr(), weight=norm.weight.data_ptr(), eps=norm.eps)
    made.y = None if y is None else y.data_ptr()
    made.bias = None if norm.bias is None else norm.bias.data_ptr()
    if y_norm is not None:
        made.y_weight, made.y_eps = y_norm.weight.data_ptr(), y_norm.eps
    return made


def piece(matrix: Matrix, first_row: int = 0, rows: int | None = None) -> Piece:
    """Rows of one linear layer, all of them if not told otherwise."""
    count = matrix.rows - first_row if rows is None else rows
    bias = None if matrix.bias is None else matrix.bias[first_row:].data_ptr()
    found = matrix.values
    if isinstance(found, Tensor):
        return Piece(found[first_row:].data_ptr(), None, None, bias, 0.0, count)
    # The outer scales stay whole: blocks are counted from `first_row` on only in whole groups.
    start = first_row * matrix.columns
    if start % (64 * 256):
        raise Unsuited(f"rows of 4 bits from {first_row} on")
    places = (
        found.packed.data_ptr() + start // 2,
        found.scales.data_ptr() + start // 64,
        found.outer.data_ptr() + start // (64 * 256) * 4,
    )
    return Piece(*places, bias, found.offset, count)


def pairs_of(decoder: Decoder) -> Tensor:
    """(256,) int32: the two levels that a byte of NF4 stands for, in bfloat16, the first in the
    lower half. Empty without NF4."""
    levels = levels_of(decoder)
    if not len(levels):
        return torch.empty(0, dtype=torch.int32)
    byte = torch.arange(256, device=levels.device)
    both = levels.to(torch.bfloat16)[torch.stack([byte >> 4, byte & 15], -1)]
    return both.contiguous().view(torch.int32)[:, 0]


def codes_of(decoder: Decoder) -> Tensor:
    """(256,) float32: what the codes of NF4's scales stand for. Empty without NF4. Raises Unsuited
    if two layers differ."""
    first = torch.empty(0)
    for found in _nf4(decoder):
        if len(first) and found.codes.data_ptr() != first.data_ptr():
            if not torch.equal(found.codes, first):
                raise Unsuited("scales with different codes")
            continue
        first = found.codes
    return first.float().contiguous()


def levels_of(decoder: Decoder) -> Tensor:
    """(16,) float32: what the codes of NF4 stand for. Empty without NF4."""
    return next((each.levels.float().contiguous() for each in _nf4(decoder)), torch.empty(0))


def _nf4(decoder: Decoder) -> Iterator[Nf4]:
    for layer in decoder.layers:
        for each in (layer.q, layer.k, layer.v, layer.o, layer.gate, layer.up, layer.down):
            if each is not None and isinstance(each.values, Nf4):
                yield each.values
    if isinstance(decoder.head.values, Nf4):
        yield decoder.head.values
