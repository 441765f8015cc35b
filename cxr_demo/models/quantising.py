"""Values to 4 bits, bit for bit as bitsandbytes makes them, part by part where the whole would take
much memory: a vocabulary's table, and on a processor every layer.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from cxr_demo.models.four_bits import Params4bit, QuantState, get_4bit_type, quantize_blockwise

BLOCK = 64
"""Values that share a scale."""
PART = 64 * 1024
"""Values that a processor quantises at a time. bitsandbytes takes some 20 bytes for each meanwhile;
where these stay in its caches that is four times as fast as for a whole layer."""
NESTED = 256
"""Scales that share a scale of theirs."""


def packed(empty: Params4bit, tensor: Tensor, dtype: torch.dtype) -> Any:
    """`tensor` as `empty`, still without values, says; `dtype` is what bitsandbytes remembers and
    unpacks to."""
    settings: Any = empty
    kind = settings.quant_type, settings.compress_statistics, settings.blocksize
    by_parts = kind == ("nf4", True, BLOCK) and tensor.numel() % BLOCK == 0
    if tensor.device.type == "cpu" and by_parts:
        shape = tensor.shape[0], tensor.shape[1]
        made: Any = quantised([tensor], shape, settings.quant_storage, tensor.device, dtype)
        made.module = settings.module
        if made.module is not None:
            made.module.quant_state = made.quant_state  # as bitsandbytes leaves it
        return made
    whole: Any = Params4bit(tensor.to(dtype), **empty.__dict__)
    return whole.to(tensor.device)  # moving is what quantises


def quantised(
    parts: Iterable[Tensor],
    shape: tuple[int, int],
    storage: torch.dtype,
    device: torch.device,
    dtype: torch.dtype = torch.bfloat16,
) -> Params4bit:
    """NF4 with double quantisation of a matrix that comes as `parts`, consecutive rows on any
    device: bit for bit what bitsandbytes makes of the whole, with one part on `device` at a time.
    `dtype` is what it is unpacked to.

    `parts` hold whole blocks, which rows of a multiple of 64 values do."""
    count = shape[0] * shape[1]
    codes = torch.empty(count // 2, dtype=torch.uint8, device=device)
    scales = torch.empty(count // BLOCK, device=device)
    first = 0
    for part in _pieces(parts, device):
        made = torch.ops.bitsandbytes.quantize_4bit.default(part, BLOCK, "nf4", torch.uint8)
        last = first + part.numel()
        codes[first // 2 : last // 2] = made[0].view(-1)
        scales[first // BLOCK : last // BLOCK] = made[1].view(-1)
        first = last
    offset = scales.mean()
    levels, outer = quantize_blockwise(scales - offset, blocksize=NESTED)
    state = QuantState(
        absmax=levels,
        shape=torch.Size(shape),
        dtype=dtype,
        blocksize=BLOCK,
        code=get_4bit_type("nf4", device=device),
        quant_type="nf4",
        offset=offset,
        state2=outer,
    )
    packed = codes.view(storage).view(-1, 1)
    return Params4bit(packed, quant_state=state, quant_storage=storage, bnb_quantized=True)


def _pieces(parts: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    for part in parts:
        there = part.to(device)
        if device.type == "cpu":
            yield from there.reshape(-1).split(PART)
        else:
            yield there
