"""Canaries planted wherever a file can name a patient; none comes out anywhere."""

import gc
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset

from cxr_demo.errors import StudyError
from cxr_demo.studies import NOTICES, list_studies, open_study, sentence
from cxr_demo.studies.pool import DecodePool
from tests.studies import build, hostile

CANARY = "CANARYxq"
TEXTS = (
    "PatientName PatientID PatientBirthDate PatientAddress OtherPatientIDs PatientComments "
    "ReferringPhysicianName OperatorsName InstitutionName AccessionNumber StudyID StudyDate "
    "StudyDescription SeriesDescription ProtocolName ImageComments DerivationDescription "
    "WindowCenterWidthExplanation StationName DeviceSerialNumber RequestedProcedureDescription"
)
ROOT = Path(__file__).resolve().parents[2]


def plant(path):
    """A DICOM file that says the canary in every tag of text that can be thought of."""
    dataset = pydicom.dcmread(build.write(path, tags={"WindowCenter": [1000, 2000]}))
    dataset.WindowWidth = [3000, 2000]
    plant_tags(dataset)
    dataset.BodyPartExamined = ""
    dataset.ViewPosition = ""
    dataset.save_as(path)
    return path


def plant_tags(dataset):
    """The canary in every tag of text and in private ones."""
    for keyword in TEXTS.split():
        value = f"{CANARY}^{keyword}"[:16] if "ID" in keyword else f"{CANARY}^{keyword}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if keyword == "WindowCenterWidthExplanation":
                value = [value, value]
            setattr(dataset, keyword, value)
    block = dataset.private_block(0x0011, CANARY, create=True)
    block.add_new(1, "LO", CANARY)
    block.add_new(2, "UN", CANARY.encode())
    item = Dataset()
    item.PatientID = CANARY
    dataset.OtherPatientIDsSequence = [item]


def plant_raster(folder):
    pixels = (build.chest() >> 4).astype(np.uint8)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Patient", CANARY)
    notes.add_itxt("Comment", CANARY)
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = CANARY
    Image.fromarray(pixels).save(folder / f"{CANARY}.png", pnginfo=notes, exif=exif)
    Image.fromarray(pixels).save(folder / f"{CANARY}.jpg", exif=exif, comment=CANARY.encode())
    return [folder / f"{CANARY}.png", folder / f"{CANARY}.jpg"]


def said(radiograph):
    """All that a radiograph carries, as bytes."""
    sentences = [sentence(each, lang) for each in radiograph.notices for lang in ("en", "pt")]
    return (
        pickle.dumps(asdict(radiograph))
        + json.dumps(sentences).encode()
        + repr(radiograph).encode()
    )


@pytest.fixture
def planted(tmp_path):
    folder = tmp_path / CANARY
    folder.mkdir()
    return [plant(folder / f"{CANARY}.dcm"), *plant_raster(folder)]


def test_canaries_are_in_the_files(planted):
    assert all(CANARY.encode() in each.read_bytes() for each in planted)


def test_nothing_of_a_radiograph(planted, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with DecodePool(size=1) as pool:
        for path in planted:
            for opened in (open_study(path), pool.open(path)):
                assert CANARY.encode() not in said(opened[0])
    assert CANARY not in caplog.text
    out, err = capfd.readouterr()
    assert CANARY not in out + err


def test_nothing_of_an_error(planted, caplog, capfd):
    """Broken in a hundred ways: what is said about it names nobody."""
    caplog.set_level(logging.DEBUG)
    good = planted[0].read_bytes()
    sentences = []
    for at in range(140, len(good), len(good) // 60):
        for data in (good[:at], good[:at] + b"\xff" * 9 + good[at + 9 :]):
            planted[0].write_bytes(data)
            try:
                open_study(planted[0])
            except StudyError as error:
                sentences += [str(error), repr(error), error.message("pt"), str(error.to_dict())]
                sentences += traceback.format_exception(error)[-1:]
                quoted = "".join(traceback.format_exception(error))
                assert "Traceback" in quoted
                assert CANARY not in quoted.replace(str(planted[0]), "")
    for part in ("Modality", "BodyPartExamined", "ViewPosition", "PhotometricInterpretation"):
        path = plant(planted[0])
        dataset = pydicom.dcmread(path)
        setattr(dataset, part, CANARY.upper())
        dataset.save_as(path)
        try:
            assert CANARY.upper().encode() not in said(open_study(path)[0])
        except StudyError as error:
            sentences += [str(error), repr(error), error.message("pt"), str(error.to_dict())]
    assert len(sentences) > 50
    assert not any(CANARY.lower() in each.lower() for each in sentences)
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())


def test_nothing_in_lists(planted):
    found = list_studies(planted[0].parent)
    assert len(found) == 3
    assert CANARY not in repr(found)


def test_nothing_on_disk_and_on_standard_error(planted, tmp_path):
    """A program of its own, that opens, is refused, and logs all it can."""
    home = tmp_path / "home"
    code = (
        "import logging, sys; logging.basicConfig(level=0);"
        "from pathlib import Path; from cxr_demo.errors import StudyError;"
        "from cxr_demo.studies.pool import DecodePool; from cxr_demo.studies import open_study\n"
        "with DecodePool(1) as pool:\n"
        " for name in sys.argv[1:]:\n"
        "  for do in (pool.open, open_study):\n"
        "   try: print(do(Path(name)))\n"
        "   except StudyError as error: print(error, repr(error))\n"
    )
    bad = planted[0].with_name(f"{CANARY}_bad")
    bad.write_bytes(planted[0].read_bytes().replace(b"DX", b"QQ"))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CXR_DEMO_HOME": str(home),
        "TMPDIR": str(home),
        "HOME": str(home),
    }
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, [*planted, bad])],
        capture_output=True,
        env=environment,
        check=True,
    )
    assert CANARY.encode() not in done.stdout + done.stderr
    left = [each for each in home.rglob("*") if each.is_file()]
    assert not any(CANARY.encode() in each.read_bytes() for each in left)
    assert not any(CANARY in str(each.relative_to(home)) for each in home.rglob("*"))


def test_the_child_gets_no_secrets(monkeypatch):
    from cxr_demo.studies import pool

    monkeypatch.setenv("HF_TOKEN", CANARY)
    assert CANARY not in str(pool._environment())


def test_burned_in_text_is_pointed_out(tmp_path):
    for value, expected in (
        ("YES", {"annotation_yes"}),
        ("NO", set()),
        (None, {"annotation_unknown"}),
    ):
        path = build.write(tmp_path / "x", tags={"BurnedInAnnotation": value})
        assert {each.code for each in open_study(path)[0].notices} == expected
    everything = " ".join(" ".join(each) for each in NOTICES.values()).lower()
    assert "identified" not in everything
    assert "anonym" not in everything


def test_no_memory_of_hostile_files(tmp_path):
    """In-process use as well keeps nothing of a refused file alive."""
    path = hostile.rle_bomb(tmp_path / "x")
    with pytest.raises(StudyError):
        open_study(path)
    gc.collect()
    assert not any(issubclass(type(each), Dataset) for each in gc.get_objects())
