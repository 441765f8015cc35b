"""What compressed image data says of itself, read before it is decoded.

Decoders believe the compressed stream, not the DICOM header: JPEG 2000 is decoded in full before
anyone compares sizes, and a run-length segment unpacks to 64 times its bytes.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise

from cxr_demo.studies.errors import FileDamaged, SizesDisagree, SyntaxUnsupported
from cxr_demo.studies.syntax import Syntax

_MAX_TILES = 4096
_FRAME_MARKERS = (*(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}), 0xF7)


@dataclass(frozen=True)
class StreamSize:
    """Rows, columns, components and bits per component of a compressed stream; for JPEG also the
    frame header's marker, which tells the process."""

    rows: int
    columns: int
    components: int
    bits: int
    marker: int = 0


def check(frame: bytes, syntax: Syntax, rows: int, columns: int, samples: int, bits: int) -> None:
    """Refuse a compressed `frame` that is not what the header says (`bits` allocated per sample).

    Raises SizesDisagree, FileDamaged, or SyntaxUnsupported for JPEG Extended with 12 bits.
    """
    if syntax.family == "rle":
        _check_rle(frame, rows * columns, samples * bits // 8)
        return
    size = jpeg2000_size(frame) if syntax.family == "j2k" else jpeg_size(frame)
    if syntax.name == "JPEG Extended" and size.bits != 8:
        raise SyntaxUnsupported(syntax="JPEG Extended, 12 bits")
    if (size.rows, size.columns, size.components) != (rows, columns, samples) or size.bits > bits:
        raise SizesDisagree()


def jpeg2000_size(stream: bytes) -> StreamSize:
    """From the SIZ segment of a JPEG 2000 code stream, bare or in a JP2 box."""
    start = stream[:4096].find(b"\xff\x4f\xff\x51")
    if start < 0 or len(stream) < start + 44:
        raise FileDamaged(format="JPEG 2000")
    right, lower, left, upper, tile_width, tile_height = struct.unpack_from(
        ">6I", stream, start + 8
    )
    components = struct.unpack_from(">H", stream, start + 40)[0]
    columns, rows = right - left, lower - upper
    if min(columns, rows, tile_width, tile_height, components) < 1:
        raise FileDamaged(format="JPEG 2000")
    if -(-right // tile_width) * -(-lower // tile_height) > _MAX_TILES:
        raise SizesDisagree()
    return StreamSize(rows, columns, components, (stream[start + 42] & 0x7F) + 1)


def jpeg_size(stream: bytes) -> StreamSize:
    """From the frame header of a JPEG or JPEG-LS stream."""
    if stream[:2] != b"\xff\xd8":
        raise FileDamaged(format="JPEG")
    at = 2
    while at + 10 <= len(stream):
        if stream[at] != 0xFF:
            break
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAME_MARKERS:
            bits, rows, columns, components = struct.unpack_from(">BHHB", stream, at + 4)
            return StreamSize(rows, columns, components, bits, marker)
        at += 2 + struct.unpack_from(">H", stream, at + 2)[0]
    raise FileDamaged(format="JPEG")


def _check_rle(frame: bytes, pixels: int, planes: int) -> None:
    """PS3.5 annex G: one segment per byte plane, in order, each unpacking to `pixels` bytes."""
    if len(frame) < 64:
        raise FileDamaged(format="RLE")
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != planes:
        raise SizesDisagree()
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] != 64 or any(a >= b for a, b in pairwise(bounds)):
        raise FileDamaged(format="RLE")
    for start, end in pairwise(bounds):
        unpacked = _unpacked_length(frame, start, end, pixels + 1)
        if unpacked < pixels:
            raise FileDamaged(format="RLE")
        if unpacked > pixels + 1:
            raise SizesDisagree()


def _unpacked_length(frame: bytes, start: int, end: int, limit: int) -> int:
    """Bytes that a segment unpacks to; counting stops above `limit`."""
    total = 0
    while start < end - 1 and total <= limit:
        head = frame[start]
        if head < 128:
            total += head + 1
            start += head + 2
        else:
            total += 257 - head if head > 128 else 0
            start += 2 if head > 128 else 1
    return total
