"""Files made to hurt: each is small, and asks for far more than it is."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from tests.studies import build


def deflated_bomb(path: Path) -> Path:
    """1.4 MB that inflate to 1.5 GB of elements as soon as the data set is touched."""
    build.write(path)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    head = path.read_bytes()[:144]
    meta_length = struct.unpack_from("<I", head, 140)[0]
    meta = path.read_bytes()[144 : 144 + meta_length]
    meta = meta.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    grown = meta_length + 2
    index = meta.find(b"1.2.840.10008.1.2.1.99")
    meta = meta[: index - 2] + struct.pack("<H", 22) + meta[index:]
    element = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, 64 << 20) + bytes(64 << 20)
    body = _repeated(element, 24, -15)
    path.write_bytes(head[:140] + struct.pack("<I", grown) + meta + body)
    return path


def rle_bomb(path: Path) -> Path:
    """A segment of runs that unpack to 64 times their bytes."""
    runs = b"\x81\x07" * 500_000
    frame = struct.pack("<16I", 2, 64, 64 + len(runs), *[0] * 13) + runs + runs
    return _encapsulated(path, frame, "1.2.840.10008.1.2.5")


def jpeg2000_larger_than_its_header(path: Path) -> Path:
    """The header says 280 x 300, the stream 30000 x 30000."""
    frame = bytearray(_jpeg2000(path))
    at = frame.find(b"\xff\x4f\xff\x51")
    struct.pack_into(">4I", frame, at + 8, 30000, 30000, 0, 0)
    struct.pack_into(">2I", frame, at + 24, 30000, 30000)
    return _encapsulated(path, bytes(frame), "1.2.840.10008.1.2.4.90")


def jpeg2000_of_tiny_tiles(path: Path) -> Path:
    """As large as the header says, in tiles of one pixel."""
    frame = bytearray(_jpeg2000(path))
    at = frame.find(b"\xff\x4f\xff\x51")
    struct.pack_into(">2I", frame, at + 24, 1, 1)
    return _encapsulated(path, bytes(frame), "1.2.840.10008.1.2.4.90")


def huge_png(path: Path) -> Path:
    """13000 x 13000 of one grey in 160 KB."""
    rows = zlib.compressobj(9)
    line = bytes(13001)
    body = b"".join(rows.compress(line) for _ in range(13000)) + rows.flush()
    head = struct.pack(">IIBBBBB", 13000, 13000, 8, 0, 0, 0, 0)
    return _png(path, [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")])


def png_text_bomb(path: Path) -> Path:
    """A compressed text chunk that inflates to 1 GB in front of a small picture."""
    text = _repeated(bytes(64 << 20), 16, 15)
    head = struct.pack(">IIBBBBB", 300, 300, 8, 0, 0, 0, 0)
    raw = np.random.default_rng(1).integers(0, 256, (300, 301), np.uint8)
    raw[:, 0] = 0
    chunks = [(b"IHDR", head), (b"zTXt", b"k\0\0" + text), (b"IDAT", zlib.compress(raw.tobytes()))]
    return _png(path, [*chunks, (b"IEND", b"")])


def deep_nesting(path: Path, depth: int = 20_000) -> Path:
    """Sequences within sequences, of undefined length, without an end."""
    build.write(path)
    opening = struct.pack("<HH2sHI", 0x0040, 0x0275, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return _before_pixels(path, (opening + item) * depth)


def deep_nesting_wanted(path: Path, depth: int = 5_000) -> Path:
    """The same within a sequence that the app does read."""
    build.write(path)
    opening = struct.pack("<HH2sHI", 0x0028, 0x3010, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return _before_pixels(path, (opening + item) * depth)


def rows_and_columns_lie(path: Path) -> Path:
    """65535 x 65535 declared over 160 KB."""
    return _changed(path, Rows=65535, Columns=65535)


def sizes_lie_a_little(path: Path) -> Path:
    """6000 x 6000 declared, which is allowed, over 160 KB."""
    return _changed(path, Rows=6000, Columns=6000)


def many_frames(path: Path) -> Path:
    """A million frames declared."""
    return _changed(path, NumberOfFrames=1_000_000)


def endless_lut(path: Path) -> Path:
    """A VOI LUT that claims 65536 entries and has ten, and a window of not a number."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [0, 0, 16])
    item.add_new("LUTData", "OW", b"\1\0" * 10)
    return _changed(path, VOILUTSequence=[item], NumberOfFrames=2)


HOSTILE = (
    deflated_bomb,
    rle_bomb,
    jpeg2000_larger_than_its_header,
    jpeg2000_of_tiny_tiles,
    huge_png,
    png_text_bomb,
    deep_nesting,
    rows_and_columns_lie,
    sizes_lie_a_little,
    many_frames,
    endless_lut,
)


def _repeated(data: bytes, times: int, window: int) -> bytes:
    """`data` compressed `times` times over; blocks after a full flush stand for themselves."""
    engine = zlib.compressobj(6, zlib.DEFLATED, window)
    first = engine.compress(data) + engine.flush(zlib.Z_FULL_FLUSH)
    again = engine.compress(data) + engine.flush(zlib.Z_FULL_FLUSH)
    return first + again * (times - 1) + engine.flush()


def _changed(path: Path, **tags) -> Path:
    dataset = pydicom.dcmread(build.write(path))
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def _encapsulated(path: Path, frame: bytes, uid: str) -> Path:
    build.write(path)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    return path


def _jpeg2000(path: Path) -> bytes:
    dataset = pydicom.dcmread(build.write(path, syntax="jpeg2000"))
    return pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)


def _before_pixels(path: Path, extra: bytes) -> Path:
    data = path.read_bytes()
    at = data.find(b"\xe0\x7f\x10\x00")
    path.write_bytes(data[:at] + extra + data[at:])
    return path


def _png(path: Path, chunks) -> Path:
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
    )
    return path
