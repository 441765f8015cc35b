"""Every file against the record, read from its first byte to its last: no memory is asked."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cxr_demo.errors import WeightsRefused
from cxr_demo.weights import faults, hashes, prepared, record
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.record import Record
from cxr_demo.weights.sources import RECORD, package


class State(StrEnum):
    """How a file compares with the record; UNRECORDED: its folder has none that can be read."""

    RIGHT = "right"
    ALTERED = "altered"
    MISSING = "missing"
    UNLISTED = "unlisted"
    UNRECORDED = "unrecorded"


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

    A folder without a record hides no other: its files are hashed and are `UNRECORDED`.

    Raises UnknownModel; NothingThere; NoRecord or WeightsRefused (broken record) if no folder has a
    record that can be read; Stopped if `stopped` is set."""
    wanted = package(model)
    folders = {"": wanted.folder}
    for copy in prepared.all_of(wanted.card) if wanted.card is not None else ():
        folders[f"{copy.folder.name}/"] = copy.folder
    records = _records(model, {prefix: each for prefix, each in folders.items() if _holds(each)})
    meter = Meter(on_progress, stopped or threading.Event())
    meter.begin(Phase.VERIFY, sum(_size(folders[each], records[each]) for each in records))
    return [
        replace(each, name=prefix + each.name)
        for prefix, kept in records.items()
        for each in _checked(folders[prefix], kept, meter)
    ]


def _records(model: str, folders: dict[str, Path]) -> dict[str, Record | None]:
    """The record of each folder, None for one that has none or a broken one; at least one has."""
    if not folders:
        raise faults.NothingThere(model=model, folder=str(package(model).folder))
    found: dict[str, Record | None] = {}
    broken: WeightsRefused | None = None
    for prefix, folder in folders.items():
        try:
            found[prefix] = record.read(folder)
        except WeightsRefused as error:
            found[prefix], broken = None, error
    if not any(found.values()):
        raise broken or faults.NoRecord(model=model)
    return found


def unrecorded(model: str, found: Sequence[Checked]) -> faults.UnrecordedBeside | None:
    """What to say of the files in `found` that could not be compared with anything."""
    count = sum(each.state is State.UNRECORDED for each in found)
    return faults.UnrecordedBeside(model=model, count=count) if count else None


def _holds(folder: Path) -> bool:
    """False too if only the lock of a visitor is there."""
    return folder.is_dir() and any(each.name != ".lock" for each in folder.iterdir())


def _size(folder: Path, kept: Record | None) -> int:
    files = _files(folder).items()
    return sum(each.stat().st_size for name, each in files if kept is None or name in kept.files)


def _files(folder: Path) -> dict[str, Path]:
    """Less the record, locks and what is on its way."""
    found = (each for each in sorted(folder.iterdir()) if each.is_file())
    own, coming = (RECORD, "."), (".part", ".part.etag")
    return {e.name: e for e in found if not e.name.startswith(own) and not e.name.endswith(coming)}


def _checked(folder: Path, kept: Record | None, meter: Meter) -> Iterator[Checked]:
    there = _files(folder)
    listed = kept.files if kept is not None else {}
    for name in sorted({*there, *listed}):
        should = listed.get(name)
        if name not in there:
            yield Checked(name, State.MISSING)
        elif should is not None:
            sha256 = _hash(there[name], meter)
            state = State.RIGHT if sha256 == should.sha256 else State.ALTERED
            yield Checked(name, state, sha256, should.published)
        elif kept is not None:
            yield Checked(name, State.UNLISTED)
        else:
            yield Checked(name, State.UNRECORDED, _hash(there[name], meter), published=False)


def _hash(path: Path, meter: Meter) -> str:
    meter.file = path.name
    return hashes.file_sha256(path, meter.step, fresh=True)
