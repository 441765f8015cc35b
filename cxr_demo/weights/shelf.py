"""How each model stands on this machine's disk: names, sizes and remembered hashes.

Cheap enough for a screen that asks once a second: no weights are read, and no network is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.weights import hashes, record
from cxr_demo.weights.folders import missing_files
from cxr_demo.weights.parts import received
from cxr_demo.weights.record import Record
from cxr_demo.weights.sources import Package


class Stock(StrEnum):
    """ABSENT: no byte of it is there; PARTIAL: something is; HERE: all that the model needs;
    ALTERED: a file is not what the record says; BROKEN: the record or the index cannot be read."""

    ABSENT = "absent"
    PARTIAL = "partial"
    HERE = "here"
    ALTERED = "altered"
    BROKEN = "broken"


@dataclass(frozen=True)
class Shelf:
    """`come` of `total` bytes are there; `total` is None while no record names the sizes. `names`
    are the files that are missing (PARTIAL) or altered (ALTERED). `verified`: every file was hashed
    since it last changed, and is what the record says. `published`: those hashes are the
    publisher's. `revisions`: repository -> commit, as recorded."""

    state: Stock
    folder: Path
    come: int = 0
    total: int | None = None
    names: tuple[str, ...] = ()
    recorded: bool = False
    verified: bool = False
    published: bool = False
    revisions: tuple[tuple[str, str], ...] = ()


def state_of(shelf: Shelf) -> str:
    """The state's key: "absent", "partial", "verified", "uncompared", "unverified", "altered",
    "broken" or "stand_in"."""
    if shelf.state is not Stock.HERE:
        return str(shelf.state)
    if weights.is_stand_in(shelf.folder):
        return "stand_in"
    if not shelf.verified:
        return "unverified"
    return "verified" if shelf.published else "uncompared"


def look(wanted: Package) -> Shelf:
    """How `wanted` stands now."""
    folder = wanted.folder
    if not any(_own(folder)):
        return Shelf(Stock.ABSENT, folder)
    try:
        kept = record.read(folder)
        missing = missing_files(wanted, folder)
    except WeightsRefused:
        return Shelf(Stock.BROKEN, folder, come=_size(folder))
    if kept is None:
        state = Stock.PARTIAL if missing else Stock.HERE
        return Shelf(state, folder, come=_size(folder), names=missing)
    return _recorded(folder, kept, missing)


def _recorded(folder: Path, kept: Record, missing: tuple[str, ...]) -> Shelf:
    files = {folder / name: each for name, each in kept.files.items()}
    there = [path for path in files if path.is_file()]
    absent = [path.name for path in files if path not in there]
    names = tuple(dict.fromkeys([*missing, *absent]))
    known = hashes.remembered(there)
    altered = record.altered(folder, kept)
    come = sum(path.stat().st_size for path in there)
    come += sum(received(path) for path in files if path not in there)
    state = Stock.PARTIAL if names else Stock.ALTERED if altered else Stock.HERE
    if come == 0 and not there:  # a fetch that was refused before its first byte
        state = Stock.ABSENT
    return Shelf(
        state=state,
        folder=folder,
        come=come,
        total=sum(each.size for each in kept.files.values()),
        names=names or altered,
        recorded=True,
        verified=state is Stock.HERE and all(known[path] == files[path].sha256 for path in there),
        published=all(each.published for each in kept.files.values()),
        revisions=tuple(kept.revisions.items()),
    )


def _own(folder: Path) -> Iterator[Path]:
    """What lies in `folder`, less the lock that every visitor leaves."""
    if folder.is_dir():
        yield from (each for each in folder.iterdir() if each.name != ".lock")


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in _own(folder) if each.is_file())
