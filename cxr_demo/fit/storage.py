"""Bytes of a tensor in each precision, as bitsandbytes and torch's allocator place it."""

from dataclasses import dataclass

from cxr_demo.fit.architectures import Architecture
from cxr_demo.records import Precision

ROUND = 512
"""Every allocation of torch's is a multiple of so many bytes."""
BLOCK = 64
"""Weights that share one scale in 4 bits."""
OUTER = 256
"""Scales that share one outer scale in double quantisation."""
SLICE = 16_384
"""Rows of a table that are packed at a time (`models.tables`)."""
UNPACKED = 32 * 1024**2
"""Bytes of a table that are unpacked at a time (`models.tables`)."""


@dataclass(frozen=True)
class Storage:
    """One precision: whether linear layers (`packed`) and the tied table (`packs_table`) are 4-bit,
    whether scales are quantised again (`double`). Bytes per element: of tables (`table`), of other
    tensors that are not packed (`plain`), of activations, keys and values (`active`), and of a
    packed layer's weights and inputs where it multiplies (`product`). Up to `fused` rows the head
    multiplies without unpacking slices of its table; None: it has nothing to unpack."""

    packed: bool
    double: bool = False
    packs_table: bool = False
    table: int = 2
    plain: int = 2
    active: int = 2
    product: int = 2
    fused: int | None = None


STORAGES: dict[Precision, Storage] = {
    Precision.BF16: Storage(packed=False),
    Precision.NF4: Storage(packed=True, double=True),
    Precision.NF4_EMB: Storage(packed=True, double=True, packs_table=True, fused=4),
    Precision.NF4_FP32: Storage(packed=True, double=True, plain=4, active=4, product=4, fused=0),
    Precision.BNB4_DEFAULT: Storage(packed=True, product=4),
}


def weights(architecture: Architecture, storage: Storage) -> int:
    """Bytes of all tensors on the device."""
    linears = sum(
        count * tensor(rows * columns, storage, storage.packed, storage.plain)
        for _, rows, columns, count in architecture.linears
    )
    packs_table = storage.packs_table and architecture.tied
    tables = sum(
        count * tensor(rows * columns, storage, packs_table, storage.table)
        for _, rows, columns, count in architecture.tables
    )
    plain = sum(count for _, count in architecture.plain) * storage.plain
    return linears + tables + plain


def tensor(elements: int, storage: Storage, packed: bool, width: int) -> int:
    """Bytes of one tensor: with its scales if it is packed, else with `width` an element."""
    return packed_bytes(elements, storage.double) if packed else rounded(elements * width)


def packed_bytes(elements: int, double: bool) -> int:
    """Bytes of a 4-bit tensor: two weights a byte, the table of 16 values, a scale per block; and
    with `double`, scales of one byte, their outer scales in fp32, their mean and their code."""
    blocks = -(-elements // BLOCK)
    own = rounded(-(-elements // 2)) + rounded(16 * 4)
    if not double:
        return own + rounded(blocks * 4)
    outer = rounded(-(-blocks // OUTER) * 4) + rounded(4)
    return own + rounded(blocks) + outer


def rounded(size: int) -> int:
    """`size` as torch's allocator hands it out."""
    return -(-size // ROUND) * ROUND
