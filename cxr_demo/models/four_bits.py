"""What is used of bitsandbytes, brought in without torch's compiler.

While it is imported it hands a few functions to `torch.compile`: steps of optimizers, and an
unpacking that processors need for odd shapes. That loads the whole compiler, a second and 40 MB in
every process that holds a model. The functions work as they are.
"""

from typing import Any

import torch


def _as_it_is(function: Any = None, **_options: Any) -> Any:
    return _as_it_is if function is None else function


_compile = torch.compile
torch.compile = _as_it_is  # type: ignore[assignment]
try:
    from bitsandbytes import matmul_4bit
    from bitsandbytes.functional import (
        QuantState,
        dequantize_4bit,
        dequantize_blockwise,
        get_4bit_type,
        quantize_blockwise,
    )
    from bitsandbytes.nn import Linear4bit, Params4bit
finally:
    torch.compile = _compile

__all__ = [
    "Linear4bit",
    "Params4bit",
    "QuantState",
    "dequantize_4bit",
    "dequantize_blockwise",
    "get_4bit_type",
    "matmul_4bit",
    "quantize_blockwise",
]
