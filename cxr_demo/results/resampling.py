"""The bootstrap of one arm or one pair as a task of its own, and the child that does such tasks.

`python -m cxr_demo.results.resampling` reads tasks from its standard input and writes what comes
out, each as the length in eight bytes and a NumPy archive without pickles. It ends with its input,
so it never outlives the process that asked.
"""

import io
import os
import sys
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cxr_demo.metrics import bootstrap, counts
from cxr_demo.metrics.bootstrap import Difference, Estimate
from cxr_demo.metrics.counts import Counts
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.metrics.summary import Intervals, from_patients

VERSION = 3
"""Part of every task's key: raise it when the method changes, so that kept results are not used."""

Arrays = Mapping[str, NDArray]


@dataclass(frozen=True)
class Settings:
    """The recipe's settings of the bootstrap."""

    replicates: int = bootstrap.REPLICATES
    level: float = bootstrap.LEVEL
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Task:
    """Counts per patient (P, 14, 4) under one policy: of one arm, or of candidate and reference."""

    arms: tuple[NDArray, ...]
    settings: Settings

    @cached_property
    def key(self) -> str:
        """A hash of everything that the result follows from: 32 hexadecimal digits."""
        digest = sha256(repr((VERSION, len(self.arms), self.settings)).encode())
        for each in self.arms:
            digest.update(repr((each.shape, str(each.dtype))).encode())
            digest.update(np.ascontiguousarray(each).tobytes())
        return digest.hexdigest()[:32]

    def run(self) -> Arrays:
        """Do the work; seconds for tens of thousands of patients. Raises ValueError without any."""
        if len(self.arms) == 1:
            return pack_intervals(_intervals(self.arms[0], self.settings))
        candidate, reference = self.arms
        made = bootstrap.difference(
            counts.micro,
            candidate,
            reference,
            margin=0.0,  # it changes no number; `difference_of` puts the recipe's in
            replicates=self.settings.replicates,
            level=self.settings.level,
            seed=self.settings.seed,
        )
        return _estimate_arrays("difference", made.estimate)


def intervals_of(arrays: Arrays) -> Intervals:
    """What `Task.run` gave for one arm."""
    single = {
        each.name: _estimate_from(each.name, arrays)
        for each in fields(Intervals)
        if each.name != "micro"
    }
    micro = {name: _estimate_from(f"micro.{name}", arrays) for name in FindingSetName}
    return Intervals(micro=micro, **single)


def difference_of(arrays: Arrays, margin: float) -> Difference:
    """What `Task.run` gave for a pair."""
    return Difference(_estimate_from("difference", arrays), margin)


def _intervals(per_patient: Counts, settings: Settings) -> Intervals:
    return from_patients(per_patient, settings.replicates, settings.level, settings.seed)


def pack_intervals(intervals: Intervals) -> dict[str, NDArray]:
    """Intervals as arrays by name, for `intervals_of`."""
    named: dict[str, Any] = {each.name: getattr(intervals, each.name) for each in fields(intervals)}
    named |= {f"micro.{name}": value for name, value in named.pop("micro").items()}
    return {
        key: array
        for name, estimate in named.items()
        for key, array in _estimate_arrays(name, estimate).items()
    }


def _estimate_arrays(name: str, estimate: Estimate) -> dict[str, NDArray]:
    return {f"{name}/{each.name}": getattr(estimate, each.name) for each in fields(estimate)}


def _estimate_from(name: str, arrays: Arrays) -> Estimate:
    return Estimate(**{each.name: arrays[f"{name}/{each.name}"] for each in fields(Estimate)})


# ---------------------------------------------------------------- between the processes


def to_bytes(arrays: Arrays) -> bytes:
    """Arrays by name as one archive."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def from_bytes(data: bytes) -> dict[str, NDArray]:
    """The archive's arrays. Raises ValueError for something else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, EOFError, KeyError, BadZipFile, zlib.error) as error:  # damaged
        raise ValueError("no archive of arrays") from error


def send(stream: BinaryIO, data: bytes) -> None:
    """One message: eight bytes of length, then `data`."""
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """The next message; None at the end of the stream, also in the midst of a message."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    return data if len(data) == size else None


def pack_task(task: Task) -> bytes:
    """A task as one message."""
    settings = task.settings
    return to_bytes(
        {
            "settings": np.array([settings.replicates, settings.level, settings.seed]),
            **{f"arm{at}": each for at, each in enumerate(task.arms)},
        }
    )


def unpack_task(data: bytes) -> Task:
    """The task that `pack_task` wrote."""
    held = from_bytes(data)
    replicates, level, seed = held.pop("settings").tolist()
    arms = tuple(held[f"arm{at}"] for at in range(len(held)))
    return Task(arms, Settings(int(replicates), float(level), int(seed)))


def main() -> None:
    """Do tasks until the input ends. A reading on the same machine goes first."""
    with suppress(OSError, AttributeError):
        os.nice(10)  # there is none on Windows
    while (data := receive(sys.stdin.buffer)) is not None:
        send(sys.stdout.buffer, to_bytes(unpack_task(data).run()))


if __name__ == "__main__":
    main()
