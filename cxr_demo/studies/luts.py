"""Modality and VOI transforms as a DICOM file gives them, made ready for `Radiograph`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cxr_demo.records import Notice, VoiFunction, Window
from cxr_demo.studies.header import Header, has, items, numbers, value_of, words
from cxr_demo.studies.voi import is_valid, table_window, to_pixels

_WELL_KNOWN_WORDS = (
    "NORMAL HARD HARDER SOFT SOFTER BONE LUNG LUNGS MEDIASTINUM CHEST THORAX STANDARD BRAIN "
    "ABDOMEN SPINE ALGO1 ALGO2 USER DEFAULT WINDOW1 WINDOW2"
)
_WELL_KNOWN = frozenset(_WELL_KNOWN_WORDS.split())
"""Explanations of windows that are shown; anything else may be free text and is not."""


@dataclass(frozen=True, eq=False)
class Lut:
    """A look-up table: greys or values (N,) with `bits`, for the inputs from `first` on."""

    first: int
    values: NDArray[np.uint16]
    bits: int


@dataclass(frozen=True, eq=False)
class Greys:
    """Pixels in displayed polarity: (H, W) uint16 over 0..2**bits - 1, and how they relate to
    modality values (`slope * pixel + intercept`). `padded`: (H, W) bool, or None."""

    pixels: NDArray[np.uint16]
    bits: int
    slope: float
    intercept: float
    padded: NDArray[np.bool_] | None
    notices: tuple[Notice, ...] = ()


def modality_greys(stored: NDArray[np.integer], header: Header, dataset: Dataset) -> Greys:
    """Apply the modality LUT or rescale and the polarity to (H, W) stored values.

    A rescale is never rounded: pixels are the stored values, shifted to start at 0 and turned
    where larger must become whiter, and slope and intercept record the rest exactly.
    """
    padded = _padded(stored, header)
    table = next(iter(_luts(dataset, "ModalityLUTSequence", header.signed)), None)
    invert = header.photometric == "MONOCHROME1"
    if table is not None:
        values = _look_up(stored, table)
        top = (1 << table.bits) - 1
        if invert:
            return Greys((top - values).astype(np.uint16), table.bits, -1.0, float(top), padded)
        return Greys(values, table.bits, 1.0, 0.0, padded)
    (slope, intercept), notices = _rescale(dataset)
    low = -(1 << (header.bits_stored - 1)) if header.signed else 0
    high = low + (1 << header.bits_stored) - 1
    wide = stored.astype(np.int32)
    if invert != (slope < 0):
        pixels, sign, anchor = high - wide, -1.0, high
    else:
        pixels, sign, anchor = wide - low, 1.0, low
    return Greys(
        pixels.astype(np.uint16),
        header.bits_stored,
        sign * slope,
        slope * anchor + intercept,
        padded,
        notices,
    )


def file_windows(dataset: Dataset, greys: Greys) -> tuple[tuple[Window, ...], tuple[Notice, ...]]:
    """The file's own VOI LUTs and windows in units of pixels, tables first; and what was wrong.

    The standard leaves the order open where a file has both; a table is the more specific one.
    """
    ends = (greys.intercept, greys.slope * ((1 << greys.bits) - 1) + greys.intercept)
    tables = [
        table_window(each.first, each.values, each.bits, greys.slope, greys.intercept)
        for each in _luts(dataset, "VOILUTSequence", signed=min(ends) < 0)
    ]
    found = _windows(dataset)
    valid = [to_pixels(each, greys.slope, greys.intercept) for each in found if is_valid(each)]
    wrong = len(valid) < len(found) or (not tables and has(dataset, "VOILUTSequence"))
    notices = (Notice("window_invalid"),) if wrong else ()
    return (*tables, *valid), notices


def _windows(dataset: Dataset) -> list[Window]:
    """Centre, width, function and a safe label, in the file's units."""
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    names = words(dataset, "WindowCenterWidthExplanation")
    kind = next(iter(words(dataset, "VOILUTFunction")), "")
    function = VoiFunction(kind) if kind in ("LINEAR_EXACT", "SIGMOID") else VoiFunction.LINEAR
    pairs = list(zip(centres, widths, strict=False))
    return [
        Window(centre, width, function, _label(at, names))
        for at, (centre, width) in enumerate(pairs)
    ]


def _label(at: int, names: tuple[str, ...]) -> str:
    known = at < len(names) and names[at] in _WELL_KNOWN
    return names[at].lower() if known else "file"


def _rescale(dataset: Dataset) -> tuple[tuple[float, float], tuple[Notice, ...]]:
    slope, intercept = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if not has(dataset, "RescaleSlope") and not has(dataset, "RescaleIntercept"):
        return (1.0, 0.0), ()
    if not slope or not intercept or not 1e-9 < abs(slope[0]) < 1e9 or abs(intercept[0]) > 1e12:
        return (1.0, 0.0), (Notice("rescale_invalid"),)
    return (slope[0], intercept[0]), ()


def _padded(stored: NDArray[np.integer], header: Header) -> NDArray[np.bool_] | None:
    if header.padding is None:
        return None
    low, high = header.padding
    wide = stored.astype(np.int32)
    mask = (wide >= low) & (wide <= high)
    # A file whose every pixel is "padding" means something else by the tag.
    return mask if mask.any() and not mask.all() else None


def _luts(dataset: Dataset, keyword: str, signed: bool) -> list[Lut]:
    found = (_lut(item, signed) for item in items(dataset, keyword))
    return [each for each in found if each is not None]


def _lut(item: Dataset, signed: bool) -> Lut | None:
    """One item of a LUT sequence (PS3.3 C.11.1.1), or None if it is invalid."""
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(each) for each in descriptor)
    count = count or 1 << 16
    # Inside a sequence the reader cannot always tell whether this number is signed.
    if signed and first >= 1 << 15:
        first -= 1 << 16
    values = _entries(item, count, bits)
    if values is None or not 8 <= bits <= 16 or count < 2:
        return None
    # Descriptors that claim fewer bits than their entries use are common; the entries decide.
    return Lut(first, values, max(bits, int(values.max()).bit_length()))


def _entries(item: Dataset, count: int, bits: int) -> NDArray[np.uint16] | None:
    """(count,) entries; 8-bit entries may be packed two to a word."""
    raw = value_of(item, "LUTData")
    if isinstance(raw, bytes):
        entries = np.frombuffer(raw[: len(raw) // 2 * 2], "<u2")
    else:
        found = numbers(item, "LUTData")
        if not found or not all(-(1 << 15) <= each < 1 << 16 for each in found):
            return None
        entries = np.array(found, np.int64).astype("<u2")
    if len(entries) < count and bits == 8:
        entries = np.frombuffer(entries.tobytes(), np.uint8)
    return entries[:count].astype(np.uint16) if len(entries) >= count else None


def _look_up(stored: NDArray[np.integer], table: Lut) -> NDArray[np.uint16]:
    index = stored.astype(np.int32) - table.first
    return table.values[np.clip(index, 0, len(table.values) - 1)]
