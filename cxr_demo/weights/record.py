"""The record beside fetched or imported files: which commits they are of, and their hashes."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cxr_demo.errors import WeightsRefused, both, unreadable
from cxr_demo.weights import hashes
from cxr_demo.weights.sources import RECORD


@dataclass(frozen=True)
class FileRecord:
    """What one file has to be: `size` in bytes and, hex, its SHA-256 (None until it has come, if
    the publisher names only git's own `git_sha1`). `published`: the publisher named the hash;
    False if it was only computed from the copy that was imported."""

    size: int
    sha256: str | None
    git_sha1: str | None = None
    repo: str | None = None
    published: bool = True


@dataclass(frozen=True)
class Record:
    """`revisions`: repository -> commit; `files`: name -> what it has to be."""

    model: str
    revisions: dict[str, str] = field(default_factory=dict)
    files: dict[str, FileRecord] = field(default_factory=dict)


def read(folder: Path) -> Record | None:
    """The record in `folder`, or None if there is none. Raises WeightsRefused if it is broken."""
    try:
        held = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files = {str(name): FileRecord(**each) for name, each in held["files"].items()}
        record = Record(str(held["model"]), dict(held["revisions"]), files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsRefused(model=folder.name, detail=unreadable(RECORD)) from error
    if any(Path(name).name != name for name in files):
        raise WeightsRefused(
            model=folder.name,
            detail=both(
                f"{RECORD} names files outside its folder", f"{RECORD} cita arquivos fora da pasta"
            ),
        )
    return record


def altered(folder: Path, kept: Record) -> tuple[str, ...]:
    """Names of files in `folder` that are not what `kept` says, as far as that is known without
    reading them: by their size, or by a hash that was computed since they last changed."""
    there = {name: folder / name for name in kept.files if (folder / name).is_file()}
    known = hashes.remembered(list(there.values()))
    return tuple(
        name
        for name, path in there.items()
        if path.stat().st_size != kept.files[name].size
        or (known[path] is not None and kept.files[name].sha256 not in (None, known[path]))
    )


def write(folder: Path, record: Record) -> None:
    """Replace the record in `folder` as a whole."""
    draft = folder / f"{RECORD}.{os.getpid()}.part"
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)
