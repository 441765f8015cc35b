"""Opens, opens with notices, or is refused with the reason."""

import numpy as np
import pytest
from PIL import Image

from cxr_demo.records import View
from cxr_demo.studies import NOTICES, open_study, sentence
from cxr_demo.studies.errors import (
    ColourPicture,
    ConstantImage,
    NoPixels,
    TooFewPixels,
    WrongBodyPart,
    WrongModality,
)
from tests.studies import build


def opened(tmp_path, pixels=None, **tags):
    (radiograph,) = open_study(build.write(tmp_path / "x.dcm", pixels, tags=tags))
    return radiograph


def codes(radiograph):
    return {each.code for each in radiograph.notices}


def test_a_plain_chest_has_no_notices(tmp_path):
    assert codes(opened(tmp_path)) == set()


@pytest.mark.parametrize("name", ["RG3_UNCR", "RG3_UNCI", "RG3_J2KR", "RG3_J2KI"])
def test_the_real_extremity(name):
    with pytest.raises(WrongBodyPart) as caught:
        open_study(build.REAL / f"{name}.dcm")
    assert caught.value.params == {"part": "EXTREMITY"}


@pytest.mark.parametrize(
    ("tags", "part"),
    [
        ({"BodyPartExamined": "HAND"}, "HAND"),
        ({"BodyPartExamined": "", "StudyDescription": "RX MÃO E PUNHO"}, "HAND"),
        ({"BodyPartExamined": "", "SeriesDescription": "Joelho AP"}, "KNEE"),
        ({"BodyPartExamined": "", "StudyDescription": "RX ABDOME AGUDO"}, "ABDOMEN"),
    ],
)
def test_other_parts_of_the_body(tags, part, tmp_path):
    with pytest.raises(WrongBodyPart) as caught:
        opened(tmp_path, **tags)
    assert caught.value.params == {"part": part}


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "MG", "PT"])
def test_other_modalities(modality, tmp_path):
    with pytest.raises(WrongModality, match=modality):
        opened(tmp_path, Modality=modality)


def test_an_invented_modality_is_not_repeated(tmp_path):
    radiograph = opened(tmp_path, Modality="DOE JOHN")
    assert codes(radiograph) == {"modality_unknown"}
    assert radiograph.modality is None


def test_no_image(tmp_path):
    with pytest.raises((NoPixels, WrongModality)):
        open_study(build.PYDICOM / "test-SR.dcm")


@pytest.mark.parametrize(
    ("tags", "view", "code"),
    [
        ({"ViewPosition": "LL", "PatientOrientation": ["P", "F"]}, View.LATERAL, "lateral"),
        ({"ViewPosition": "LATERAL"}, View.LATERAL, "lateral"),
        ({"ViewPosition": "", "PatientOrientation": ["A", "F"]}, View.LATERAL, "lateral"),
        ({"ViewPosition": "", "SeriesDescription": "Torax Perfil"}, View.LATERAL, "lateral"),
        ({"ViewPosition": "", "SeriesDescription": "Torax PA"}, View.PA, None),
        ({"ViewPosition": "AP"}, View.AP, None),
        ({"ViewPosition": ""}, View.UNKNOWN, "view_unknown"),
        ({"ViewPosition": "LAO"}, View.UNKNOWN, "view_unusual"),
        ({"PatientOrientation": ["R", "F"]}, View.PA, "orientation"),
        ({"PatientOrientation": ["F", "R"]}, View.PA, "orientation"),
        ({"BodyPartExamined": ""}, View.PA, "body_part_unknown"),
        ({"BodyPartExamined": "RIBS"}, View.PA, "body_part_near"),
        ({"BodyPartExamined": "", "StudyDescription": "RX TÓRAX"}, View.PA, None),
        ({"Modality": "OT"}, View.PA, "modality_unusual"),
        ({"Modality": None}, View.PA, "modality_unknown"),
        ({"PresentationIntentType": "FOR PROCESSING"}, View.PA, "for_processing"),
        ({"LossyImageCompression": "01"}, View.PA, "lossy"),
        ({"BurnedInAnnotation": "YES"}, View.PA, "annotation_yes"),
        ({"BurnedInAnnotation": None}, View.PA, "annotation_unknown"),
    ],
)
def test_notices(tags, view, code, tmp_path):
    tags = {"SpecificCharacterSet": "ISO_IR 100", **tags}
    radiograph = opened(tmp_path, **tags)
    assert radiograph.view is view
    assert codes(radiograph) == ({code} if code else set())


def test_views_by_code(tmp_path):
    for code, view in (("272479007", View.PA), ("R-10206", View.AP), ("399067008", View.LATERAL)):
        item = build.Dataset()
        item.CodeValue = code
        radiograph = opened(tmp_path, ViewPosition="", ViewCodeSequence=[item])
        assert radiograph.view is view


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def grey8(rows=300, columns=280):
    return (build.chest(rows, columns) >> 4).astype(np.uint8)


def test_colour_photograph(tmp_path):
    y, x = np.mgrid[:300, :400]
    photo = np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)
    for name in ("photo.png", "photo.jpg"):
        with pytest.raises(ColourPicture):
            open_study(save(tmp_path / name, photo))
    rgb = photo[:300, :280]
    with pytest.raises(ColourPicture):
        open_study(rgb_dicom(tmp_path / "sc.dcm", rgb))


def rgb_dicom(path, rgb):
    dataset = build.pydicom.dcmread(build.write(path, build.chest(*rgb.shape[:2])))
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.Modality = "OT"
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "RGB"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = rgb.tobytes()
    dataset.save_as(path)
    return path


def test_grey_secondary_capture_in_rgb_opens(tmp_path):
    grey = grey8()
    (radiograph,) = open_study(rgb_dicom(tmp_path / "x.dcm", np.stack([grey] * 3, axis=2)))
    np.testing.assert_array_equal(radiograph.pixels, grey)
    assert codes(radiograph) >= {"colour_saved_grey", "modality_unusual"}


def test_coloured_marks_on_a_radiograph(tmp_path):
    marked = np.stack([grey8()] * 3, axis=2)
    marked[10:20, 10:40] = (255, 0, 0)
    (radiograph,) = open_study(save(tmp_path / "x.png", marked))
    assert "colour_marks" in codes(radiograph)


def test_screenshot(tmp_path):
    screen = np.full((500, 700), 60, np.uint8)
    screen[100:400, 200:480] = grey8()
    (radiograph,) = open_study(save(tmp_path / "x.png", screen))
    assert "screenshot" in codes(radiograph)
    (plain,) = open_study(save(tmp_path / "y.png", grey8()))
    assert "screenshot" not in codes(plain)
    (real,) = open_study(build.REAL / "RG1_UNCR.dcm")
    assert "screenshot" not in codes(real)


def test_blank_and_tiny_pictures(tmp_path):
    blank = np.full((300, 300), 7, np.uint8)
    with pytest.raises(ConstantImage):
        open_study(save(tmp_path / "blank.png", blank))
    blank[0, :20] = 200
    with pytest.raises(ConstantImage):
        open_study(save(tmp_path / "nearly.png", blank))
    with pytest.raises(TooFewPixels):
        open_study(save(tmp_path / "icon.png", grey8(32, 32)))
    (small,) = open_study(save(tmp_path / "small.png", grey8(200, 200)))
    assert "small" in codes(small)


def test_every_notice_has_two_sentences(tmp_path):
    facts = {"part": "RIBS", "modality": "OT", "columns": 1, "rows": 2, "count": 3}
    for pair in NOTICES.values():
        assert len(set(pair)) == 2
        for text in pair:
            assert text.format(**facts).endswith(".")
            assert "identif" not in text  # "de-identified" is never claimed
    radiograph = opened(tmp_path, BurnedInAnnotation="YES")
    assert "nome do paciente" in sentence(radiograph.notices[0], "pt")
