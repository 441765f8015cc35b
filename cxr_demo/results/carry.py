"""A finished run as one file for another machine.

Without `full`: the run's facts, its aggregates under every labeler and policy, and its labels per
image under hashes of keys and patients. The salt of the hashes is thrown away, so nobody can try
names. No image, no target and no text is in it. With `full`, for holders of the data licences,
keys, targets and texts come along; images never do.

The file is a zip of JSON: `run.json`, `rows.json` and, with `full`, `samples.json`.
"""

import json
import secrets
import zipfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import CxrError
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.results import carried, loading, words
from cxr_demo.results.book import Book
from cxr_demo.results.faults import (
    RunAlreadyHere,
    RunFileMissing,
    RunFileRefused,
    RunNotWritten,
    RunUnfinished,
    RunUnknown,
)
from cxr_demo.results.names import LABELERS
from cxr_demo.results.records import DIRECT, Arm, ArmResult, Cost
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun, Group, LabelRow, Row, SampleRow, TimedImage, pack
from cxr_demo.units import GIB

FORMAT = "cxr-demo run"
VERSION = 1
_PATIENCE_S = 600.0
_MOST_REPLICATES = 20_000
_WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)
"""What reading a file that is no run, or a damaged one, can raise."""
_LARGEST = 1 * GIB
"""Of a file taken in, unpacked."""

_GROUP = (
    *("id", "name", "recipe", "manifest_sha256"),
    *("composition", "images", "synthetic", "created"),
)
_ARM = ("id", "model", "precision", "pipeline", "total", "facts", "created")


def export_run(run: str, file: Path, full: bool = False, store: Path | None = None) -> None:
    """Write run `run` of the store to `file`, readable by this user only. Takes as long as its
    intervals do. Raises RunUnknown, RunUnfinished and RunNotWritten."""
    path = store or store_path()
    with StoreReader(path) as reader:
        arm = reader.arm(run)
        group = None if arm is None else reader.group(arm.group)
        if arm is None or group is None:
            raise RunUnknown(run=run)
        if arm.done < arm.total:
            raise RunUnfinished(run=run, done=arm.done, total=arm.total)
        record = {
            "format": FORMAT,
            "version": VERSION,
            "full": full,
            "group": {name: getattr(group, name) for name in _GROUP},
            "arm": {name: getattr(arm, name) for name in _ARM},
            "timings": [asdict(each) for each in reader.timings(run)],
            "results": _results(path, group, arm),
        }
        parts = {"run.json": record, "rows.json": _rows(reader, group, arm, full)}
        if full:
            parts["samples.json"] = _samples(reader, group)
    try:
        file.touch(mode=0o600)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, json.dumps(content, allow_nan=False))
    except OSError as error:
        raise RunNotWritten(detail=type(error).__name__) from error


def import_run(file: Path, store: Path | None = None, language: str = "en") -> str:
    """Take in a run that `export_run` wrote; returns its name in `language`. Raises RunFileMissing,
    RunFileRefused and RunAlreadyHere, and then nothing is changed."""
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(each.file_size for each in archive.infolist()) > _LARGEST:
                raise RunFileRefused(detail="too large")
            parts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
        taken = _Taken(parts)
    except CxrError:
        raise
    except OSError as error:
        raise RunFileMissing() from error
    except _WRONG as error:
        raise RunFileRefused(detail=type(error).__name__) from error
    with EvaluationStore(store or store_path()) as opened:
        taken.put(opened)
    return taken.name(language)


# ---------------------------------------------------------------- out


def _results(path: Path, group: Group, arm: ArmRun) -> dict[str, Any]:
    """Per labeler and policy: the arm's figures, its slices' points, the pairs it belongs to."""
    if arm.facts.get("stand_in"):
        return {}
    book = Book(path)
    try:
        labelled = book.read(lambda reader: reader.outcomes(arm.id).labels)
        named = [each for each in (*LABELERS, DIRECT) if each in labelled]
        asked = [(labeler, policy) for labeler in named for policy in UncertaintyPolicy]
        for labeler, policy in asked:
            book.board(group.id, labeler, policy)
        book.wait(_PATIENCE_S)
        return {
            f"{labeler}/{policy}": _figures(book, group, arm, labeler, policy)
            for labeler, policy in asked
        }
    finally:
        book.close()


def _figures(
    book: Book, group: Group, arm: ArmRun, labeler: str, policy: UncertaintyPolicy
) -> dict[str, Any]:
    board = book.with_answers(book.board(group.id, labeler, policy), arm.id)
    own = next((each for each in board.arms if each.arm.run == arm.id), None)
    return {
        "arm": None if own is None else carried.result_record(own),
        "answered": None if own is None else carried.answered_record(own.answered),
        "slices": {
            column: {
                value: carried.result_record(replace(each, intervals=None))
                for value, each in by_value.items()
            }
            for column, by_value in book.slices(group.id, arm.id, labeler, policy).items()
        },
        "pairs": [
            {
                "candidate": each.candidate.arm.run,
                "reference": each.reference.arm.run,
                **carried.pair_record(each),
            }
            for each in board.pairs
            if arm.id in (each.candidate.arm.run, each.reference.arm.run)
        ],
    }


def _rows(reader: StoreReader, group: Group, arm: ArmRun, full: bool) -> list[dict[str, Any]]:
    manifest, outcomes = reader.manifest(group.id), reader.outcomes(arm.id)
    salt = secrets.token_bytes(32)
    texts = reader.texts(arm.id, outcomes.positions.tolist()) if full else {}
    found = []
    for number, position in enumerate(outcomes.positions.tolist()):
        key = f"{manifest.datasets[position]}|{manifest.keys[position]}"
        row: dict[str, Any] = {
            "position": position,
            "key": key if full else _hash(salt, key),
            "patient": manifest.patients[position]
            if full
            else _hash(salt, str(manifest.patients[position])),
            "failed": bool(outcomes.failed[number]),
            "tokens": int(outcomes.tokens[number]),
            "labels": {
                labeler: {
                    "codes": codes[number].tolist(),
                    "unparsed": bool(outcomes.unparsed[labeler][number]),
                }
                for labeler, codes in outcomes.labels.items()
                if outcomes.present[labeler][number] and not outcomes.failed[number]
            },
        }
        if full and position in texts:
            row["report"], row["stop"] = texts[position].report, texts[position].stop
        found.append(row)
    return found


def _samples(reader: StoreReader, group: Group) -> list[dict[str, Any]]:
    table = reader.manifest(group.id)
    return [
        {
            "position": at,
            "key": table.keys[at],
            "dataset": table.datasets[at],
            "file": table.files[at],
            "form": table.forms[at],
            "patient": str(table.patients[at]).removeprefix(f"{table.datasets[at]}/"),
            "study": table.studies[at],
            "split": table.splits[at],
            "view": table.views[at],
            "sex": table.sexes[at],
            "age": None if table.ages[at] != table.ages[at] else float(table.ages[at]),
            "fold": None if table.folds is None else int(table.folds[at]),
            "targets": table.targets[at].tolist(),
        }
        for at in range(len(table.keys))
    ]


def _hash(salt: bytes, text: str) -> str:
    return sha256(salt + text.encode()).hexdigest()[:24]


# ---------------------------------------------------------------- in


class _Taken:
    """A file's content, checked as a whole before anything is written."""

    def __init__(self, parts: dict[str, Any]) -> None:
        record = parts["run.json"]
        if record["format"] != FORMAT:
            raise RunFileRefused(detail="format")
        if record["version"] > VERSION:
            raise RunFileRefused(detail=f"version {record['version']}")
        arm, facts = record["arm"], dict(record["arm"]["facts"])
        gpu = str(facts.get("device") or "?")
        facts["imported"] = {
            "from": gpu,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": str(arm["id"]),
        }
        facts["carried"] = record["results"]
        self.facts = facts
        self.arm = arm
        asked = Recipe.from_dict(record["group"]["recipe"])
        if not 1 <= asked.replicates <= _MOST_REPLICATES or not 0 < asked.level < 1:
            raise RunFileRefused(detail="recipe")
        self.group = Group(**{name: record["group"][name] for name in _GROUP}, state="finished")
        self.timings = [TimedImage(**each) for each in record["timings"]]
        total = int(arm["total"])
        self.rows = [_row(each, total) for each in parts["rows.json"]]
        self.samples = [_sample(each, total) for each in parts.get("samples.json", ())]
        shown = loading.arm(self._run(), self.group)  # raises for what is no arm
        for name, held in record["results"].items():
            _check(shown, name, held)
        if not all(isinstance(each, int | float | None) for each in _numbers(shown.cost)):
            raise RunFileRefused(detail="facts")
        self._shown, self._gpu = shown, gpu

    def name(self, language: str) -> str:
        """What was measured, and where."""
        named = (each(self._shown, language) for each in (words.model, words.precision, words.task))
        return " · ".join((*named, self._gpu))

    def put(self, store: EvaluationStore) -> None:
        """Write everything. A run that was measured here keeps its own place beside it."""
        if store.group(self.group.id) is None:
            store.put_group(self.group)
        signature = {**self.facts.get("signature", {}), "imported": self.facts["imported"]["run"]}
        known = {each.id for each in store.arms(self.group.id)}
        if self.facts["imported"]["run"] in known:
            raise RunAlreadyHere
        run = store.open_arm(
            self.group.id,
            *(self.arm["model"], self.arm["precision"], self.arm["pipeline"]),
            signature,
            int(self.arm["total"]),
        )
        if run in known:
            raise RunAlreadyHere
        if self.samples:
            store.put_samples(self.group.manifest_sha256, self.samples)
        store.commit_all(run, self.rows)
        for each in self.timings:
            store.add_timing(run, each)
        store.set_facts(run, **self.facts)
        store.set_arm_state(run, "finished")

    def _run(self) -> ArmRun:
        held = {name: self.arm[name] for name in _ARM}
        return ArmRun(
            **held | {"facts": self.facts},
            group=self.group.id,
            done=int(self.arm["total"]),
            failed=0,
            state="finished",
            current=True,
            updated=str(self.arm["created"]),
        )


def _numbers(cost: Cost) -> list[Any]:
    return [value for name, value in vars(cost).items() if name != "gpu"]


def _check(arm: Arm, name: str, held: dict[str, Any]) -> None:
    """Read all figures once, as a board will. Raises what is caught above."""
    labeler, _, policy = name.partition("/")
    if labeler not in (*LABELERS, DIRECT):
        raise RunFileRefused(detail="labeler")
    slices = [record for by_value in held["slices"].values() for record in by_value.values()]
    for record in (held["arm"], *slices):
        if record is not None:
            carried.result_of(arm, labeler, UncertaintyPolicy(policy), record)
    carried.answered_of(held.get("answered"))
    own = ArmResult(arm, labeler, UncertaintyPolicy(policy))
    for record in held["pairs"]:
        carried.pair_of(own, own, record)


def _sample(held: dict[str, Any], total: int) -> SampleRow:
    """Raises what is caught above for anything else than a sample below its data set's folder."""
    found = SampleRow(**held | {"targets": tuple(held["targets"])})
    pack(found.targets)
    parts = found.file.split("/")
    outside = not parts[0] or ".." in parts or any(each in found.file for each in ("\\", ":"))
    if outside or not 0 <= found.position < total:
        raise RunFileRefused(detail="samples")
    return found


def _row(held: dict[str, Any], total: int) -> Row:
    position = int(held["position"])
    if not 0 <= position < total:
        raise RunFileRefused(detail="rows")
    for each in held["labels"].values():
        pack(tuple(each["codes"]))
    return Row(
        position=position,
        report=held.get("report"),
        stop=held.get("stop"),
        error="failed_elsewhere" if held["failed"] else None,
        tokens=None if held["tokens"] < 0 else int(held["tokens"]),
        labels=tuple(
            LabelRow(position, labeler, tuple(each["codes"]), bool(each["unparsed"]))
            for labeler, each in held["labels"].items()
        ),
    )
