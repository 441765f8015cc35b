"""Files that were picked or dropped together: views of one study belong together, so they are put
into one zip, which `studies` then sorts into studies by what the files say of themselves."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cxr_demo.studies.limits import MAX_FILE_BYTES


class Files(Protocol):
    """Where uploads lie until they are decoded: `studies.private_files.PrivateFiles`."""

    def new(self) -> Path:
        """A fresh private file."""
        ...

    def discard(self, path: Path) -> None:
        """Delete it."""
        ...


def pack(files: Files, picked: Sequence[Path]) -> tuple[Path, ...]:
    """`picked` as one zip without names, and its parts deleted. Left as they are: a single file,
    archives (they are studies already), and more than one archive may hold."""
    size = sum(each.stat().st_size for each in picked)
    if len(picked) < 2 or size > MAX_FILE_BYTES or any(map(zipfile.is_zipfile, picked)):
        return tuple(picked)
    packed = files.new()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, each in enumerate(picked):
            archive.write(each, f"{number:05d}")
    for each in picked:
        files.discard(each)
    return (packed,)
