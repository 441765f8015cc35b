"""PNG and JPEG: the range is kept, whatever the mode."""

import struct
import subprocess
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image

from cxr_demo.studies import has_file_lut, open_bytes, open_study, render
from cxr_demo.studies.errors import FileDamaged, SyntaxUnsupported, TooManyPixels
from tests.studies import build


def grey8(rows=200, columns=180):
    return (build.chest(rows, columns) >> 4).astype(np.uint8)


def grey16(rows=150, columns=130):
    return build.chest(rows, columns, bits=16)


def opened(path):
    (radiograph,) = open_study(path)
    return radiograph


def test_8_bit_png_is_shown_as_it_is(tmp_path):
    pixels = np.clip(grey8(), 60, 180)  # a narrow range is not stretched
    Image.fromarray(pixels).save(tmp_path / "x.png")
    radiograph = opened(tmp_path / "x.png")
    np.testing.assert_array_equal(render(radiograph), pixels)
    assert (radiograph.bits, radiograph.source) == (8, "PNG")
    assert [each.label for each in radiograph.windows] == ["file", "full"]
    assert not has_file_lut(radiograph), "nothing that a switch could leave out"
    full = render(radiograph, radiograph.windows[1])
    assert (full.min(), full.max()) == (0, 255)


def test_16_bit_png_keeps_its_range(tmp_path):
    pixels = grey16() // 16 + 1000
    Image.fromarray(pixels).save(tmp_path / "x.png")
    radiograph = opened(tmp_path / "x.png")
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert radiograph.bits == 16
    greys = render(radiograph, bits=16)
    assert (greys.min(), greys.max()) == (0, 65535)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L"])
def test_grey_saved_in_other_modes(mode, tmp_path):
    pixels = grey8()
    Image.fromarray(pixels).convert(mode).save(tmp_path / "x.png")
    np.testing.assert_array_equal(opened(tmp_path / "x.png").pixels, pixels)


def test_jpeg(tmp_path):
    pixels = grey8()
    Image.fromarray(pixels).save(tmp_path / "grey.jpg", quality=95)
    Image.fromarray(pixels).convert("RGB").save(tmp_path / "colour.jpg", quality=95)
    for name in ("grey.jpg", "colour.jpg"):
        radiograph = opened(tmp_path / name)
        assert radiograph.source == "JPEG"
        assert np.abs(radiograph.pixels.astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize(("tool", "option"), [("dcmcjpeg", "+e1"), ("dcmcjpls", "+el")])
def test_lossless_jpegs_keep_their_range(tool, option, bits, tmp_path):
    """JPEG Lossless and JPEG-LS outside DICOM, from streams that dcmtk wrote."""
    pixels = build.chest(151, 131, bits=bits)
    plain = build.write(tmp_path / "plain.dcm", pixels, bits=bits)
    packed = tmp_path / "packed.dcm"
    subprocess.run([build.dcmtk(tool), option, str(plain), str(packed)], check=True)
    dataset = pydicom.dcmread(packed)
    frame = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    radiograph = open_bytes(frame)
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    # dcmtk writes whatever is deeper than 8 bits as streams of 16.
    assert (radiograph.source, radiograph.bits) == ("JPEG", 8 if bits == 8 else 16)
    with pytest.raises((FileDamaged, TooManyPixels)):
        open_bytes(frame[: len(frame) // 2])


def test_12_bit_lossy_jpeg_is_refused_by_name():
    dataset = pydicom.dcmread(build.PYDICOM / "JPGExtended.dcm")
    frame = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    with pytest.raises(SyntaxUnsupported, match="JPEG, 12 bits"):
        open_bytes(frame)


def test_turned_by_exif(tmp_path):
    pixels = grey8()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(opened(tmp_path / "x.png").pixels, np.rot90(pixels, -1))


def png(pixels, kind, filters, interlaced=0):
    """A PNG of 16 bits with the given filter in each row, written by the book, byte by byte."""
    rows, columns, channels = pixels.shape
    plain = pixels.astype(">u2").tobytes()
    size, step = columns * channels * 2, channels * 2
    lines, above = [], bytes(size)
    for y in range(rows):
        line, kind_of_filter = plain[y * size : (y + 1) * size], filters[y % len(filters)]
        out = bytearray([kind_of_filter])
        for i in range(size):
            left = line[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            guess = [0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner)]
            out.append((line[i] - guess[kind_of_filter]) & 255)
        lines.append(bytes(out))
        above = line
    head = struct.pack(">IIBBBBB", columns, rows, 16, kind, 0, 0, interlaced)
    packed = zlib.compress(b"".join(lines))
    chunks = [(b"IHDR", head), (b"IDAT", packed[:100]), (b"IDAT", packed[100:]), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def paeth(left, upper, corner):
    distances = [abs(left + upper - corner - each) for each in (left, upper, corner)]
    return (left, upper, corner)[distances.index(min(distances))]


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (4, 1, 3, 0, 2)])
def test_16_bit_colour_png_keeps_its_range(filters):
    """Pillow would cut these to 8 bits: 2 is RGB, 4 grey with alpha, 6 RGB with alpha."""
    grey = grey16(70, 66)
    opaque = np.full_like(grey, 65535)
    for kind, planes in ((2, [grey] * 3), (4, [grey, opaque]), (6, [grey] * 3 + [opaque])):
        radiograph = open_bytes(png(np.stack(planes, axis=2), kind, filters))
        np.testing.assert_array_equal(radiograph.pixels, grey)
        assert radiograph.bits == 16


def test_16_bit_colour_png_at_full_size_is_quick():
    import time

    grey = grey16(1500, 1500)
    rows = np.stack([grey] * 3, axis=2).astype(">u2").reshape(1500, -1).view(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", 1500, 1500, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b""))
    )
    start = time.monotonic()
    np.testing.assert_array_equal(open_bytes(data).pixels, grey)
    assert time.monotonic() - start < 10


def test_refused(tmp_path):
    grey = grey16(70, 66)[..., None].repeat(3, axis=2)
    with pytest.raises(SyntaxUnsupported):
        open_bytes(png(grey, 2, (0,), interlaced=1))
    whole = png(grey, 2, (0,))
    for cut in (20, 40, len(whole) // 2):
        with pytest.raises(FileDamaged):
            open_bytes(whole[:cut])
    Image.fromarray(grey8()).save(tmp_path / "x.jpg")
    jpeg = (tmp_path / "x.jpg").read_bytes()
    for cut in (3, 100, len(jpeg) // 2):
        with pytest.raises(FileDamaged):
            open_bytes(jpeg[:cut])


def test_13000_x_13000_png_is_refused_from_its_header():
    head = struct.pack(">IIBBBBB", 13000, 13000, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + b"\0" * 100
    with pytest.raises(TooManyPixels):
        open_bytes(data)
