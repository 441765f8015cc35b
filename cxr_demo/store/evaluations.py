"""Writing evaluations: every image is one durable commit, and what is written stays as it is.

Ranks write files of their own, which `absorb` merges by key.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cxr_demo.store.connection import moment, now
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import Group, LabelRow, Row, SampleRow, TimedImage, pack

_KEPT = ("sample", "result", "text", "label", "timing", "again", "again_label")


def run_name(group: str, model: str, precision: str, pipeline: str, signature: Any) -> str:
    """The id of the run of an arm with this signature: 16 hexadecimal digits."""
    text = json.dumps([group, model, precision, pipeline, signature], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class EvaluationStore(StoreReader):
    """A store that is written to. An instance belongs to one thread."""

    def put_group(self, group: Group) -> None:
        """Note a group, or that it was asked for again, with the newest recipe and folders."""
        self._connection.execute(
            "INSERT INTO evaluation (id, name, recipe, manifest_sha256, composition, images, "
            "synthetic, data, options, state, created, updated) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "recipe = excluded.recipe, data = excluded.data, options = excluded.options, "
            "state = excluded.state, error = NULL, updated = excluded.updated",
            (
                group.id,
                group.name,
                json.dumps(group.recipe, sort_keys=True),
                group.manifest_sha256,
                group.composition,
                group.images,
                int(group.synthetic),
                json.dumps(group.data, sort_keys=True),
                json.dumps(group.options, sort_keys=True),
                group.state,
                group.created or now(),
                moment(),
            ),
        )

    def set_group_state(self, group: str, state: str, error: dict[str, Any] | None = None) -> None:
        """Note what became of a group."""
        told = None if error is None else json.dumps(error)
        self._connection.execute(
            "UPDATE evaluation SET state = ?, error = ?, updated = ? WHERE id = ?",
            (state, told, moment(), group),
        )

    def put_samples(self, manifest_sha256: str, samples: Iterable[SampleRow]) -> None:
        """Note the images of a manifest; those that are there stay."""
        rows = (
            (
                manifest_sha256,
                *(each.position, each.key, each.dataset, each.file, each.form, each.patient),
                *(each.study, each.split, each.view, each.sex, each.age, each.fold),
                pack(each.targets),
            )
            for each in samples
        )
        with self._transaction() as connection:
            connection.executemany(
                f"INSERT OR IGNORE INTO sample VALUES ({', '.join('?' * 14)})", rows
            )

    def open_arm(
        self,
        group: str,
        model: str,
        precision: str,
        pipeline: str,
        signature: dict[str, Any],
        total: int,
    ) -> str:
        """Begin the run of an arm, or go on with the one of the same signature; returns its id."""
        name = run_name(group, model, precision, pipeline, signature)
        facts = json.dumps({"schema": 1, "signature": signature})
        self._connection.execute(
            "INSERT INTO arm (id, evaluation, model, precision, pipeline, total, state, facts, "
            "created, updated) VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?) "
            "ON CONFLICT (id) DO NOTHING",
            (name, group, model, precision, pipeline, total, facts, now(), moment()),
        )
        return name

    def set_arm_state(self, run: str, state: str) -> None:
        """Note what became of a run."""
        self._connection.execute(
            "UPDATE arm SET state = ?, updated = ? WHERE id = ?", (state, moment(), run)
        )

    def set_facts(self, run: str, **facts: Any) -> None:
        """Put `facts` into the run's JSON, each in the place of what stood there before."""
        with self._transaction() as connection:
            self._merge_facts(connection, run, facts)

    def add_note(self, run: str, code: str, **facts: Any) -> None:
        """Add something that must stay visible to the run's notes."""
        with self._transaction() as connection:
            (text,) = connection.execute("SELECT facts FROM arm WHERE id = ?", (run,)).fetchone()
            notes = [*json.loads(text).get("notes", ()), {"code": code, "at": now(), **facts}]
            self._merge_facts(connection, run, {"notes": notes})

    def begin_session(self, run: str, done: int) -> int:
        """Note that a process goes on with a run at `done` rows; how many have begun there already,
        this one counted. Many mean that an image ends the process again and again."""
        self._connection.execute(
            "UPDATE arm SET tries = CASE WHEN tried = ?1 THEN tries + 1 ELSE 1 END, tried = ?1 "
            "WHERE id = ?2",
            (done, run),
        )
        (tries,) = self._connection.execute("SELECT tries FROM arm WHERE id = ?", (run,)).fetchone()
        return int(tries)

    def end_session(self, run: str) -> None:
        """The run was left on purpose: the next session is no further try."""
        self._connection.execute("UPDATE arm SET tried = -1, tries = 0 WHERE id = ?", (run,))

    def commit(self, run: str, row: Row) -> bool:
        """Store one row with its labels, durably; false, and nothing changes, if its position has
        one."""
        with self._transaction() as connection:
            return self._put_row(connection, run, row)

    def commit_all(self, run: str, rows: Iterable[Row]) -> None:
        """Store many rows at once, all or none: those of a run that comes from elsewhere."""
        with self._transaction() as connection:
            for row in rows:
                self._put_row(connection, run, row)

    def forget_unopened(self, run: str) -> int:
        """Drop the failures of images whose file could not be opened (they have no hash), so that
        they are read again; how many there were. All other rows stay for ever."""
        unopened = "SELECT position FROM result WHERE arm = ?1 AND error IS NOT NULL "
        unopened += "AND image_sha256 IS NULL"
        with self._transaction() as connection:
            connection.execute(
                f"DELETE FROM label WHERE arm = ?1 AND position IN ({unopened})", (run,)
            )
            return connection.execute(
                f"DELETE FROM result WHERE arm = ?1 AND position IN ({unopened})", (run,)
            ).rowcount

    def add_labels(self, run: str, labels: Iterable[LabelRow]) -> None:
        """Store labels, durably; a labeler's older ones of the same outputs go."""
        with self._transaction() as connection:
            self._put_labels(connection, run, labels)
            connection.execute("UPDATE arm SET updated = ? WHERE id = ?", (moment(), run))

    def add_again(self, run: str, resume: str, row: Row) -> None:
        """Store the output of an image that was read again after `resume`, and its labels, beside
        its row. A second one of the same changes nothing."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO again VALUES (?, ?, ?, ?, ?, ?)",
                (run, resume, row.position, row.report or "", row.stop, now()),
            )
            self._put_again_labels(connection, run, [(resume, each) for each in row.labels])

    def add_again_labels(self, run: str, labels: Iterable[tuple[str, LabelRow]]) -> None:
        """Store labels of what was read again, each with its resume; a labeler's older ones go."""
        with self._transaction() as connection:
            self._put_again_labels(connection, run, labels)

    def add_answers(self, run: str, position: int, answers: dict[str, Any]) -> None:
        """Store the answers to yes/no questions beside the output of the same image."""
        self._connection.execute(
            "UPDATE text SET answers = ? WHERE arm = ? AND position = ?",
            (json.dumps(answers), run, position),
        )

    def add_timing(self, run: str, timed: TimedImage) -> None:
        """Store one timed image; a second measurement of it changes nothing."""
        self._connection.execute(
            "INSERT OR IGNORE INTO timing VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(run, timed.position, timed.preprocessing, timed.generation),
                *(timed.labelling, timed.tokens),
            ),
        )

    def take_group(self, other: Path, group: str) -> None:
        """Copy a group, its images and what is known of its arms, without rows, from another file:
        a rank's own file begins so."""
        self._connection.execute("ATTACH ? AS other", (str(other),))
        try:
            with self._transaction() as connection:
                for table, key in (("evaluation", "id"), ("arm", "evaluation")):
                    connection.execute(
                        f"INSERT OR IGNORE INTO {table} SELECT * FROM other.{table} "
                        f"WHERE {key} = ?",
                        (group,),
                    )
                connection.execute(
                    "INSERT OR IGNORE INTO sample SELECT * FROM other.sample WHERE manifest = "
                    "(SELECT manifest_sha256 FROM evaluation WHERE id = ?)",
                    (group,),
                )
        finally:
            self._connection.execute("DETACH other")

    def absorb(self, other: Path) -> None:
        """Take over what another file has and this one has not, by key."""
        with StoreReader(other) as reader:
            groups = reader.groups()
            arms = [arm for group in groups for arm in reader.arms(group.id)]
        for group in groups:
            if self.group(group.id) is None:
                self.put_group(group)
        self._connection.execute("ATTACH ? AS other", (str(other),))
        try:
            with self._transaction() as connection:
                columns = "id, evaluation, model, precision, pipeline, total, state, facts, "
                columns += "created, updated"
                connection.execute(
                    f"INSERT OR IGNORE INTO arm ({columns}) SELECT {columns} FROM other.arm"
                )
                for table in _KEPT:
                    connection.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM other.{table}")
                for arm in arms:
                    self._fill_facts(connection, arm.id, arm.facts)
        finally:
            self._connection.execute("DETACH other")

    def _put_row(self, connection: Any, run: str, row: Row) -> bool:
        added = connection.execute(
            f"INSERT OR IGNORE INTO result VALUES ({', '.join('?' * 12)})",
            (
                *(run, row.position, row.row_key, row.image_sha256, row.stop, row.error),
                *(row.tokens, row.prompt_tokens, row.seconds, row.slots),
                json.dumps(row.notes) if row.notes else None,
                now(),
            ),
        ).rowcount
        if not added:
            return False
        if row.report is not None:
            answers = None if row.answers is None else json.dumps(row.answers)
            connection.execute(
                "INSERT INTO text VALUES (?, ?, ?, ?)", (run, row.position, row.report, answers)
            )
        self._put_labels(connection, run, row.labels)
        return True

    @staticmethod
    def _put_labels(connection: Any, run: str, labels: Iterable[LabelRow]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?)",
            [
                (run, each.labeler, each.position, pack(each.codes), int(each.unparsed))
                for each in labels
            ],
        )

    @staticmethod
    def _put_again_labels(
        connection: Any, run: str, labels: Iterable[tuple[str, LabelRow]]
    ) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO again_label VALUES (?, ?, ?, ?, ?, ?)",
            [
                (run, resume, each.labeler, each.position, pack(each.codes), int(each.unparsed))
                for resume, each in labels
            ],
        )

    @staticmethod
    def _merge_facts(connection: Any, run: str, facts: dict[str, Any]) -> None:
        (text,) = connection.execute("SELECT facts FROM arm WHERE id = ?", (run,)).fetchone()
        merged = json.dumps(json.loads(text) | facts)
        connection.execute(
            "UPDATE arm SET facts = ?, updated = ? WHERE id = ?", (merged, moment(), run)
        )

    def _fill_facts(self, connection: Any, run: str, facts: dict[str, Any]) -> None:
        """Facts that this file does not have; within them the other's are newer, since a rank's
        file begins as a copy of what is here. Notes are joined."""
        (text,) = connection.execute("SELECT facts FROM arm WHERE id = ?", (run,)).fetchone()
        known = json.loads(text)
        new = {key: value for key, value in facts.items() if known.get(key) is None}
        for key in known.keys() & facts.keys():
            if isinstance(known[key], dict) and isinstance(facts[key], dict):
                new[key] = known[key] | facts[key]
        notes = [*known.get("notes", ())]
        notes += [each for each in facts.get("notes", ()) if each not in notes]
        self._merge_facts(connection, run, new | ({"notes": notes} if notes else {}))
