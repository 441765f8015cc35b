"""Runs and their predictions, durable one by one: what was committed survives any kill.

A run is named by its recipe, so that the same recipe goes on where it stopped. Several processes
may read while one writes (SQLite's WAL, which needs all of them on one host).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from cxr_demo.store.connection import Opened, now


@dataclass(frozen=True)
class StoredRun:
    """A run as it was asked for; `state` is "running", "finished", "stopped" or "failed"."""

    id: str
    kind: str
    recipe: dict[str, Any]
    total: int
    state: str


@dataclass(frozen=True)
class Prediction:
    """What a model made of one image. `labels`: labeler -> finding -> label; `error` is a code of
    `CxrError`, and then there is no report. Seconds and bytes; None where it was not measured.
    `answers`: raw answers to the yes/no questions (`evaluation.job.Answers` as a dict)."""

    key: str
    report: str | None = None
    labels: dict[str, dict[str, str]] | None = None
    unparsed: bool = False
    stop: str | None = None
    error: str | None = None
    tokens: int | None = None
    ttft: float | None = None
    seconds: float | None = None
    vram_device_peak: int | None = None
    provenance: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None


_JSON = ("labels", "provenance", "answers")
_COLUMNS = tuple(each.name for each in fields(Prediction))


def run_id(kind: str, recipe: dict[str, Any]) -> str:
    """The name of the run that this recipe asks for: 16 hexadecimal digits."""
    canonical = json.dumps([kind, recipe], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class RunStore(Opened):
    """One SQLite file. An instance belongs to one thread; open another for another thread."""

    def open_run(self, kind: str, recipe: dict[str, Any], total: int) -> StoredRun:
        """Start the run of this recipe, or go on with it; its state becomes "running"."""
        name = run_id(kind, recipe)
        self._connection.execute(
            "INSERT INTO run (id, kind, recipe, total, state, created) "
            "VALUES (?, ?, ?, ?, 'running', ?) ON CONFLICT (id) DO UPDATE SET state = 'running'",
            (name, kind, json.dumps(recipe, sort_keys=True), total, now()),
        )
        return StoredRun(name, kind, recipe, total, "running")

    def runs(self, state: str | None = None) -> list[StoredRun]:
        """All runs (in this state), the oldest first."""
        rows = self._connection.execute(
            "SELECT id, kind, recipe, total, state FROM run "
            "WHERE ? IS NULL OR state = ? ORDER BY created, id",
            (state, state),
        )
        return [StoredRun(name, kind, json.loads(text), *rest) for name, kind, text, *rest in rows]

    def set_state(self, run: str, state: str) -> None:
        """Note what became of a run."""
        self._connection.execute("UPDATE run SET state = ? WHERE id = ?", (state, run))

    def begin(self, run: str, key: str) -> int:
        """Note that `key` is about to be read; how many times it has been tried, this one counted.
        More than one means that the process did not survive it."""
        self._connection.execute(
            "UPDATE run SET tries = CASE WHEN trying = ?1 THEN tries + 1 ELSE 1 END, "
            "trying = ?1 WHERE id = ?2",
            (key, run),
        )
        (tries,) = self._connection.execute("SELECT tries FROM run WHERE id = ?", (run,)).fetchone()
        return int(tries)

    def forget_try(self, run: str) -> None:
        """The image was left on purpose: this was no failed try."""
        self._connection.execute("UPDATE run SET trying = NULL, tries = 0 WHERE id = ?", (run,))

    def commit(self, run: str, prediction: Prediction) -> None:
        """Store one prediction durably; a second one for the same key replaces nothing."""
        row = asdict(prediction)
        for column in _JSON:
            row[column] = None if row[column] is None else json.dumps(row[column])
        names = ", ".join(("run", *_COLUMNS, "created"))
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        self._connection.execute(
            f"INSERT OR IGNORE INTO prediction ({names}) VALUES ({marks})",
            (run, *(row[column] for column in _COLUMNS), now()),
        )

    def keys(self, run: str) -> set[str]:
        """Keys that are done, failed ones included."""
        rows = self._connection.execute("SELECT key FROM prediction WHERE run = ?", (run,))
        return {key for (key,) in rows}

    def counts(self, run: str) -> tuple[int, int]:
        """How many images are done, and how many of these ended in an error."""
        done, failed = self._connection.execute(
            "SELECT COUNT(*), COUNT(error) FROM prediction WHERE run = ?", (run,)
        ).fetchone()
        return int(done), int(failed)

    def predictions(self, run: str) -> Iterator[Prediction]:
        """All predictions of a run, by key."""
        rows = self._connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM prediction WHERE run = ? ORDER BY key", (run,)
        )
        for row in rows:
            found = dict(zip(_COLUMNS, row, strict=True))
            for column in _JSON:
                found[column] = None if found[column] is None else json.loads(found[column])
            yield Prediction(**found | {"unparsed": bool(found["unparsed"])})
