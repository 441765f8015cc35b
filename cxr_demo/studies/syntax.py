"""Transfer syntaxes: which are read, by which decoder, and which are refused, by name.

The syntax is read from the file meta information by a few lines of our own before any library sees
the file: a Deflated file of 1.4 MB inflates to gigabytes as soon as a reader touches its data set.
Decoders are fixed, not tried in turn, so that a file gives the same pixels on every machine.
"""

import struct
from dataclasses import dataclass

from pydicom.uid import UID

from cxr_demo.studies.errors import FileDamaged, SyntaxUnsupported


@dataclass(frozen=True)
class Syntax:
    """One transfer syntax that is read. `plugin` is pydicom's name of the decoder, "" for none;
    `family` is "native", "rle", "jpeg", "jpegls" or "j2k"."""

    uid: str
    name: str
    family: str
    plugin: str = ""
    lossy: bool = False


_J2K = "1.2.840.10008.1.2.4."
SYNTAXES: dict[str, Syntax] = {
    each.uid: each
    for each in (
        Syntax("1.2.840.10008.1.2", "Implicit VR Little Endian", "native"),
        Syntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian", "native"),
        Syntax("1.2.840.10008.1.2.5", "RLE Lossless", "rle", "pydicom"),
        Syntax(_J2K + "50", "JPEG Baseline", "jpeg", "pillow", lossy=True),
        # Only with 8 bits per sample; `streams.check` refuses the 12-bit kind by name.
        Syntax(_J2K + "51", "JPEG Extended", "jpeg", "pillow", lossy=True),
        Syntax(_J2K + "57", "JPEG Lossless", "jpeg", "gdcm"),
        Syntax(_J2K + "70", "JPEG Lossless SV1", "jpeg", "gdcm"),
        # CharLS, which pyjpegls wraps, runs for minutes on some damaged streams; gdcm does not.
        Syntax(_J2K + "80", "JPEG-LS Lossless", "jpegls", "gdcm"),
        Syntax(_J2K + "81", "JPEG-LS Near-Lossless", "jpegls", "gdcm", lossy=True),
        Syntax(_J2K + "90", "JPEG 2000 Lossless", "j2k", "pylibjpeg"),
        Syntax(_J2K + "91", "JPEG 2000", "j2k", "pylibjpeg", lossy=True),
        Syntax(_J2K + "201", "HTJ2K Lossless", "j2k", "pylibjpeg"),
        Syntax(_J2K + "202", "HTJ2K Lossless RPCL", "j2k", "pylibjpeg"),
        Syntax(_J2K + "203", "HTJ2K", "j2k", "pylibjpeg", lossy=True),
    )
}

_LONG_LENGTH = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT")
_META_END = 64 * 1024
"""File meta information is a few hundred bytes; whatever claims more is not followed."""


def looks_like_dicom(data: bytes) -> bool:
    """Whether `data` (the first bytes suffice) is DICOM: the magic word, or, for files without a
    preamble, a first element of group 2 or 8 that makes sense."""
    if data[128:132] == b"DICM":
        return True
    if len(data) < 8:
        return False
    group, element, length = struct.unpack_from("<HHI", data)
    if group not in (2, 8) or element > 0x2000:
        return _looks_big_endian(data)
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or (length < 1024 and length % 2 == 0)


def find_syntax(data: bytes) -> Syntax:
    """The transfer syntax of a DICOM file's bytes, from its meta information alone.

    Raises SyntaxUnsupported for one that is known and refused (Deflated, big endian, video, 12-bit
    JPEG Extended and the rest), FileDamaged where the meta information breaks off.
    """
    uid = _meta_syntax(data)
    if uid is None:
        if _looks_big_endian(data):
            raise SyntaxUnsupported(syntax="Explicit VR Big Endian")
        # Without meta information pydicom tells implicit from explicit little endian by itself.
        return SYNTAXES["1.2.840.10008.1.2"]
    if uid not in SYNTAXES:
        raise SyntaxUnsupported(syntax=_public_name(uid))
    return SYNTAXES[uid]


def _looks_big_endian(data: bytes) -> bool:
    start = 132 if data[128:132] == b"DICM" else 0
    return (
        data[start : start + 2] in (b"\x00\x08", b"\x00\x02")
        and data[start + 4 : start + 6].isalpha()
    )


def _public_name(uid: str) -> str:
    """The standard's own name for `uid`; free text from the file never gets through."""
    known = UID(uid)
    return known.name if known.name != uid and known.is_transfer_syntax else "private"


def _meta_syntax(data: bytes) -> str | None:
    """Value of (0002,0010), or None where there is no meta information."""
    at = 132 if data[128:132] == b"DICM" else 0
    while at + 8 <= min(len(data), _META_END):
        group, element = struct.unpack_from("<HH", data, at)
        if group != 2:
            return None
        if data[at + 4 : at + 6] in _LONG_LENGTH:
            if at + 12 > len(data):
                break
            length, head = struct.unpack_from("<I", data, at + 8)[0], 12
        else:
            length, head = struct.unpack_from("<H", data, at + 6)[0], 8
        value = data[at + head : at + head + length]
        if element == 0x0010:
            return value.rstrip(b"\x00 ").decode("ascii", "replace")
        at += head + length
    if at > len(data) or at + 8 > len(data):
        raise FileDamaged(format="DICOM")
    return None
