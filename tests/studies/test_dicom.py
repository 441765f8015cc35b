"""DICOM files: syntaxes, twins, windows, and what is refused by name."""

import numpy as np
import pydicom
import pytest

from cxr_demo.records import View, VoiFunction, Window
from cxr_demo.studies import has_file_lut, ignore_file_lut, open_bytes, open_study, render
from cxr_demo.studies.errors import (
    ConstantImage,
    DepthUnsupported,
    EmptyFile,
    FileDamaged,
    FileTooLarge,
    FileUnreadable,
    NoPixels,
    SeveralFrames,
    SizesDisagree,
    SyntaxUnsupported,
    TooManyPixels,
    UnknownFormat,
)
from tests.studies import build


def codes(radiograph):
    return {each.code for each in radiograph.notices}


def test_the_real_chest():
    """RG1 of pydicom-data: a PA chest, MONOCHROME1, bones white on the screen."""
    (compressed,) = open_study(build.REAL / "RG1_J2KR.dcm")
    (plain,) = open_study(build.REAL / "RG1_UNCR.dcm")
    np.testing.assert_array_equal(compressed.pixels, plain.pixels)
    assert plain.pixels.shape == (1955, 1841)
    assert (plain.view, plain.bits, plain.photometric) == (View.PA, 15, "MONOCHROME1")
    assert plain.windows[0].label == "file"
    assert plain.windows[-1].label == "full"
    assert plain.spacing is None  # the file says 0
    assert not plain.declared_phantom
    greys = render(plain).astype(float)
    mediastinum, left_lung = greys[900:1000, 900:1000].mean(), greys[550:700, 1050:1250].mean()
    assert mediastinum > left_lung + 40
    (lossy,) = open_study(build.REAL / "RG1_J2KI.dcm")
    assert "lossy" in codes(lossy)
    assert np.abs(render(lossy).astype(int) - render(plain)).mean() < 2


@pytest.mark.parametrize("syntax", ["uncompressed", "implicit", "rle", "jpeg2000", "jpegls"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 12, 14, 16])
def test_written_and_read(syntax, photometric, bits, tmp_path):
    """What `write_dicom` writes, comes back bit for bit with all that it says."""
    pixels = build.chest(bits=bits)
    window = Window(0.45 * (1 << bits), 0.7 * (1 << bits), VoiFunction.LINEAR)
    path = build.write(
        tmp_path / "x.dcm",
        pixels,
        bits=bits,
        photometric=photometric,
        syntax=syntax,
        phantom=True,
        view=View.AP,
        spacing=(0.14, 0.15),
        window=window,
    )
    (radiograph,) = open_study(path)
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert (radiograph.bits, radiograph.view, radiograph.spacing) == (bits, View.AP, (0.14, 0.15))
    assert radiograph.declared_phantom
    assert radiograph.modality == "DX"
    assert radiograph.windows[0].centre == pytest.approx(window.centre)
    assert radiograph.windows[0].width == pytest.approx(window.width)
    assert not codes(radiograph), "SYNTHETIC in the picture names nobody"


def test_same_seed_same_bytes(tmp_path):
    one, two = (
        build.write(tmp_path / name, uid_seed="7", phantom=True) for name in ("a.dcm", "b.dcm")
    )
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("htj2k_lossless", "1.2.840.10008.1.2.4.201"),
        ("htj2k_lossless_rpcl", "1.2.840.10008.1.2.4.202"),
        ("htj2k_lossless", "1.2.840.10008.1.2.4.203"),
    ],
)
def test_htj2k_twin(name, uid, tmp_path):
    """Streams that OpenJPH 0.9 wrote from `build.picture()`, reversible."""
    pixels = build.picture()
    frame = (build.DATA / f"{name}.j2c").read_bytes()
    path = build.write_frame(tmp_path / "x.dcm", frame, uid, pixels)
    radiograph = build.decode(path)
    np.testing.assert_array_equal(radiograph.pixels, pixels)


def test_refused_by_name():
    expected = {
        "image_dfl": "Deflated Explicit VR Little Endian",
        "ExplVR_BigEnd": "Explicit VR Big Endian",
        "MR_small_bigendian": "Explicit VR Big Endian",
        "JPGExtended": "JPEG Extended, 12 bits",
    }
    for name, syntax in expected.items():
        with pytest.raises(SyntaxUnsupported) as caught:
            build.decode(build.PYDICOM / f"{name}.dcm")
        assert caught.value.params == {"syntax": syntax}


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
        ("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
        ("1.2.3.4.5.6", "private"),
    ],
)
def test_video_and_private_syntaxes(uid, name, tmp_path):
    path = build.write_frame(tmp_path / "x.dcm", b"\0" * 100, uid, build.picture())
    with pytest.raises(SyntaxUnsupported) as caught:
        open_study(path)
    assert caught.value.params["syntax"] == name


def test_content_decides_not_the_name(tmp_path):
    path = build.write(tmp_path / "holiday.jpg")
    assert open_study(path)[0].source == "DICOM"
    bare = tmp_path / "no_extension"
    bare.write_bytes(path.read_bytes()[132:])  # no preamble either
    assert open_study(bare)[0].modality == "DX"


def test_without_meta_information(tmp_path):
    """Old exports begin with group 8, in either little endian form."""
    for syntax in ("implicit", "uncompressed"):
        path = build.write(tmp_path / "x.dcm", syntax=syntax)
        data = path.read_bytes()
        start = 144 + int.from_bytes(data[140:144], "little")
        assert open_bytes(data[start:]).pixels.shape == (300, 280)


def test_bad_input(tmp_path):
    """One clear sentence each, in both languages."""
    good = build.write(tmp_path / "good.dcm").read_bytes()
    cases = {
        "text.dcm": (b"This is not a radiograph.\n" * 50, UnknownFormat),
        "cut.dcm": (good[: len(good) // 2], FileDamaged),
        "cut_in_header.dcm": (good[:500], NoPixels),
        "cut_in_meta.dcm": (good[:150], FileDamaged),
        "empty.dcm": (b"", EmptyFile),
        "zeros.dcm": (b"\0" * 5000, EmptyFile),
    }
    for name, (data, kind) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(kind) as caught:
            open_study(path)
        for language in ("en", "pt"):
            sentence = caught.value.message(language)
            assert sentence.endswith(".")
            assert "?" not in sentence
            assert str(tmp_path) not in sentence
            assert name not in sentence
    with pytest.raises(FileUnreadable):
        open_study(tmp_path / "missing.dcm")
    with pytest.raises(NoPixels):
        open_study(build.PYDICOM / "empty_charset_LEI.dcm")


def test_200_mb_are_not_read(tmp_path):
    path = tmp_path / "huge.dcm"
    with path.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    with pytest.raises(FileTooLarge) as caught:
        open_study(path)
    assert "200.0 MiB" in caught.value.message()


def changed(path, **tags):
    dataset = pydicom.dcmread(build.write(path))
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"Rows": 600}, FileDamaged),
        ({"Rows": 150}, SizesDisagree),
        ({"Rows": 65535, "Columns": 65535}, TooManyPixels),
        ({"NumberOfFrames": 3}, SeveralFrames),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, DepthUnsupported),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, DepthUnsupported),
        ({"SamplesPerPixel": 3}, FileDamaged),
        ({"PhotometricInterpretation": "CMYK"}, FileDamaged),
        ({"PixelData": bytes(300 * 280 * 2)}, ConstantImage),
        ({"PixelData": b"\x34\x12" * 300 * 280}, ConstantImage),
    ],
)
def test_headers_that_lie(tags, kind, tmp_path):
    with pytest.raises(kind):
        open_study(changed(tmp_path / "x.dcm", **tags))


def test_several_windows_are_presets(tmp_path):
    path = changed(
        tmp_path / "x.dcm",
        WindowCenter=["2000", "1500", "900"],
        WindowWidth=["3000", "1000", "0"],
        WindowCenterWidthExplanation=["LUNG", "DOE^JOHN", "BONE"],
    )
    (radiograph,) = open_study(path)
    assert [each.label for each in radiograph.windows] == ["lung", "file", "full"]
    assert "window_invalid" in codes(radiograph)


def test_a_useless_window_comes_second(tmp_path):
    (radiograph,) = open_study(changed(tmp_path / "x.dcm", WindowCenter="9000", WindowWidth="10"))
    assert [each.label for each in radiograph.windows] == ["full", "file"]
    assert "window_unusable" in codes(radiograph)


def test_the_switch_that_ignores_the_files_lut(tmp_path):
    path = changed(tmp_path / "x.dcm", WindowCenter="1000", WindowWidth="500")
    (own,), (full,) = open_study(path), open_study(path, ignore_file_lut=True)
    assert has_file_lut(own)
    assert not has_file_lut(full)
    assert [each.label for each in full.windows] == ["full"]
    assert (render(own) != render(full)).any()
    np.testing.assert_array_equal(render(ignore_file_lut(own)), render(full))
    assert codes(full) - codes(own) == {"file_lut_ignored"}
    assert ignore_file_lut(full) is full


def test_invalid_rescale_is_left_out(tmp_path):
    (radiograph,) = open_study(changed(tmp_path / "x.dcm", RescaleSlope="0"))
    assert "rescale_invalid" in codes(radiograph)
    assert radiograph.slope == 1


@pytest.mark.parametrize("syntax", ["uncompressed", "rle", "jpeg2000", "jpegls"])
@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values(syntax, bits, tmp_path):
    pixels = (build.chest(bits=bits).astype(np.int32) - (1 << (bits - 1))).astype(np.int16)
    (radiograph,) = open_study(build.write(tmp_path / "x.dcm", pixels, bits=bits, syntax=syntax))
    values = radiograph.slope * radiograph.pixels + radiograph.intercept
    np.testing.assert_array_equal(values, pixels)
