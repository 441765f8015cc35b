"""Zips and folders: one study opens, many become a list, hostile archives are refused."""

import shutil
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from cxr_demo.records import View
from cxr_demo.studies import list_studies, open_study
from cxr_demo.studies.errors import (
    ArchiveRefused,
    FileDamaged,
    FolderTooLarge,
    NothingToOpen,
    SeveralStudies,
    WrongBodyPart,
)
from tests.studies import build


def study(folder, number, views=(View.LATERAL, View.PA)):
    """Files of one study, the lateral one first, without extensions."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, view in enumerate(views):
        build.write(
            folder / f"IM{at:04}",
            build.chest(200, 200, seed=number * 10 + at),
            view=view,
            tags={"StudyInstanceUID": f"1.2.3.{number}"},
        )


def zipped(folder, path):
    shutil.make_archive(str(path.with_suffix("")), "zip", folder)
    return path


def test_one_study_frontal_first(tmp_path):
    study(tmp_path / "s" / "deep" / "er", 1)
    (tmp_path / "s" / "notes.txt").write_text("nothing")
    for source in (tmp_path / "s", zipped(tmp_path / "s", tmp_path / "s.zip")):
        opened = open_study(source)
        assert [each.view for each in opened] == [View.PA, View.LATERAL]
        assert not any(each.code == "files_skipped" for each in opened[0].notices)


def test_a_zip_by_content(tmp_path):
    study(tmp_path / "s", 1)
    path = zipped(tmp_path / "s", tmp_path / "s.zip").rename(tmp_path / "upload")
    assert len(open_study(path)) == 2


def test_many_studies_become_a_list(tmp_path):
    for number in (1, 2, 3):
        study(tmp_path / "s" / f"patient{number}", number)
    Image.fromarray((build.chest() >> 4).astype(np.uint8)).save(tmp_path / "s" / "x.png")
    for source in (tmp_path / "s", zipped(tmp_path / "s", tmp_path / "s.zip")):
        found = list_studies(source)
        assert [len(each.members) for each in found] == [2, 2, 2, 1]
        with pytest.raises(SeveralStudies) as caught:
            open_study(source)
        assert caught.value.params == {"count": 4}
        for number, ref in enumerate(found[:3], 1):
            frontal, lateral = open_study(ref)
            expected = build.chest(200, 200, seed=number * 10 + 1)
            np.testing.assert_array_equal(frontal.pixels, expected)
            assert lateral.view is View.LATERAL
            assert "patient" not in repr(ref)


def test_dicomdir_stands_for_its_folder(tmp_path):
    study(tmp_path / "DICOM", 1)
    (tmp_path / "DICOMDIR").write_bytes((tmp_path / "DICOM" / "IM0000").read_bytes())
    assert len(open_study(tmp_path / "DICOMDIR")) == 2


def test_a_dicomdir_is_known_without_its_name(tmp_path):
    """Files of a dropped folder come without names: the listing among them is no study."""
    study(tmp_path / "d", 1)
    listing = build.PYDICOM / "dicomdirtests" / "DICOMDIR"
    (tmp_path / "d" / "00002").write_bytes(listing.read_bytes())
    (found,) = list_studies(tmp_path / "d")
    assert len(found.members) == 2


def test_real_dicomdir():
    """pydicom's own DICOMDIR lists many CT and MR studies: a list, each refused for what it is."""
    found = list_studies(build.PYDICOM / "dicomdirtests" / "DICOMDIR")
    assert len(found) > 5


def test_what_is_no_radiograph_is_left_out_and_counted(tmp_path):
    study(tmp_path / "s", 1)
    uid = {"StudyInstanceUID": "1.2.3.1"}
    build.write(tmp_path / "s" / "hand", tags={"BodyPartExamined": "HAND", **uid})
    opened = open_study(tmp_path / "s")
    (notice,) = [each for each in opened[0].notices if each.code == "files_skipped"]
    assert notice.params == {"count": 1}
    for name in ("IM0000", "IM0001"):
        (tmp_path / "s" / name).unlink()
    with pytest.raises(WrongBodyPart):
        open_study(tmp_path / "s")


def test_nothing_inside(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("nothing")
    for source in (tmp_path / "s", zipped(tmp_path / "s", tmp_path / "s.zip")):
        with pytest.raises(NothingToOpen):
            open_study(source)


def test_single_files_are_lists_of_one(tmp_path):
    path = build.write(tmp_path / "x.dcm")
    (ref,) = list_studies(path)
    assert open_study(ref)[0].sha256 == open_study(path)[0].sha256


def test_zip_with_a_password(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"secret")
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(magic) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveRefused):
        open_study(path)


def test_zip_bombs(tmp_path):
    """Members of 4.5 GB together, thousands of members, and a directory of 100 MB."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"{number}", bytes(1000))
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"PK\x01\x02", at + 1)) > 0:
        struct.pack_into("<I", data, at + 24, 500 << 20)
    path.write_bytes(data)
    with pytest.raises(ArchiveRefused):
        open_study(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2100):
            archive.writestr(f"{number}", b"")
    with pytest.raises(ArchiveRefused):
        open_study(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\x05\x06") + 12, 100_000_000)
    path.write_bytes(data)
    with pytest.raises(ArchiveRefused):
        open_study(path)


def test_a_member_longer_than_it_says(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10_000_000))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, 1000)
    path.write_bytes(data)
    with pytest.raises(FileDamaged):
        open_study(path)


def test_cut_zip(tmp_path):
    study(tmp_path / "s", 1)
    path = zipped(tmp_path / "s", tmp_path / "s.zip")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileDamaged):
        open_study(path)


def test_too_many_files(tmp_path):
    for number in range(2001):
        (tmp_path / str(number)).touch()
    with pytest.raises(FolderTooLarge):
        list_studies(tmp_path)
