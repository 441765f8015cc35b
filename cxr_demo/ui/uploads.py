"""Files that were picked or dropped together: views of one study belong together, so they are put
into one zip, which `studies` then sorts into studies by what the files say of themselves."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cxr_demo.studies.limits import MAX_ARCHIVE_FILES, MAX_FILE_BYTES
from cxr_demo.units import MIB

_ROOM = MAX_FILE_BYTES - MIB
"""Bytes of content that a zip takes: its own entries need some more."""


class Files(Protocol):
    """Where uploads lie until they are decoded: `studies.private_files.PrivateFiles`."""

    def new(self) -> Path:
        """A fresh private file."""
        ...

    def discard(self, path: Path) -> None:
        """Delete it."""
        ...


def pack(files: Files, picked: Sequence[Path]) -> tuple[Path, ...]:
    """`picked` as zips without names, in the same order, and their parts deleted: one zip, or
    several where one would be more than an archive may hold. A file alone and archives (they are
    studies already) are left as they are."""
    return tuple(
        batch[0] if len(batch) == 1 else _zipped(files, batch) for batch in _batches(picked)
    )


def _batches(picked: Sequence[Path]) -> list[list[Path]]:
    """Neighbours that fit into one archive together; views of one study mostly are neighbours."""
    batches: list[list[Path]] = []
    room = -1
    for each in picked:
        size = each.stat().st_size
        archive = zipfile.is_zipfile(each)
        if archive or size > room or len(batches[-1]) == MAX_ARCHIVE_FILES:
            batches.append([])
            room = _ROOM
        batches[-1].append(each)
        room = -1 if archive else room - size
    return batches


def _zipped(files: Files, parts: Sequence[Path]) -> Path:
    packed = files.new()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, each in enumerate(parts):
            archive.write(each, f"{number:05d}")
    for each in parts:
        files.discard(each)
    return packed
