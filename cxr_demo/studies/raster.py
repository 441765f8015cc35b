"""PNG and JPEG: 8 and 16 bits, grey or grey saved in colour, without loss of range."""

import logging
import struct
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cxr_demo.records import Notice, Radiograph, View
from cxr_demo.studies import bare_jpeg, png16
from cxr_demo.studies.colour import grey_from_colour
from cxr_demo.studies.errors import FileDamaged, SyntaxUnsupported
from cxr_demo.studies.header import check_size
from cxr_demo.studies.limits import MAX_PIXELS
from cxr_demo.studies.streams import jpeg_size
from cxr_demo.studies.suitability import judge_pixels
from cxr_demo.studies.voi import full_window, identity_windows

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pillow logs the texts of EXIF tags, which may name a patient.
logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)


def read_raster(data: bytes, sha256: str) -> Radiograph:
    """The radiograph in a PNG's or JPEG's bytes; 8-bit pictures are shown as they are, 16-bit ones
    from their darkest to their lightest value.

    Raises FileDamaged, TooManyPixels, TooFewPixels, ColourPicture, ConstantImage,
    SyntaxUnsupported.
    """
    source = "PNG" if data.startswith(PNG_MAGIC) else "JPEG"
    _check_declared_size(data, source)
    try:
        pixels, bits = _decode(data)
    except (
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        EOFError,
        IndexError,
        KeyError,
    ):
        raise FileDamaged(format=source) from None
    grey, notices = _to_grey(pixels)
    (low, high), seen = judge_pixels(grey)
    return Radiograph(
        pixels=grey,
        bits=bits,
        view=View.UNKNOWN,
        windows=(*identity_windows(bits), full_window(low, high)),
        source=source,
        sha256=sha256,
        notices=(Notice("untagged"), *notices, *seen),
    )


def _check_declared_size(data: bytes, source: str) -> None:
    if source == "JPEG":
        size = jpeg_size(data)
        if size.bits != 8 and not bare_jpeg.is_lossless(size):
            raise SyntaxUnsupported(syntax=f"JPEG, {size.bits} bits")
        check_size(size.rows, size.columns)
        return
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise FileDamaged(format="PNG")
    columns, rows = struct.unpack_from(">II", data, 16)
    check_size(rows, columns)


def _decode(data: bytes) -> tuple[NDArray[np.integer], int]:
    """(H, W) or (H, W, 3) uint8 or uint16 as a viewer would turn it, and its bits."""
    if png16.is_deep_colour(data):
        return png16.read(data), 16
    if data.startswith(JPEG_MAGIC) and bare_jpeg.is_lossless(size := jpeg_size(data)):
        return bare_jpeg.read(data, size), size.bits
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as opened:
        picture = ImageOps.exif_transpose(opened)
    if picture.mode.startswith("I"):
        return np.asarray(picture).astype(np.uint16), 16
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode != "L":
        if picture.mode == "CMYK" or picture.mode == "YCCK":
            raise SyntaxUnsupported(syntax="JPEG CMYK")
        picture = _on_black(picture)
    return np.asarray(picture), 8


def _on_black(picture: Image.Image) -> Image.Image:
    """RGB, with whatever is transparent shown as on a dark screen."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    black = Image.new("RGBA", layered.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, layered).convert("RGB")


def _to_grey(pixels: NDArray[np.integer]) -> tuple[NDArray[np.uint16], tuple[Notice, ...]]:
    return (pixels.astype(np.uint16), ()) if pixels.ndim == 2 else grey_from_colour(pixels)
