"""JPEG Lossless and JPEG-LS files outside DICOM: the JPEGs that hold up to 16 bits.

Pillow reads neither. The decoders that read the same streams inside DICOM do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from cxr_demo.studies.errors import FileDamaged
from cxr_demo.studies.streams import StreamSize

_SYNTAXES = {0xC3: "1.2.840.10008.1.2.4.57", 0xF7: "1.2.840.10008.1.2.4.80"}
"""Marker of the frame header -> the DICOM transfer syntax of the same stream."""


def is_lossless(size: StreamSize) -> bool:
    """Whether the stream is one of these, grey or RGB, with 8 to 16 bits."""
    return size.marker in _SYNTAXES and size.components in (1, 3) and 8 <= size.bits <= 16


def read(data: bytes, size: StreamSize) -> NDArray[np.integer]:
    """(H, W) or (H, W, 3) uint8 or uint16. Raises FileDamaged."""
    padded = data + b"\0" * (len(data) % 2)
    try:
        values, _ = get_decoder(_SYNTAXES[size.marker]).as_array(
            encapsulate([padded]), index=0, decoding_plugin="gdcm", **_options(size)
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise whatever they like on damaged data
        raise FileDamaged(format="JPEG") from None
    return values


def _options(size: StreamSize) -> dict[str, Any]:
    return {
        "rows": size.rows,
        "columns": size.columns,
        "samples_per_pixel": size.components,
        "photometric_interpretation": "RGB" if size.components == 3 else "MONOCHROME2",
        "planar_configuration": 0,
        "number_of_frames": 1,
        "bits_allocated": 8 if size.bits == 8 else 16,
        "bits_stored": size.bits,
        "pixel_representation": 0,
        "pixel_keyword": "PixelData",
    }
