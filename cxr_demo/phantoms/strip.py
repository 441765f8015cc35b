"""The code strip: a phantom's seed, written into its pixels so that a machine can tell.

Two white bars with four rows of blocks between them, over the width of the picture on black. The
rows hold 80 bits (16 of a magic word, 32 of the seed, 32 of CRC-32), each as a pair of blocks,
black-white for 1 and white-black for 0, so that brightness does not matter; and all bits twice.
A reader looks for the bars, so that padding and resizing do not matter either. It survives JPEG
quality 75 and 512 pixels. A chance match needs 80 clear block pairs that spell the magic word and
the right CRC: 2**-48 for each place looked at, and at most `_MAX_PLACES` places are.
"""

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0xC7A5
_BITS = 80
_ROWS = 4
_PER_ROW = _BITS // _ROWS
_COLUMNS = 2 * _PER_ROW
"""Bits in a row, of both copies."""

_LEFT, _RIGHT = 0.06, 0.94
_TOP, _BOTTOM = 0.948, 0.993
_BAND_TOP = 0.938
_BAR = 1 / 7
"""A bar's share of the strip's height; the four rows share the rest."""

_MAX_PLACES = 64
_LOOK = 1100
"""The reader looks at no more than about this many rows and columns."""


def embed(pixels: NDArray, seed: int, white: int | None = None) -> NDArray:
    """A copy of `pixels` (H, W), uint8 or uint16, H and W at least 192, with the strip for `seed`
    (0 <= seed < 2**32) over its lowest part. `white` is the value of white: the largest of the
    type if not given."""
    if pixels.ndim != 2 or min(pixels.shape) < 192:
        raise ValueError(f"the code strip needs (H, W) of at least 192 x 192, got {pixels.shape}")
    top = int(np.iinfo(pixels.dtype).max) if white is None else white
    height, width = pixels.shape
    out = pixels.copy()
    out[round(_BAND_TOP * height) :] = 0
    y0, y1 = _TOP * height, _BOTTOM * height
    x0, x1 = round(_LEFT * width), round(_RIGHT * width)
    bar = _BAR * (y1 - y0)
    out[round(y0) : round(y0 + bar), x0:x1] = top
    out[round(y1 - bar) : round(y1), x0:x1] = top
    rows = np.rint(np.linspace(y0 + bar, y1 - bar, _ROWS + 1)).astype(int)
    cells = np.rint(np.linspace(x0, x1, 2 * _COLUMNS + 1)).astype(int)
    for row, blocks in enumerate(_blocks(seed)):
        line = np.repeat(blocks, np.diff(cells))
        out[rows[row] : rows[row + 1], x0:x1] = np.where(line, top, 0)
    return out


def read(pixels: NDArray) -> int | None:
    """The seed in the strip of `pixels` (H, W), any integer or floating type, larger is whiter;
    None if there is no strip."""
    if pixels.ndim != 2 or min(pixels.shape) < 192:
        return None
    stride = [max(1, -(-side // _LOOK)) for side in pixels.shape]
    image = np.asarray(pixels[:: stride[0], :: stride[1]], dtype=np.float32)
    for top, bottom, left, right in _places(image):
        seed = _decode(image, top, bottom, left, right)
        if seed is not None:
            return seed
    return None


def is_phantom(pixels: NDArray) -> bool:
    """Whether `pixels` (H, W) carry a readable code strip: one of our own phantoms."""
    return read(pixels) is not None


# ---------------------------------------------------------------- writing


def _payload(seed: int) -> NDArray[np.bool_]:
    head = _MAGIC.to_bytes(2, "big") + seed.to_bytes(4, "big")
    whole = head + zlib.crc32(head).to_bytes(4, "big")
    return np.unpackbits(np.frombuffer(whole, dtype=np.uint8)).astype(bool)


def _both(values: NDArray) -> NDArray:
    """(4, 40): all bits on the left, and again on the right two rows further down."""
    table = values.reshape(_ROWS, _PER_ROW)
    return np.concatenate((table, np.roll(table, 2, axis=0)), axis=1)


def _blocks(seed: int) -> NDArray[np.bool_]:
    """(4, 80): the pairs of blocks, True is white."""
    bits = _both(_payload(seed))
    return np.stack((~bits, bits), axis=2).reshape(_ROWS, 2 * _COLUMNS)


# ---------------------------------------------------------------- reading


def _places(image: NDArray[np.float32]) -> Iterator[tuple[float, float, float, float]]:
    """(top, bottom, left, right) of what could be a strip: pairs of bright bars above each other
    with the same ends, the lowest pair first. `top` and `bottom` are the bars' outer edges."""
    bars = _bars(image)
    count = 0
    for low in range(len(bars) - 1, 0, -1):
        for high in range(low - 1, -1, -1):
            upper, lower = bars[high], bars[low]
            tolerance = 2 + 0.02 * (lower[3] - lower[2])
            if abs(upper[2] - lower[2]) > tolerance or abs(upper[3] - lower[3]) > tolerance:
                continue
            if not 6 <= lower[1] - upper[0] <= 0.2 * image.shape[0]:
                continue
            yield upper[0], lower[1], (upper[2] + lower[2]) / 2, (upper[3] + lower[3]) / 2
            count += 1
            if count >= _MAX_PLACES:
                return


def _bars(image: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    """(top, bottom, left, right) of groups of rows that each hold one bright run, at least 40 % of
    the width long and dark on both ends."""
    low = image.min(axis=1, keepdims=True)
    span = image.max(axis=1, keepdims=True) - low
    bright = image > low + np.float32(0.5) * span
    changes = np.diff(bright, axis=1)
    width = image.shape[1]
    single = (changes.sum(axis=1) == 2) & ~bright[:, 0] & ~bright[:, -1] & (span[:, 0] > 0)
    rows = np.flatnonzero(single)
    starts = changes[rows].argmax(axis=1) + 1
    ends = width - 1 - changes[rows, ::-1].argmax(axis=1)
    long = ends - starts >= 0.4 * width
    groups: list[list[tuple[int, int, int]]] = []
    for row, start, end in zip(rows[long], starts[long], ends[long], strict=True):
        last = groups[-1][-1] if groups else None
        if last and row == last[0] + 1 and abs(start - last[1]) < 4 and abs(end - last[2]) < 4:
            groups[-1].append((int(row), int(start), int(end)))
        else:
            groups.append([(int(row), int(start), int(end))])
    found = []
    for group in groups:
        if len(group) > 0.05 * image.shape[0]:
            continue
        left, right = np.median(np.array(group)[:, 1:], axis=0).tolist()
        found.append((float(group[0][0]), float(group[-1][0] + 1), left, right))
    return found


def _decode(
    image: NDArray[np.float32], top: float, bottom: float, left: float, right: float
) -> int | None:
    height, width = bottom - top, right - left
    bar = _BAR * height
    middles = top + bar + (np.arange(_ROWS) + 0.5) * (height - 2 * bar) / _ROWS
    cells = left + (np.arange(2 * _COLUMNS) + 0.5) * width / (2 * _COLUMNS)
    near = np.rint(np.array([-0.2, 0.0, 0.2])[None] * width / (2 * _COLUMNS) + cells[:, None] - 0.5)
    columns = np.clip(near.astype(int), 0, image.shape[1] - 1)
    rows = np.clip(np.floor(middles).astype(int), 0, image.shape[0] - 1)
    values = image[rows][:, columns].mean(axis=2)
    pairs = values.reshape(_ROWS, _COLUMNS, 2)
    difference = pairs[..., 1] - pairs[..., 0]
    first = difference[:, :_PER_ROW]
    second = np.roll(difference[:, _PER_ROW:], -2, axis=0)
    span = float(values.max() - values.min())
    for soft in (first + second, 2 * first, 2 * second):
        seed = _checked(soft.ravel(), span)
        if seed is not None:
            return seed
    return None


def _checked(soft: NDArray[np.float32], span: float) -> int | None:
    """The seed, if every pair is clear and magic word and CRC are right."""
    if span <= 0 or np.abs(soft).min() < 0.3 * span:
        return None
    whole = np.packbits(soft > 0).tobytes()
    head, check = whole[:6], whole[6:]
    if int.from_bytes(head[:2], "big") != _MAGIC or int.from_bytes(check, "big") != zlib.crc32(
        head
    ):
        return None
    return int.from_bytes(head[2:], "big")
