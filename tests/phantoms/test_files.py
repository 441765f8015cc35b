"""Phantoms as files: real DICOM, PNG and JPEG that open as what they are."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image

from cxr_demo.phantoms import SAMPLE_SEEDS, TEST_SEEDS, draw, plan, samples, strip
from cxr_demo.phantoms.files import Kind, write
from cxr_demo.records import View
from cxr_demo.studies import open_study

DICOM = [kind for kind in Kind if kind.value.startswith("dicom")]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_opens_and_is_known_as_a_phantom(kind, tmp_path):
    for seed in TEST_SEEDS[:2]:
        path = tmp_path / f"{seed}{kind.suffix}"
        write(plan(seed), path, kind, width=640)
        (radiograph,) = open_study(path)
        assert strip.read(radiograph.pixels) == seed
        assert radiograph.pixels.shape == plan(seed).native_size(640)


@pytest.mark.parametrize("kind", DICOM)
def test_dicom_keeps_every_pixel_and_says_phantom(kind, tmp_path):
    each = plan(next(s for s in TEST_SEEDS if plan(s).exposure.bits == 14))
    write(each, tmp_path / "a.dcm", kind, width=512)
    (radiograph,) = open_study(tmp_path / "a.dcm")
    assert np.array_equal(radiograph.pixels, draw(each, each.native_size(512)))
    assert radiograph.bits == 14
    assert radiograph.declared_phantom
    assert radiograph.view is each.exposure.view
    assert radiograph.spacing == pytest.approx((400 / 512, 400 / 512))
    tags = pydicom.dcmread(tmp_path / "a.dcm")
    assert tags.Modality == "DX"
    assert tags.PatientID == "PHANTOM"
    assert tags.QualityControlImage == "YES"
    assert tags.ImageType[0] == "DERIVED"
    assert tags.BodyPartExamined == "CHEST"
    assert tags.ViewPosition in ("PA", "AP")
    assert tags.PhotometricInterpretation == ("MONOCHROME1" if "1" in kind else "MONOCHROME2")


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    for name in ("a.dcm", "b.dcm"):
        write(plan(3), tmp_path / name, Kind.DICOM_MONO1_J2K, width=400)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_png16_keeps_every_grey(tmp_path):
    each = plan(TEST_SEEDS[1])
    write(each, tmp_path / "a.png", Kind.PNG16, width=400)
    pixels = np.asarray(Image.open(tmp_path / "a.png"))
    assert np.array_equal(pixels >> (16 - each.exposure.bits), draw(each, each.native_size(400)))


# ---------------------------------------------------------------- the samples of the app


@pytest.mark.parametrize("sample", samples.samples(), ids=lambda each: each.id)
def test_samples_open_and_are_phantoms(sample):
    (radiograph,) = open_study(sample.path)
    assert strip.read(radiograph.pixels) == sample.seed
    assert sample.seed in SAMPLE_SEEDS
    assert radiograph.pixels.shape == plan(sample.seed).native_size(sample.width)
    if radiograph.view is not View.UNKNOWN:
        assert radiograph.view.value in sample.title()


def test_samples_show_what_they_were_drawn_from():
    """A change of the drawing without a new `PHANTOM_VERSION` and new files fails here."""
    for sample in samples.samples():
        (radiograph,) = open_study(sample.path)
        each = plan(sample.seed)
        size = each.native_size(400)
        drawn = draw(each, size).astype(np.float32) / (2**each.exposure.bits - 1)
        image = Image.fromarray(radiograph.pixels.astype(np.float32) / (2**radiograph.bits - 1))
        stored = np.asarray(image.resize(size[::-1], Image.Resampling.BOX))
        chest = np.s_[50 : int(0.92 * size[0]), 20:380]
        assert np.corrcoef(drawn[chest].ravel(), stored[chest].ravel())[0, 1] > 0.99


def test_samples_are_a_mixture_and_small():
    every = samples.samples()
    assert 6 <= len(every) <= 8
    assert {each.path.suffix for each in every} == {".dcm", ".png", ".jpg"}
    assert {each.kind for each in every} >= {"dicom-mono2-j2k", "dicom-mono1-j2k", "png16"}
    assert sum(each.path.stat().st_size for each in every) < 8_000_000
    assert len({each.seed for each in every}) == len(every)


def test_titles_give_nothing_away():
    for sample in samples.samples():
        for language, word in (("en", "Sample"), ("pt", "Amostra")):
            assert sample.title(language).startswith(f"{word} ")
            assert len(sample.title(language)) < 32


def test_thumbnails_are_small_pngs():
    with Image.open(io.BytesIO(samples.thumbnail("sample-1"))) as image:
        assert image.format == "PNG"
        assert image.width == 224
    with pytest.raises(KeyError):
        samples.thumbnail("sample-0")
