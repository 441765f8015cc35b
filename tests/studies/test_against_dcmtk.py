"""The greys on the screen against `dcmj2pnm` of Debian's dcmtk, at the same window."""

import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from cxr_demo.errors import StudyError
from cxr_demo.records import VoiFunction
from cxr_demo.studies import render
from tests.studies import build

FUNCTIONS = ("LINEAR", "SIGMOID")


def assert_like_dcmtk(path, radiograph, minimum=1, full=True):
    """Every window of the file, and the full range, at most one grey level from dcmtk's."""
    own = [each for each in radiograph.windows if each.label != "full"]
    tables = [each for each in own if each.function is VoiFunction.TABLE]
    lines = [each for each in own if each.function is not VoiFunction.TABLE]
    compared = 0
    for window in radiograph.windows if full else own:
        if window.label == "full":
            options = ["+Wfl", "+Wm"]
        elif window in tables:
            options = ["+Wl", str(tables.index(window) + 1)]
        else:
            sigmoid = window.function is VoiFunction.SIGMOID
            options = ["+Wfs" if sigmoid else "+Wfl", "+Wi", str(lines.index(window) + 1)]
        theirs = build.dcmj2pnm(path, "-O", *options)
        if theirs is None:
            continue
        difference = np.abs(render(radiograph, window).astype(int) - theirs)
        assert difference.max() <= 1, (path.name, options, difference.max())
        compared += 1
    assert compared >= minimum, "dcmtk rendered nothing, so nothing was compared"


# What dcmtk cannot decode (JPEG 2000), what is no grey single frame, and what counts padding in.
COMPARABLE = (
    "693_UNCI JPEG-LL JPEG2000_UNC JPGLosslessP14SV1_1s_1f_8b MR-SIEMENS-DICOM-WithOverlays "
    "MR2_UNCI MR2_UNCR RG1_UNCI RG1_UNCR RG3_UNCI RG3_UNCR bad_sequence mlut_18 vlut_04"
)


@pytest.mark.parametrize("name", COMPARABLE.split())
def test_real_files(name, tmp_path):
    path = Path(shutil.copy(build.REAL / f"{name}.dcm", tmp_path))
    assert_like_dcmtk(path, build.decode(path))


def test_no_real_file_is_forgotten(tmp_path):
    """Whatever dcmtk renders in grey, and this app decodes, is in the list above."""
    build.dcmtk("dcmj2pnm")
    for source in sorted(build.REAL.glob("*.dcm")):
        if source.stem in COMPARABLE.split() or source.stem == "693_UNCR":
            continue
        path = Path(shutil.copy(source, tmp_path))
        try:
            radiograph = build.decode(path)
        except StudyError:
            continue
        theirs = build.dcmj2pnm(path, "+Wm")
        assert radiograph.photometric not in ("MONOCHROME1", "MONOCHROME2") or theirs is None


def matrix():
    return list(
        itertools.product(
            (False, True), (8, 10, 12, 16), ("MONOCHROME1", "MONOCHROME2"), ("1", "-1", "0.5")
        )
    )


@pytest.mark.parametrize(("signed", "bits", "photometric", "slope"), matrix())
def test_matrix(signed, bits, photometric, slope, tmp_path):
    """Signed and unsigned, depths, polarities, slopes; both functions and several windows each."""
    pixels = build.picture(bits=bits)
    if signed:
        kind = np.int8 if bits == 8 else np.int16
        pixels = (pixels.astype(np.int32) - (1 << (bits - 1))).astype(kind)
    scale = (1 << bits) / 4096 * float(slope)
    middle = (0 if signed else (1 << (bits - 1))) * float(slope)
    # dcmtk rounds modality values to whole numbers first, so half steps need a wide window to stay
    # below one grey level; `test_voi` holds narrow ones against the formula.
    least = 512 if slope == "0.5" else 1
    widths = [max(least, abs(scale) * each) for each in (2000, 901)]
    centres = [middle + 0.1 * (1 << bits), middle - 0.13 * (1 << bits)]
    for function in FUNCTIONS:
        path = build.write(
            tmp_path / f"{function}.dcm",
            pixels,
            bits=bits,
            photometric=photometric,
            tags={
                "RescaleSlope": slope,
                "RescaleIntercept": "-7",
                "WindowCenter": [f"{each - 7:.4f}" for each in centres],
                "WindowWidth": [f"{each:.4f}" for each in widths],
                "VOILUTFunction": function,
            },
        )
        radiograph = build.decode(path)
        assert len(radiograph.windows) == 3
        assert radiograph.windows[0].function == function
        assert_like_dcmtk(path, radiograph, minimum=2, full=False)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", ["modality", "voi", "both"])
def test_tables(kind, signed, photometric, tmp_path):
    pixels = build.picture()
    pixels = (pixels.astype(np.int32) - 2048).astype(np.int16) if signed else pixels
    first = -2048 if signed else 0
    curve = np.floor(np.linspace(0, 1, 4096) ** 2 * 65535).astype(np.uint16)
    short = np.floor(np.sqrt(np.linspace(0, 1, 1000)) * 1023).astype(np.uint16)
    vr = "SS" if signed else "US"
    tags = {"RescaleSlope": None, "RescaleIntercept": None, "RescaleType": None}
    if kind in ("modality", "both"):
        tags["ModalityLUTSequence"] = [build.lut_item(first, curve, 16, vr)]
    if kind in ("voi", "both"):
        start = 20000 if kind == "both" else first + 1500
        tags["VOILUTSequence"] = [
            build.lut_item(start, short, 10, "US" if kind == "both" else vr),
            build.lut_item(start, short[::-1].copy(), 10, "US" if kind == "both" else vr),
        ]
    path = build.write(tmp_path / "x.dcm", pixels, photometric=photometric, tags=tags)
    radiograph = build.decode(path)
    assert len(radiograph.windows) == (1 if kind == "modality" else 3)
    assert_like_dcmtk(path, radiograph, minimum=len(radiograph.windows))


CODECS = {
    "rle": ("dcmcrle",),
    "JPEG Lossless SV1": ("dcmcjpeg", "+e1"),
    "JPEG Lossless": ("dcmcjpeg", "+el"),
    "JPEG-LS": ("dcmcjpls",),
}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("codec", CODECS)
def test_compressed(codec, bits, photometric, tmp_path):
    """Compressed by dcmtk, lossless: the same pixels as before, and dcmtk's own greys."""
    tags = {"WindowCenter": str(0.4 * (1 << bits)), "WindowWidth": str(0.5 * (1 << bits))}
    plain = build.write(
        tmp_path / "plain.dcm",
        build.picture(bits=bits),
        bits=bits,
        photometric=photometric,
        tags=tags,
    )
    packed = tmp_path / "packed.dcm"
    tool, *options = CODECS[codec]
    subprocess.run([build.dcmtk(tool), *options, str(plain), str(packed)], check=True, timeout=60)
    radiograph = build.decode(packed)
    assert radiograph.syntax.startswith(codec.upper() if codec == "rle" else codec)
    np.testing.assert_array_equal(radiograph.pixels, build.decode(plain).pixels)
    reference = packed
    if codec == "JPEG-LS":
        # dcmj2pnm has no JPEG-LS; dcmdjpls unpacks it first.
        reference = tmp_path / "unpacked.dcm"
        subprocess.run([build.dcmtk("dcmdjpls"), str(packed), str(reference)], check=True)
    assert_like_dcmtk(reference, radiograph, minimum=2)


def test_baseline_jpeg(tmp_path):
    """JPEG Baseline, grey, as dcmtk compresses and decompresses it."""
    plain = build.write(tmp_path / "plain.dcm", build.picture(bits=8), bits=8)
    packed = tmp_path / "packed.dcm"
    subprocess.run([build.dcmtk("dcmcjpeg"), "+eb", str(plain), str(packed)], check=True)
    radiograph = build.decode(packed)
    assert "lossy" in {each.code for each in radiograph.notices}
    assert_like_dcmtk(packed, radiograph)


def test_unused_bits_and_high_bit(tmp_path):
    """Ten bits stored at bit 11 of 16, with rubbish above and below them."""
    pixels = build.picture(bits=10)
    path = build.write(tmp_path / "x.dcm", pixels, bits=10)
    dataset = pydicom.dcmread(path)
    dirty = (pixels << 2) | 0xF003
    dataset.PixelData = dirty.astype("<u2").tobytes()
    dataset.HighBit = 11
    dataset.save_as(path)
    radiograph = build.decode(path)
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert_like_dcmtk(path, radiograph)
