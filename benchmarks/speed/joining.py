"""Parts of several calls joined: the newest of each kind, of one GPU, no ratio across machines."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.speed import goals

Record = dict[str, Any]
"""As `benchmarks.report` writes it; its `results` are of one model, stage and precision."""


def parts(folder: Path, earlier: Path | None, tiny: bool) -> list[Record]:
    """The `speed_*.json` of `folder` and the parts of `earlier`, a file that was joined before; of
    the same model, stage and precision the newest.

    Raises ValueError if there are none in `folder`, if one is not as `report` writes it or is of a
    tiny model (unless all are and `tiny` is set), or if they come from different GPUs."""
    new = [json.loads(each.read_text(encoding="utf-8")) for each in folder.glob("speed_*.json")]
    old = [] if earlier is None else _file(earlier)["results"]["parts"]
    if wrong := [each["name"] for each in [*new, *old] if report.problems(each)]:
        raise ValueError(f"not as benchmarks.report writes: {', '.join(wrong)}")
    if not new or any(each["results"]["tiny"] is not tiny for each in [*new, *old]):
        raise ValueError(f"{folder} holds no results, or some of tiny models")
    gpus = {_gpus(each) for each in [*new, *old]}
    if len(gpus) > 1:
        raise ValueError(f"only figures of one GPU can be compared, not {' and '.join(gpus)}")
    return _newest([*old, *new])


def machine(record: Record) -> str:
    """The machine and the versions that a part was measured with, in one line."""
    found = record["machine"]
    versions = ", ".join(f"{name} {each}" for name, each in record["versions"].items())
    place = f"{_gpus(record)} (driver {found['driver']}), {found['cpu']}, {found['cores']} cores"
    return f"{place}; {versions}"


def key(record: Record) -> tuple[str, str, str]:
    """Model, stage and precision."""
    results = record["results"]
    return results["model"], results["stage"], results["precision"]


def reached(records: Sequence[Record]) -> list[goals.Goal]:
    """Every goal; one that compares parts of different machines or versions counts as not
    measured."""
    values = {
        (each.what, each.model): each
        for records_there in _by_machine(records)
        for each in goals.all_goals(_figures(records_there))
        if each.value is not None
    }
    unmeasured: dict[str, Any] = {"value": None}
    return [
        values.get((each.what, each.model)) or goals.Goal(**(vars(each) | unmeasured))
        for each in goals.all_goals(_figures(records))
    ]


def _file(path: Path) -> Record:
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    if report.problems(record) or "parts" not in record["results"]:
        raise ValueError(f"{path} was not written by --merge")
    return record


def _newest(records: Iterable[Record]) -> list[Record]:
    in_time = sorted(records, key=lambda each: datetime.fromisoformat(each["created"]))
    last = {key(each): each for each in in_time}
    return [last[each] for each in sorted(last)]


def _by_machine(records: Sequence[Record]) -> list[list[Record]]:
    machines = dict.fromkeys(machine(each) for each in records)
    return [[each for each in records if machine(each) == one] for one in machines]


def _figures(records: Sequence[Record]) -> goals.Figures:
    return {key(each): each["results"]["figures"] for each in records}


def _gpus(record: Record) -> str:
    return ", ".join(each["name"] for each in record["machine"]["gpus"]) or "no GPU"
