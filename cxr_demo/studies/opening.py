"""Files, zips and folders to radiographs, in this process and without limits on memory and time.

What comes from outside goes through `pool.DecodePool`, whose children call these functions.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from cxr_demo.errors import StudyError
from cxr_demo.records import Notice, Radiograph, View
from cxr_demo.studies.dicom import read_dicom
from cxr_demo.studies.errors import (
    EmptyFile,
    NoPixels,
    NothingToOpen,
    SeveralStudies,
    UnknownFormat,
)
from cxr_demo.studies.folders import (
    StudyRef,
    check_file_size,
    is_archive,
    list_studies,
    read_file,
    read_members,
)
from cxr_demo.studies.limits import MAX_IMAGES
from cxr_demo.studies.raster import JPEG_MAGIC, PNG_MAGIC, read_raster
from cxr_demo.studies.rendering import ignore_file_lut as without_file_lut
from cxr_demo.studies.syntax import looks_like_dicom

_ORDER = {View.PA: 0, View.AP: 1, View.UNKNOWN: 2, View.LATERAL: 3}


def open_study(source: Path | StudyRef, ignore_file_lut: bool = False) -> tuple[Radiograph, ...]:
    """The radiographs of one study, frontal views first: from a file, a zip or folder of one study
    (or its DICOMDIR), or a study that `list_studies` found.

    `ignore_file_lut` leaves the file's own windows and tables out. Raises leaves of StudyError.
    """
    if isinstance(source, Path):
        source = _only_study(source)
    if isinstance(source, Path):
        found: tuple[Radiograph, ...] = (open_bytes(read_file(source)),)
    else:
        found = _open_members(source)
    return tuple(map(without_file_lut, found)) if ignore_file_lut else found


def open_bytes(data: bytes) -> Radiograph:
    """The radiograph in one file's bytes. Raises leaves of StudyError."""
    check_file_size(len(data))
    if not data.strip(b"\0"):
        raise EmptyFile()
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return read_raster(data, sha256)
    if looks_like_dicom(data):
        return read_dicom(data, sha256)
    raise UnknownFormat()


def _only_study(path: Path) -> Path | StudyRef:
    """`path` itself if it is a single file, else the one study in it. Raises SeveralStudies."""
    if not is_archive(path):
        return path
    studies = list_studies(path)
    if len(studies) > 1:
        raise SeveralStudies(count=len(studies))
    return studies[0]


def _open_members(study: StudyRef) -> tuple[Radiograph, ...]:
    """Every file of the study that is a chest radiograph; if none is, the reason of the first."""
    found: list[Radiograph] = []
    refused: list[StudyError] = []
    for data in read_members(study):
        if len(found) + len(refused) >= MAX_IMAGES:
            refused.append(NothingToOpen())
            break
        try:
            found.append(open_bytes(data))
        except StudyError as error:
            refused.append(error)
    if not found:
        # "Holds no image" is true of every report in the study, and says the least.
        raise next((each for each in refused if not isinstance(each, NoPixels)), refused[0])
    found.sort(key=lambda each: _ORDER[each.view])
    left_out = len(study.members) - len(found)
    if left_out:
        note = Notice("files_skipped", {"count": left_out})
        found[0] = replace(found[0], notices=(*found[0].notices, note))
    return tuple(found)
