"""Windows' driver moves what does not fit into main memory, without a word, and a reading becomes
fifty times slower. There torch's allocator is kept within the memory that is free, so that too
little of it is an error with an offer, as on every other system.
"""

import sys

from cxr_demo.units import MIB

MARGIN = 256 * MIB
"""Bytes left for kernels that CUDA loads later, outside of torch's allocator."""


def keep_within_free(device: str, system: str = sys.platform) -> int | None:
    """Bound torch's allocator on `device` ("cuda:0") by what is free on it now, where `system`
    spills; the bytes that it may have, or None where nothing was bounded. Call before each load:
    what is free changes."""
    if system != "win32" or device == "cpu":
        return None
    import torch

    free, total = torch.cuda.mem_get_info(device)
    allowed = max(0, free + torch.cuda.memory_reserved(device) - MARGIN)
    torch.cuda.set_per_process_memory_fraction(min(1.0, allowed / total), device)
    return allowed
