"""Every file against the record, read from its first byte to its last: no memory is asked."""

import threading
from dataclasses import dataclass
from enum import StrEnum

from cxr_demo.weights import faults, hashes, record
from cxr_demo.weights.meter import Meter, OnProgress, Phase
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
    """Hash all files of `model` in full. A file that the record does not name is `UNLISTED`.

    Raises NoRecord, UnknownModel, WeightsRefused (broken record); Stopped if `stopped` is set."""
    wanted = package(model)
    kept = record.read(wanted.folder)
    if kept is None:
        raise faults.NoRecord(model=model)
    meter = Meter(on_progress, stopped or threading.Event())
    there = {each.name: each for each in wanted.folder.iterdir() if each.is_file()}
    meter.begin(Phase.VERIFY, sum(there[n].stat().st_size for n in kept.files if n in there))
    found = []
    for name, should in sorted(kept.files.items()):
        if name not in there:
            found.append(Checked(name, State.MISSING))
            continue
        meter.file = name
        sha256 = hashes.file_sha256(there[name], meter.step, fresh=True)
        state = State.RIGHT if sha256 == should.sha256 else State.ALTERED
        found.append(Checked(name, state, sha256, should.published))
    extra = sorted(n for n in set(there) - set(kept.files) - {RECORD} if not n.startswith("."))
    return found + [Checked(name, State.UNLISTED) for name in extra]
