"""The tags of a DICOM file that this app uses, as plain and checked values.

Only these tags are read; a patient's name, numbers and dates, and all private tags, are skipped by
the reader and never become values in this program.
"""

import logging
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from cxr_demo.studies.errors import (
    DepthUnsupported,
    FileDamaged,
    NoPixels,
    SeveralFrames,
    TooFewPixels,
    TooManyPixels,
)
from cxr_demo.studies.limits import MAX_PIXELS, MIN_SIDE

# pydicom's warnings quote the values that they complain about, and those may name a patient.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module=r"pydicom\..*")
config.settings.reading_validation_mode = config.IGNORE

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_LAYOUT = (
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns "
    "BitsAllocated BitsStored HighBit PixelRepresentation PixelPaddingValue "
    "PixelPaddingRangeLimit PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing "
    "RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor "
    "BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData "
    "GreenPaletteColorLookupTableData BluePaletteColorLookupTableData"
)
_GREYS = (
    "RescaleSlope RescaleIntercept ModalityLUTSequence VOILUTSequence WindowCenter WindowWidth "
    "WindowCenterWidthExplanation VOILUTFunction"
)
_SUBJECT = (
    "SpecificCharacterSet StudyInstanceUID Modality BodyPartExamined ViewPosition ViewCodeSequence "
    "AnatomicRegionSequence PatientOrientation StudyDescription SeriesDescription ProtocolName "
    "BurnedInAnnotation LossyImageCompression QualityControlImage PresentationIntentType"
)
_WANTED: list[Any] = [*f"{_LAYOUT} {_GREYS} {_SUBJECT}".split(), *_PIXELS]


@dataclass(frozen=True)
class Header:
    """How the pixels of one file are laid out; every number is within what this app decodes."""

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: tuple[int, int] | None

    @property
    def is_grey(self) -> bool:
        """Whether this is one of the two MONOCHROMEs."""
        return self.photometric in ("MONOCHROME1", "MONOCHROME2")


def parse(data: bytes) -> Dataset:
    """The wanted tags of a DICOM file's bytes. Raises FileDamaged.

    Call `syntax.find_syntax` first: the reader would inflate a Deflated file here.
    """
    return parse_source(BytesIO(data))


def parse_source(source: BinaryIO, pixels: bool = True) -> Dataset:
    """The same from a stream, without the pixels if these are not needed."""
    try:
        # `force` for files without the preamble; what they are has been judged by content.
        return dcmread(source, force=True, specific_tags=_WANTED, stop_before_pixels=not pixels)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a hostile file can raise anything in the parser
        raise FileDamaged(format="DICOM") from None


def read_header(dataset: Dataset) -> Header:
    """The layout of `dataset`'s pixels.

    Raises NoPixels, SeveralFrames, TooManyPixels, TooFewPixels, DepthUnsupported, FileDamaged.
    """
    if not any(keyword in dataset for keyword in _PIXELS):
        raise NoPixels()
    if "PixelData" not in dataset:
        raise DepthUnsupported(bits=32 if "FloatPixelData" in dataset else 64)
    frames = whole(dataset, "NumberOfFrames", 1)
    if frames > 1:
        raise SeveralFrames(frames=frames)
    rows, columns = whole(dataset, "Rows", 0), whole(dataset, "Columns", 0)
    check_size(rows, columns)
    allocated = whole(dataset, "BitsAllocated", 0)
    stored = whole(dataset, "BitsStored", allocated)
    if allocated not in (8, 16) or not 2 <= stored <= allocated:
        raise DepthUnsupported(bits=allocated if allocated not in (8, 16) else stored)
    high_bit = whole(dataset, "HighBit", stored - 1)
    samples = whole(dataset, "SamplesPerPixel", 1)
    if samples not in (1, 3) or not stored - 1 <= high_bit < allocated:
        raise FileDamaged(format="DICOM")
    signed = whole(dataset, "PixelRepresentation", 0) == 1
    photometric = word(dataset, "PhotometricInterpretation")
    if photometric not in _PHOTOMETRICS or (samples == 3) != _PHOTOMETRICS[photometric]:
        raise FileDamaged(format="DICOM")
    return Header(
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        planar=whole(dataset, "PlanarConfiguration", 0) & 1,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        signed=signed,
        padding=_padding(dataset, signed, allocated),
    )


_PHOTOMETRICS = {
    "MONOCHROME1": False,
    "MONOCHROME2": False,
    "PALETTE COLOR": False,
    "RGB": True,
    "YBR_FULL": True,
    "YBR_FULL_422": True,
    "YBR_ICT": True,
    "YBR_RCT": True,
}
"""Photometric interpretation -> whether it has three samples per pixel."""


def check_size(rows: int, columns: int) -> None:
    """Refuse a declared size before anything is decoded: TooManyPixels or TooFewPixels."""
    if rows * columns > MAX_PIXELS:
        raise TooManyPixels(rows=rows, columns=columns)
    if min(rows, columns) < MIN_SIDE:
        raise TooFewPixels(rows=rows, columns=columns)


def _padding(dataset: Dataset, signed: bool, bits: int) -> tuple[int, int] | None:
    """Lowest and highest stored value that is padding (PS3.3 C.7.5.1.1.2), or None."""
    value = numbers(dataset, "PixelPaddingValue")
    if not value:
        return None
    limit = numbers(dataset, "PixelPaddingRangeLimit") or value
    ends = sorted(_wrap(int(each), signed, bits) for each in (value[0], limit[0]))
    return ends[0], ends[1]


def _wrap(value: int, signed: bool, bits: int) -> int:
    """Some writers give a signed padding value as an unsigned tag, or the other way round."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def value_of(dataset: Dataset, keyword: str) -> Any:
    """The value of a tag; None if missing or malformed."""
    try:
        return dataset.get(keyword)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - values are converted late, and anything may be raised then
        return None


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The finite numbers of a tag with one or several values; () if missing or malformed."""
    try:
        found = tuple(float(each) for each in _many(dataset, keyword))
    except (ValueError, TypeError, ArithmeticError):
        return ()
    return found if all(math.isfinite(each) for each in found) else ()


def whole(dataset: Dataset, keyword: str, missing: int) -> int:
    """A tag with one whole number; `missing` if it is not there or malformed."""
    found = numbers(dataset, keyword)
    return int(found[0]) if found else missing


def words(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of a text tag, upper case and without padding; () if missing or malformed."""
    return tuple(str(each).strip(" \0").upper() for each in _many(dataset, keyword))


def word(dataset: Dataset, keyword: str) -> str:
    """The first value of a text tag, upper case; "" if missing."""
    return next(iter(words(dataset, keyword)), "")


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; () if missing or malformed."""
    return tuple(each for each in _many(dataset, keyword) if isinstance(each, Dataset))


def _many(dataset: Dataset, keyword: str) -> list[Any]:
    """One value or several: pydicom's MultiValue is no list."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def has(dataset: Dataset, keyword: str) -> bool:
    """Whether the tag is in the file, with or without a value."""
    return Tag(keyword) in dataset
