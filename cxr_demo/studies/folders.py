"""Zips and folders: which studies are in them, and the bytes of each of their files.

Whatever a folder is called and however it is nested, files are judged by content; a DICOMDIR is not
needed, since everything that it lists lies beside it and says the same of itself.
"""

import hashlib
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from cxr_demo.errors import StudyError
from cxr_demo.studies.errors import (
    ArchiveRefused,
    FileDamaged,
    FileTooLarge,
    FileUnreadable,
    FolderTooLarge,
    NothingToOpen,
)
from cxr_demo.studies.header import parse_source, word
from cxr_demo.studies.limits import MAX_ARCHIVE_BYTES, MAX_ARCHIVE_FILES, MAX_FILE_BYTES
from cxr_demo.studies.raster import JPEG_MAGIC, PNG_MAGIC
from cxr_demo.studies.syntax import find_syntax, looks_like_dicom
from cxr_demo.units import format_bytes

ZIP_MAGIC = b"PK\x03\x04"
_DIRECTORY = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"
"""What a DICOMDIR's meta information says of its kind, whatever the file is called."""
_HEAD = 64 * 1024


@dataclass(frozen=True)
class StudyRef:
    """One study in a folder or zip. `key` is the same for the same study and says nothing about it;
    `path` and `members` may name a patient, so they never appear in a `repr`, a log or a page."""

    key: str
    path: Path = field(repr=False)
    members: tuple[str, ...] = field(repr=False)


def is_archive(path: Path) -> bool:
    """Whether `path` is a folder, the DICOMDIR of one, or a zip. Raises FileUnreadable."""
    return path.is_dir() or _is_dicomdir(path) or read_head(path).startswith(ZIP_MAGIC)


def study_root(path: Path) -> Path:
    """What the members of `path`'s studies are relative to: the folder or zip itself, or the folder
    that a single file or a DICOMDIR lies in. Raises FileUnreadable."""
    return path if is_archive(path) and not _is_dicomdir(path) else path.parent


def list_studies(path: Path) -> tuple[StudyRef, ...]:
    """All studies in a folder or zip, in the order of their first file; a file that is neither is
    one study.

    DICOM files are grouped by their study; every PNG and JPEG is a study of its own. Raises
    NothingToOpen, ArchiveRefused, FolderTooLarge, FileUnreadable.
    """
    if not is_archive(path):
        return (StudyRef(_opaque(path.name), path.parent, (path.name,)),)
    root = study_root(path)
    members: dict[str, list[str]] = {}
    for name, stream in _streams(root):
        key = _study_key(name, stream)
        if key is not None:
            members.setdefault(key, []).append(name)
    if not members:
        raise NothingToOpen()
    return tuple(StudyRef(key, root, tuple(names)) for key, names in members.items())


def read_members(study: StudyRef) -> Iterator[bytes]:
    """The bytes of the study's files, one after the other. Raises as `read_file` does."""
    if study.path.is_dir():
        yield from (read_file(study.path / name) for name in study.members)
        return
    with _open_zip(study.path) as archive:
        for name in study.members:
            yield _read_member(archive, name)


def read_file(path: Path) -> bytes:
    """All bytes of a file. Raises FileTooLarge before reading, FileUnreadable."""
    try:
        check_file_size(path.stat().st_size)
        return path.read_bytes()
    except OSError:
        raise FileUnreadable() from None


def read_head(path: Path) -> bytes:
    """The first 64 KiB of a file. Raises FileUnreadable."""
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        raise FileUnreadable() from None


def check_file_size(size: int) -> None:
    """Raises FileTooLarge for more bytes than a radiograph needs."""
    if size > MAX_FILE_BYTES:
        raise FileTooLarge(size=format_bytes(size), limit=format_bytes(MAX_FILE_BYTES))


def _is_dicomdir(path: Path) -> bool:
    return path.name.upper() == "DICOMDIR" and path.is_file()


def _streams(root: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of every file below a folder or in a zip."""
    if root.is_dir():
        for name in _names_below(root):
            try:
                with (root / name).open("rb") as stream:
                    yield name, stream
            except OSError:
                # A file that cannot be read is no study that could be offered.
                continue
        return
    with _open_zip(root) as archive:
        for entry in sorted(archive.infolist(), key=lambda each: each.filename):
            if not entry.is_dir() and entry.file_size <= MAX_FILE_BYTES:
                yield entry.filename, BytesIO(_read_member(archive, entry.filename))


def _names_below(root: Path) -> list[str]:
    found: list[str] = []
    for folder, _, names in os.walk(root):
        found += [str((Path(folder) / name).relative_to(root)) for name in names]
        if len(found) > MAX_ARCHIVE_FILES:
            raise FolderTooLarge(limit=MAX_ARCHIVE_FILES)
    return sorted(found)


def _study_key(name: str, stream: BinaryIO) -> str | None:
    """An opaque key, alike for files of one study; None for what is not an image at all."""
    head = stream.read(_HEAD)
    if head.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return _opaque(name)
    listing = Path(name).name.upper() == "DICOMDIR" or _DIRECTORY in head[:1024]
    if listing or not looks_like_dicom(head):
        return None
    try:
        find_syntax(head)
        stream.seek(0)
        uid = word(parse_source(stream, pixels=False), "StudyInstanceUID")
    except StudyError:
        # It is listed all the same: opening it says what is wrong with it.
        uid = ""
    return _opaque(uid or name)


def _opaque(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _open_zip(path: Path) -> zipfile.ZipFile:
    """A zip whose directory has been found to be of a sane size and without passwords."""
    try:
        size = path.stat().st_size
        check_file_size(size)
        with path.open("rb") as stream:
            stream.seek(max(0, size - _HEAD - 22))
            _check_directory(stream.read())
        archive = zipfile.ZipFile(path)
    except OSError:
        raise FileUnreadable() from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        raise FileDamaged(format="zip") from None
    entries = archive.infolist()
    if (
        len(entries) > MAX_ARCHIVE_FILES
        or sum(each.file_size for each in entries) > MAX_ARCHIVE_BYTES
        or any(each.flag_bits & 1 for each in entries)
    ):
        archive.close()
        raise ArchiveRefused()
    return archive


def _check_directory(tail: bytes) -> None:
    """The zip's directory is read whole into memory: refuse a huge one by its declared size."""
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise FileDamaged(format="zip")
    length = struct.unpack_from("<I", tail, end + 12)[0]
    if length > MAX_ARCHIVE_FILES * 1024:
        raise ArchiveRefused()


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError):
        raise FileDamaged(format="zip") from None
    except (NotImplementedError, RuntimeError):
        raise ArchiveRefused() from None
    except Exception as error:  # zlib, bz2 and lzma raise errors of their own
        if isinstance(error, MemoryError):
            raise
        raise FileDamaged(format="zip") from None
    check_file_size(len(data))
    return data
