"""Reading evaluations out of the store: small records, and arrays for figures. Writes nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, Label
from cxr_demo.metrics.f1 import CODES
from cxr_demo.store.again import AgainReader
from cxr_demo.store.records import (
    ArmRun,
    Codes,
    Group,
    ManifestArrays,
    Outcomes,
    Text,
    TimedImage,
    unpack,
)

_GROUP = (
    "id, name, recipe, manifest_sha256, composition, images, synthetic, data, options, state, "
    "error, created, updated"
)
_ARM = """
    SELECT arm.id, evaluation, model, precision, pipeline, total,
        (SELECT COUNT(*) FROM result WHERE result.arm = arm.id),
        (SELECT COUNT(error) FROM result WHERE result.arm = arm.id),
        state, facts, created, updated,
        NOT EXISTS (SELECT 1 FROM arm AS other WHERE other.evaluation = arm.evaluation
            AND other.model = arm.model AND other.precision = arm.precision
            AND other.pipeline = arm.pipeline AND other.rowid > arm.rowid
            AND json_extract(other.facts, '$.signature.prompt.id')
                IS json_extract(arm.facts, '$.signature.prompt.id'))
    FROM arm
"""


class StoreReader(AgainReader):
    """The evaluations in one file; belongs to one thread. What it returns is a copy."""

    def change(self) -> int:
        """A number that is another one after any other process has committed something."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def groups(self) -> list[Group]:
        """All groups, the newest first."""
        rows = self._connection.execute(
            f"SELECT {_GROUP} FROM evaluation ORDER BY created DESC, rowid DESC"
        )
        return [_group(row) for row in rows]

    def group(self, group: str) -> Group | None:
        """One group, or None."""
        row = self._connection.execute(
            f"SELECT {_GROUP} FROM evaluation WHERE id = ?", (group,)
        ).fetchone()
        return None if row is None else _group(row)

    def arms(self, group: str) -> list[ArmRun]:
        """The runs of a group in the order in which they began; of one arm, the last is current."""
        rows = self._connection.execute(f"{_ARM} WHERE evaluation = ? ORDER BY rowid", (group,))
        return [_arm(row) for row in rows]

    def arm(self, run: str) -> ArmRun | None:
        """One run, or None."""
        row = self._connection.execute(f"{_ARM} WHERE arm.id = ?", (run,)).fetchone()
        return None if row is None else _arm(row)

    def manifest(self, group: str) -> ManifestArrays:
        """The images of a group. Raises KeyError for an unknown group."""
        found = self.group(group)
        if found is None:
            raise KeyError(group)
        rows = self._connection.execute(
            "SELECT key, dataset, file, form, patient, study, split, view, sex, age, fold, targets "
            "FROM sample WHERE manifest = ? ORDER BY position",
            (found.manifest_sha256,),
        ).fetchall()
        columns = [list(each) for each in zip(*rows, strict=True)] or [[] for _ in range(12)]
        key, dataset, file, form, patient, study, split, view, sex, age, fold, targets = columns
        unique = [f"{one}/{other}" for one, other in zip(dataset, patient, strict=True)]
        return ManifestArrays(
            keys=_objects(key),
            datasets=_objects(dataset),
            files=_objects(file),
            forms=_objects(form),
            patients=_objects(unique),
            studies=_objects(study),
            splits=_objects(split),
            views=_objects(view),
            sexes=_objects(sex),
            ages=np.array([np.nan if each is None else each for each in age], np.float64),
            folds=None if not fold or None in fold else np.array(fold, np.int64),
            targets=unpack(targets),
        )

    def outcomes(self, run: str) -> Outcomes:
        """All rows of a run as arrays, without texts."""
        rows = self._connection.execute(
            "SELECT position, error IS NOT NULL, tokens FROM result WHERE arm = ? "
            "ORDER BY position",
            (run,),
        ).fetchall()
        positions = np.array([each[0] for each in rows], np.int64)
        failed = np.array([each[1] for each in rows], np.bool_)
        labelers = self._connection.execute(
            "SELECT DISTINCT labeler FROM label WHERE arm = ? ORDER BY labeler", (run,)
        ).fetchall()
        labels, unparsed, present = {}, {}, {}
        for (labeler,) in labelers:
            found = self._labels(run, labeler, positions, failed)
            labels[labeler], unparsed[labeler], present[labeler] = found
        return Outcomes(
            positions=positions,
            failed=failed,
            tokens=np.array([-1 if each[2] is None else each[2] for each in rows], np.int64),
            labels=labels,
            unparsed=unparsed,
            present=present,
        )

    def labelers(self, run: str) -> list[str]:
        """Whose labels a run has, by name."""
        rows = self._connection.execute(  # from name to name along the index: rows are many
            "WITH RECURSIVE known (name) AS (SELECT MIN(labeler) FROM label WHERE arm = ?1 "
            "UNION ALL SELECT (SELECT MIN(labeler) FROM label WHERE arm = ?1 AND labeler > name) "
            "FROM known WHERE name IS NOT NULL) SELECT name FROM known WHERE name IS NOT NULL",
            (run,),
        )
        return [name for (name,) in rows]

    def texts(self, run: str, positions: Sequence[int]) -> dict[int, Text]:
        """The outputs at `positions`, those that are there."""
        found = {}
        for position in positions:
            row = self._connection.execute(
                "SELECT result.position, report, stop, error, tokens, seconds, image_sha256, "
                "row_key, notes, answers FROM result LEFT JOIN text "
                "ON text.arm = result.arm AND text.position = result.position "
                "WHERE result.arm = ? AND result.position = ?",
                (run, int(position)),
            ).fetchone()
            if row is not None:
                at, report, stop, error, tokens, seconds, image, key, notes, answers = row
                found[at] = Text(
                    position=at,
                    report=report,
                    stop=stop,
                    error=error,
                    tokens=tokens,
                    seconds=seconds,
                    image_sha256=image,
                    row_key=key,
                    notes=tuple(_json(notes) or ()),
                    answers=_json(answers),
                )
        return found

    def text_hashes(self, run: str) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """(M,) positions, ascending, and a hash of each one's output, 0 for a row without one."""
        rows = self._connection.execute(
            "SELECT result.position, report FROM result LEFT JOIN text ON text.arm = result.arm "
            "AND text.position = result.position WHERE result.arm = ? ORDER BY result.position",
            (run,),
        )
        found = [(position, 0 if text is None else _hash(text)) for position, text in rows]
        positions = np.array([each[0] for each in found], np.int64)
        return positions, np.array([each[1] for each in found], np.uint64)

    def timings(self, run: str) -> list[TimedImage]:
        """The images that were timed at batch 1, by position."""
        rows = self._connection.execute(
            "SELECT position, preprocessing, generation, labelling, tokens FROM timing "
            "WHERE arm = ? ORDER BY position",
            (run,),
        )
        return [TimedImage(*row) for row in rows]

    def done(self, run: str) -> set[int]:
        """Positions that have a row, failed ones included."""
        rows = self._connection.execute("SELECT position FROM result WHERE arm = ?", (run,))
        return {position for (position,) in rows}

    def counts(self, run: str) -> tuple[int, int, int]:
        """How many rows there are, how many failed, and how many outputs could not be parsed."""
        done, failed = self._connection.execute(
            "SELECT COUNT(*), COUNT(error) FROM result WHERE arm = ?", (run,)
        ).fetchone()
        (unparsed,) = self._connection.execute(
            "SELECT COUNT(DISTINCT position) FROM label WHERE arm = ? AND unparsed", (run,)
        ).fetchone()
        return int(done), int(failed), int(unparsed)

    def failures(self, run: str) -> Counter[str]:
        """How many rows failed with each code."""
        rows = self._connection.execute(
            "SELECT error, COUNT(*) FROM result WHERE arm = ? AND error IS NOT NULL GROUP BY error",
            (run,),
        )
        return Counter(dict(rows))

    def unlabelled(self, run: str, labeler: str, most: int | None = None) -> list[tuple[int, str]]:
        """(position, report) of outputs that `labeler` has not labelled, at most `most`."""
        rows = self._connection.execute(
            "SELECT position, report FROM text WHERE arm = ?1 AND position NOT IN "
            "(SELECT position FROM label WHERE arm = ?1 AND labeler = ?2) "
            "ORDER BY position LIMIT ?3",
            (run, labeler, -1 if most is None else most),
        )
        return list(rows)

    def answered(self, run: str) -> set[int]:
        """Positions with answers to yes/no questions."""
        rows = self._connection.execute(
            "SELECT position FROM text WHERE arm = ? AND answers IS NOT NULL", (run,)
        )
        return {position for (position,) in rows}

    def answers(self, run: str) -> dict[int, dict[str, Any]]:
        """The answers to yes/no questions by position, as `evaluation.answers.Answers` in JSON."""
        rows = self._connection.execute(
            "SELECT position, answers FROM text WHERE arm = ? AND answers IS NOT NULL "
            "ORDER BY position",
            (run,),
        )
        return {position: json.loads(text) for position, text in rows}

    def digest(self, run: str) -> str:
        """SHA-256 over what figures are made of: every row's labels and whether it failed."""
        made = hashlib.sha256()
        for row in self._connection.execute(
            "SELECT position, error FROM result WHERE arm = ? ORDER BY position", (run,)
        ):
            made.update(repr(row).encode())
        for row in self._connection.execute(
            "SELECT labeler, position, codes, unparsed FROM label WHERE arm = ? "
            "ORDER BY labeler, position",
            (run,),
        ):
            made.update(repr(row).encode())
        return made.hexdigest()

    def _labels(
        self, run: str, labeler: str, positions: NDArray[np.int64], failed: NDArray[np.bool_]
    ) -> tuple[Codes, NDArray[np.bool_], NDArray[np.bool_]]:
        rows = self._connection.execute(
            "SELECT position, codes, unparsed FROM label WHERE arm = ? AND labeler = ? "
            "ORDER BY position",
            (run, labeler),
        ).fetchall()
        said = np.full((len(positions), len(FINDINGS)), CODES[Label.NOT_MENTIONED], np.int8)
        unparsed, present = failed.copy(), failed.copy()
        at = np.searchsorted(positions, np.array([each[0] for each in rows], np.int64))
        said[at] = unpack([each[1] for each in rows])
        unparsed[at] |= np.array([each[2] for each in rows], np.bool_)
        present[at] = True
        return said, unparsed, present


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") or 1


def _group(row: tuple[Any, ...]) -> Group:
    id, name, recipe, manifest, composition, images, synthetic, data, options, *rest = row
    state, error, created, updated = rest
    return Group(
        id=id,
        name=name,
        recipe=json.loads(recipe),
        manifest_sha256=manifest,
        composition=composition,
        images=images,
        synthetic=bool(synthetic),
        data=json.loads(data),
        options=json.loads(options),
        state=state,
        error=_json(error),
        created=created,
        updated=updated,
    )


def _arm(row: tuple[Any, ...]) -> ArmRun:
    *facts, state, measured, created, updated, current = row
    id, group, model, precision, pipeline, total, done, failed = facts
    return ArmRun(
        id=id,
        group=group,
        model=model,
        precision=precision,
        pipeline=pipeline,
        total=total,
        done=done,
        failed=failed,
        state=state,
        current=bool(current),
        facts=json.loads(measured),
        created=created,
        updated=updated,
    )


def _objects(values: list[Any]) -> NDArray[np.object_]:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
