"""Every file against the record, read from its first byte to its last: no memory is asked."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cxr_demo.weights import faults, hashes, prepared, record
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.record import Record
from cxr_demo.weights.sources import RECORD, package


class State(StrEnum):
    """How a file compares with the record."""

    RIGHT = "right"
    ALTERED = "altered"
    MISSING = "missing"
    UNLISTED = "unlisted"


@dataclass(frozen=True)
class Checked:
    """One file's `state`; `sha256` is what was computed now. `published`: the hash compared with
    is the publisher's; False if it was only computed when a copy was imported."""

    name: str
    state: State
    sha256: str | None = None
    published: bool = True


def verify(
    model: str, on_progress: OnProgress | None = None, stopped: threading.Event | None = None
) -> list[Checked]:
    """Hash all files of `model` in full, those of its prepared copies ("FOLDER/NAME") among them. A
    file that the record does not name is `UNLISTED`.

    Raises NoRecord, UnknownModel, WeightsRefused (broken record); Stopped if `stopped` is set."""
    wanted = package(model)
    folders = {"": wanted.folder}
    for copy in prepared.all_of(wanted.card) if wanted.card is not None else ():
        folders[f"{copy.folder.name}/"] = copy.folder
    records = {prefix: record.read(each) for prefix, each in folders.items() if _holds(each)}
    known = {prefix: each for prefix, each in records.items() if each is not None}
    if not known or ("" in records and records[""] is None):
        raise faults.NoRecord(model=model)
    meter = Meter(on_progress, stopped or threading.Event())
    meter.begin(Phase.VERIFY, sum(_size(folders[prefix], known[prefix]) for prefix in known))
    return [
        replace(each, name=prefix + each.name)
        for prefix, kept in known.items()
        for each in _checked(folders[prefix], kept, meter)
    ]


def _holds(folder: Path) -> bool:
    """False too if only the lock of a visitor is there."""
    return folder.is_dir() and any(each.name != ".lock" for each in folder.iterdir())


def _size(folder: Path, kept: Record) -> int:
    return sum((folder / n).stat().st_size for n in kept.files if (folder / n).is_file())


def _checked(folder: Path, kept: Record, meter: Meter) -> Iterator[Checked]:
    there = {each.name: each for each in folder.iterdir() if each.is_file()}
    for name, should in sorted(kept.files.items()):
        if name not in there:
            yield Checked(name, State.MISSING)
            continue
        meter.file = name
        sha256 = hashes.file_sha256(there[name], meter.step, fresh=True)
        state = State.RIGHT if sha256 == should.sha256 else State.ALTERED
        yield Checked(name, state, sha256, should.published)
    for name in sorted(set(there) - set(kept.files) - {RECORD}):
        if not name.startswith("."):
            yield Checked(name, State.UNLISTED)
