"""From the bytes of one DICOM file to a `Radiograph`.

    meta information -> syntax -> header -> is it a chest? -> compressed stream's own size
    -> stored values -> modality LUT, polarity -> is there a picture? -> windows

Everything that can refuse a file does so before its pixels are decoded.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.pixels.processing import apply_color_lut

from cxr_demo.records import Notice, Radiograph, Window
from cxr_demo.studies import streams
from cxr_demo.studies.colour import grey_from_colour
from cxr_demo.studies.errors import FileDamaged, SizesDisagree
from cxr_demo.studies.header import Header, numbers, parse, read_header, value_of
from cxr_demo.studies.luts import Greys, file_windows, modality_greys
from cxr_demo.studies.suitability import Subject, judge_pixels, judge_tags
from cxr_demo.studies.syntax import Syntax, find_syntax
from cxr_demo.studies.voi import full_window, identity_windows, lut

_PIXEL_TAG = b"\xe0\x7f\x10\x00"
_UNUSABLE_SHARE = 0.98
"""A window that paints this share of the pixels in one grey shows next to nothing."""


def read_dicom(data: bytes, sha256: str) -> Radiograph:
    """The radiograph in `data`. Raises the leaves of StudyError that `errors` lists."""
    syntax = find_syntax(data)
    dataset = parse(data)
    if "PixelData" not in dataset and _PIXEL_TAG in data:
        # The reader drops an element that the end of the file cuts off.
        raise FileDamaged(format="DICOM")
    subject = judge_tags(dataset)
    return decode_dataset(dataset, syntax, subject, sha256)


def decode_dataset(dataset: Dataset, syntax: Syntax, subject: Subject, sha256: str) -> Radiograph:
    """The pixels of `dataset`, whatever they show: `subject` has been judged before."""
    header = read_header(dataset)
    stored = decode_stored(dataset, header, syntax)
    if header.is_grey:
        greys = modality_greys(stored, header, dataset)
        own, notices = file_windows(dataset, greys)
    else:
        greys, notices = _colour_greys(stored, header, dataset), ()
        own = identity_windows(greys.bits)
    (low, high), seen = judge_pixels(greys.pixels, greys.padded)
    windows, unusable = _order(own, full_window(low, high), greys)
    lossy = (Notice("lossy"),) if syntax.lossy and Notice("lossy") not in subject.notices else ()
    return Radiograph(
        pixels=greys.pixels,
        bits=greys.bits,
        view=subject.view,
        windows=windows,
        source="DICOM",
        sha256=sha256,
        spacing=_spacing(dataset),
        slope=greys.slope,
        intercept=greys.intercept,
        modality=subject.modality,
        photometric=header.photometric,
        syntax=syntax.name,
        declared_phantom=subject.declared_phantom,
        notices=(*subject.notices, *lossy, *greys.notices, *notices, *seen, *unusable),
    )


def decode_stored(dataset: Dataset, header: Header, syntax: Syntax) -> NDArray[np.integer]:
    """Stored values: (H, W) or, in colour, (H, W, 3) RGB; sign and unused bits put right.

    Raises SizesDisagree, FileDamaged, SyntaxUnsupported.
    """
    uid = dataset.file_meta.get("TransferSyntaxUID") or dataset.original_encoding
    if not isinstance(uid, str):
        uid = "1.2.840.10008.1.2" if uid[0] else "1.2.840.10008.1.2.1"
    pixels = _pixel_bytes(dataset)
    if syntax.family == "native":
        _check_length(len(pixels), header)
    else:
        frame = _one_frame(pixels)
        bits = header.bits_allocated
        streams.check(frame, syntax, header.rows, header.columns, header.samples, bits)
    try:
        values, _ = get_decoder(uid).as_array(
            pixels, index=0, decoding_plugin=syntax.plugin, **_decoder_options(header)
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise whatever they like on damaged data
        raise FileDamaged(format="DICOM") from None
    return _used_bits(values, header, native=syntax.family == "native")


def _decoder_options(header: Header) -> dict[str, Any]:
    """What pydicom's decoders are told: checked numbers only, never the file's own tags."""
    return {
        "rows": header.rows,
        "columns": header.columns,
        "samples_per_pixel": header.samples,
        "photometric_interpretation": header.photometric,
        "planar_configuration": header.planar,
        "number_of_frames": 1,
        "bits_allocated": header.bits_allocated,
        "bits_stored": header.bits_stored,
        "pixel_representation": int(header.signed),
        "pixel_keyword": "PixelData",
        "correct_unused_bits": False,
    }


def _pixel_bytes(dataset: Dataset) -> bytes:
    value = value_of(dataset, "PixelData")
    if not isinstance(value, bytes) or not value:
        raise FileDamaged(format="DICOM")
    return value


def _one_frame(pixels: bytes) -> bytes:
    try:
        return get_frame(pixels, 0, number_of_frames=1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - see `decode_stored`
        raise FileDamaged(format="DICOM") from None


def _check_length(actual: int, header: Header) -> None:
    expected = header.rows * header.columns * header.samples * header.bits_allocated // 8
    if header.photometric == "YBR_FULL_422":
        expected = expected * 2 // 3
    if actual < expected:
        raise FileDamaged(format="DICOM")
    # Some writers pad the last block; whole rows left over mean that the header lies.
    if actual - expected > max(4096, expected // 50):
        raise SizesDisagree()


def _used_bits(values: NDArray[np.integer], header: Header, native: bool) -> NDArray[np.integer]:
    """Only the stored bits, with their sign; overlays and rubbish in the others are dropped."""
    if header.bits_stored == header.bits_allocated:
        return values
    size = 8 * values.itemsize
    shift = size - header.bits_stored
    lead = size - 1 - header.high_bit if native else shift
    return np.right_shift(np.left_shift(values, lead), shift)


def _colour_greys(stored: NDArray[np.integer], header: Header, dataset: Dataset) -> Greys:
    if header.photometric == "PALETTE COLOR":
        try:
            stored = apply_color_lut(stored, dataset)
        except (ValueError, TypeError, AttributeError, IndexError, KeyError):
            raise FileDamaged(format="DICOM") from None
    pixels, notices = grey_from_colour(np.asarray(stored))
    return Greys(pixels, 8 * stored.dtype.itemsize, 1.0, 0.0, None, notices)


def _order(
    own: tuple[Window, ...], full: Window, greys: Greys
) -> tuple[tuple[Window, ...], tuple[Notice, ...]]:
    """The file's windows, then the full range; the full range first where the file's first one
    would show next to nothing."""
    if not own:
        return (full,), ()
    values = greys.pixels if greys.padded is None else greys.pixels[~greys.padded]
    shades = np.bincount(lut(own[0])[values.ravel()])
    if shades.max() > _UNUSABLE_SHARE * shades.sum():
        return (full, *own), (Notice("window_unusable"),)
    return (*own, full), ()


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Millimetres per pixel (rows, columns): in the patient if calibrated, else at the detector."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = numbers(dataset, keyword)
        if len(found) == 2 and all(1e-3 < each < 10 for each in found):
            return found[0], found[1]
    return None
