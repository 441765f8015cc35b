"""PNG with 16 bits per channel and more than one channel, which Pillow would cut to 8 bits.

PNG (ISO/IEC 15948) codes every byte as the difference to a guess made from its left, upper and
upper left neighbours. A row depends on the one above and a pixel on the one before, so the picture
is decoded along its anti-diagonals, each of which is one step of numpy: under a microsecond a
pixel, where a plain loop takes several.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cxr_demo.studies.errors import FileDamaged, SyntaxUnsupported

_CHANNELS = {2: 3, 4: 2, 6: 4}
"""Colour type -> channels, for the types that Pillow does not keep at 16 bits."""


def is_deep_colour(data: bytes) -> bool:
    """Whether `data` is a PNG of 16 bits with colour or transparency."""
    return data[12:16] == b"IHDR" and len(data) > 29 and data[24] == 16 and data[25] in _CHANNELS


def read(data: bytes) -> NDArray[np.uint16]:
    """(H, W) or (H, W, 3) uint16; transparency is shown as on a dark screen.

    Raises FileDamaged, and SyntaxUnsupported for interlaced files.
    """
    columns, rows, _, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if interlaced:
        raise SyntaxUnsupported(syntax="PNG, 16 bits, interlaced")
    channels = _CHANNELS[kind]
    raw = _inflate(data, rows * (1 + columns * channels * 2))
    lines = np.frombuffer(raw, np.uint8).reshape(rows, 1 + columns * channels * 2)
    if lines[:, 0].max() > 4:
        raise FileDamaged(format="PNG")
    coded = lines[:, 1:].reshape(rows, columns, channels * 2)
    plain = _unfilter(lines[:, 0], coded)
    values = np.ascontiguousarray(plain).view(">u2").astype(np.uint16)
    if kind in (4, 6):
        alpha = values[..., -1:].astype(np.uint32)
        values = (values[..., :-1] * alpha // 65535).astype(np.uint16)
    return values[..., 0] if values.shape[2] == 1 else values


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _inflate(data: bytes, expected: int) -> bytes:
    """The image data, never more than `expected` bytes of it."""
    engine = zlib.decompressobj()
    packed = b"".join(body for name, body in _chunks(data) if name == b"IDAT")
    try:
        raw = engine.decompress(packed, expected)
    except zlib.error:
        raise FileDamaged(format="PNG") from None
    if len(raw) != expected:
        raise FileDamaged(format="PNG")
    return raw


def _unfilter(filters: NDArray[np.uint8], coded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the filters of (H, W, C) bytes, W > 1; `filters` (H,) is each row's type, 0 to 4."""
    rows, columns, channels = coded.shape
    # One row and column of zeros in front stand for what lies outside the picture.
    plain = np.zeros((rows + 1, columns + 1, channels), np.int16)
    # One row down and one column left is a fixed step in a flat array, so that a diagonal and its
    # neighbours are slices, and nothing is copied.
    flat, source = plain.reshape(-1, channels), coded.reshape(-1, channels)
    kinds = filters[:, None]
    for diagonal in range(rows + columns - 1):
        first = max(0, diagonal - columns + 1)
        last = min(diagonal, rows - 1)
        corner = first * (columns + 1) + diagonal - first
        span = (last - first) * columns + 1

        def line(start: int, span: int = span) -> NDArray[np.int16]:
            return flat[start : start + span : columns]

        left, upper = line(corner + columns + 1), line(corner + 1)
        guess = _guess(kinds[first : last + 1], left, upper, line(corner))
        at = first * columns + diagonal - first
        given = source[at : at + (last - first) * (columns - 1) + 1 : columns - 1]
        line(corner + columns + 2)[:] = (given + guess) & 0xFF
    return plain[1:, 1:].astype(np.uint8)


def _guess(
    kind: NDArray[np.uint8],
    left: NDArray[np.int16],
    upper: NDArray[np.int16],
    corner: NDArray[np.int16],
) -> NDArray[np.int16]:
    """None, Sub, Up, Average and Paeth for every row of one diagonal."""
    to_left, to_upper = np.abs(upper - corner), np.abs(left - corner)
    to_corner = np.abs(left + upper - 2 * corner)
    paeth = np.where(
        (to_left <= to_upper) & (to_left <= to_corner),
        left,
        np.where(to_upper <= to_corner, upper, corner),
    )
    zero = np.zeros_like(left)
    return np.choose(kind, (zero, left, upper, (left + upper) >> 1, paeth))
