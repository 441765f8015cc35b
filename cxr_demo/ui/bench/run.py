"""One run on the screen: what it is made of, its findings, and examples with image and text.

Examples are for this machine's screen only; no export is made from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from cxr_demo import plots
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Label, UncertaintyPolicy
from cxr_demo.labelers.policy import counted
from cxr_demo.metrics.f1 import CODES
from cxr_demo.records import PipelineKind
from cxr_demo.results import meaning, tables, words
from cxr_demo.results.book import Book
from cxr_demo.results.records import DIRECT, ArmResult, Board, Reread
from cxr_demo.results.tables import Table
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun, Codes, Group, ManifestArrays, Outcomes, Text
from cxr_demo.ui.bench.progress import composition, evaluation_name, notes_of
from cxr_demo.ui.bench.results import full_name, table_view
from cxr_demo.ui.strings import STRINGS, text
from cxr_demo.ui.wording import thousands
from cxr_demo.units import UNKNOWN, format_bytes, format_moment, format_rate, format_seconds

View = dict[str, Any]

EXAMPLES = 8

_LABELS = {code: str(label) for label, code in CODES.items()}


class NoRun(CxrError):
    """The run that the page asks for is not in the store."""

    code = "bench_no_run"
    en = "This run is not in the store any more: reload the page."
    pt = "Esta execução não está mais guardada: recarregue a página."


@dataclass(frozen=True, eq=False)
class Opened:
    """A run with what its page needs; `outcomes` and `images` are empty for runs that were carried
    here without them."""

    group: Group
    arm: ArmRun
    images: ManifestArrays
    outcomes: Outcomes
    texts: dict[int, Text]
    positions: tuple[int, ...]


def run_view(
    book: Book,
    run: str,
    labeler: str,
    policy: UncertaintyPolicy,
    language: str,
    has_image: Callable[[int], bool],
    dark: bool = True,
) -> View:
    """Everything of the run's dialog; `has_image` says whether the file of a position is here,
    `dark` is for its figure. Raises NoRun."""
    opened = book.read(lambda reader: _open(reader, run))
    board = book.with_answers(book.board(opened.group.id, labeler, policy), run)
    result = next((e for e in (*board.arms, *board.stand_ins) if e.arm.run == run), None)
    if result is None:
        raise NoRun
    marks = [text("bench.synthetic", language)] if opened.group.synthetic else []
    if result.arm.stand_in:
        marks.append(text("stand_in", language))
    slices = (
        {}
        if result.figures is None
        else book.slices(board.name.id, run, board.labeler, board.policy)
    )
    parts = [each for by_value in slices.values() for each in by_value.values()]
    saying = meaning.sentence(result, language) or ""
    return {
        "title": full_name(result, language),
        "computing": any(each.computing for each in (result, *parts)),
        "marks": marks,
        "saying": saying,
        "tables": [
            table_view(
                replace(each, notes=tuple(note for note in each.notes if note != saying)), language
            )
            for each in _tables(board, result, slices, language)
        ],
        "figure": plots.figure("reliability", board, language, dark, run=run)
        if result.answered is not None
        else None,
        "facts": _facts(opened, result, language),
        "examples_title": text("bench.run.examples", language),
        "examples_note": text(
            "bench.run.examples_note" if opened.positions else "bench.run.elsewhere", language
        ),
        "examples": [
            _example(opened, position, number, board, result.labeler, language)
            | {"image": f"image/{run}/{position}" if has_image(position) else None}
            for number, position in enumerate(opened.positions, 1)
        ],
    }


def _tables(
    board: Board, result: ArmResult, slices: dict[str, dict[str, ArmResult]], language: str
) -> list[Table]:
    """F1 and its kin by finding and by data set, view, sex and age; answers to yes/no questions."""
    if result.figures is None:
        return []
    answers = tables.answers(board, result, language)
    return [
        tables.findings(board, result, language),
        *([answers] if answers is not None else []),
        tables.slices(board, slices, language, result.arm.run),
    ]


def _open(reader: StoreReader, run: str) -> Opened:
    arm = reader.arm(run)
    group = reader.group(arm.group) if arm else None
    if arm is None or group is None:
        raise NoRun
    images, outcomes = reader.manifest(group.id), reader.outcomes(run)
    there = len(images.keys) > 0
    positions = tuple(choose(images.targets, outcomes, EXAMPLES)) if there else ()
    return Opened(group, arm, images, outcomes, reader.texts(run, positions), positions)


def choose(targets: Codes, outcomes: Outcomes, count: int) -> list[int]:
    """Positions of `count` examples: in turn the first outputs that differ much from their targets,
    those that agree, and those that failed or could not be parsed. In the running order, which is
    random, so they are no selection of the best."""
    labels = next(iter(outcomes.labels.values()), None)
    if labels is None or not len(outcomes.positions):
        return [int(each) for each in outcomes.positions[:count]]
    unparsed = next(iter(outcomes.unparsed.values()))
    truth = targets[outcomes.positions] == CODES_POSITIVE
    wrong = (truth != (labels == CODES_POSITIVE)).sum(axis=1)
    kinds = [
        outcomes.positions[(wrong >= 2) & ~unparsed],
        outcomes.positions[(wrong == 0) & ~unparsed],
        outcomes.positions[(wrong == 1) & ~unparsed],
        outcomes.positions[unparsed],
    ]
    mixed = chain.from_iterable(zip_longest(*(kind[:count] for kind in kinds)))
    return [int(each) for each in mixed if each is not None][:count]


CODES_POSITIVE = np.int8(1)

# ---------------------------------------------------------------- facts


def _facts(opened: Opened, result: ArmResult, language: str) -> list[tuple[str, str]]:
    group, arm, cost = opened.group, opened.arm, result.arm.cost
    signature = arm.facts.get("signature") or {}
    memory = arm.facts.get("memory") or {}
    prompt = signature.get("prompt") or {}
    recipe = f"{evaluation_name(group.name, language)}, {composition(group, language)}"
    done = f"{thousands(arm.done, language)} / {thousands(arm.total, language)}"
    versions = arm.facts.get("versions") or {}
    imported = arm.facts.get("imported") or {}
    pairs = [
        ("bench.run.run", arm.id),
        ("bench.run.recipe", recipe),
        ("bench.run.manifest", group.manifest_sha256),
        ("bench.run.state", text(f"bench.arm.{arm.state}", language)),
        ("bench.run.images", done),
        ("bench.run.created", None if imported else format_moment(arm.created, language)),
        ("bench.run.imported", imported.get("from")),
        ("bench.run.taken_in", imported and format_moment(imported["at"], language)),
        ("prov.model", signature.get("model")),
        ("prov.revision", signature.get("revision")),
        ("prov.weights", signature.get("weights_sha256")),
        ("prov.prompt", prompt and f"{prompt.get('id')}: {prompt.get('text')}"),
        ("prov.preprocessing", signature.get("preprocessing")),
        ("prov.engine", _joined(signature, "engine", "engine_version")),
        ("prov.device", arm.facts.get("device")),
        ("prov.confirmed", text("yes" if arm.facts.get("confirmed") else "no", language)),
        ("bench.run.labelers", _labelers(arm, language)),
        ("bench.run.vram", _bytes(cost.vram, language)),
        ("bench.run.vram_batch", _bytes(cost.vram_batch_peak, language)),
        ("bench.run.rss", _bytes(memory.get("rss_peak"), language)),
        ("bench.run.time", _time(arm.facts.get("time_per_image"), language)),
        ("bench.run.alone", _alone(arm.facts.get("alone_against_batch"))),
        ("bench.run.again", _again(result.arm.reread, language)),
        ("bench.run.throughput", _throughput(cost.images_per_second, language)),
        ("bench.run.notes", _notes(arm, language)),
        ("prov.versions", ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))),
    ]
    return [(text(key, language), str(value)) for key, value in pairs if value]


def _joined(facts: Mapping[str, Any], *names: str) -> str:
    return " ".join(str(facts[each]) for each in names if facts.get(each))


def _labelers(arm: ArmRun, language: str) -> str:
    if arm.pipeline == PipelineKind.DIRECT:
        return text("labeler.direct", language)
    known = arm.facts.get("labelers") or ()
    return ", ".join(text(f"labeler.{each}", language) for each in known)


def _bytes(count: int | None, language: str) -> str | None:
    return None if count is None else format_bytes(count, language)


def _time(measured: Mapping[str, Any] | None, language: str) -> str | None:
    if not measured:
        return None
    return text(
        "bench.run.time_value",
        language,
        mean=format_seconds(measured["mean"], language),
        sd=format_seconds(measured.get("sd"), language),
        n=measured["n"],
        tokens=format_rate(measured.get("mean_tokens"), language),
    )


def _alone(compared: Mapping[str, Any] | None) -> str | None:
    """Of the images that were read at batch 1 too, those with other labels: rounding differs with
    what else is in a batch, as after a resume."""
    return None if not compared else f"{compared['labels_differ']} / {compared['images']}"


def _again(found: Reread | None, language: str) -> str | None:
    """Of the images read once more after resumes, those with other labels, by labeler."""
    if found is None:
        return None
    labels = ", ".join(
        f"{differ} / {both} ({text(f'labeler.short.{name}', language)})"
        for name, (both, differ) in found.labels.items()
    )
    return text(
        "bench.run.again_value", language, images=found.images, labels=labels, texts=found.texts
    )


def _throughput(rate: float | None, language: str) -> str | None:
    return (
        None
        if rate is None
        else text("bench.per_second", language, rate=format_rate(rate, language))
    )


def _notes(arm: ArmRun, language: str) -> str:
    return " ".join(notes_of(arm, language))


# ---------------------------------------------------------------- examples


def _example(
    opened: Opened, position: int, number: int, board: Board, labeler: str, language: str
) -> View:
    found = opened.texts.get(position)
    labelers = _columns(opened, labeler)
    heads = [text(f"bench.run.{each}", language) for each in ("finding", "target")]
    heads += [text(f"labeler.short.{each}", language) for each in labelers]
    return {
        "alt": text("bench.run.radiograph", language, n=number),
        "head": _head(opened, position, found, language),
        "report": (found.report or "").strip() if found else "",
        "error": _error(opened, found, language),
        "columns": heads,
        "rows": _rows(opened, position, labelers, board.policy, language),
    }


def _columns(opened: Opened, labeler: str) -> list[str]:
    """The labeler that is chosen first, then the others that labelled this run."""
    names = list(opened.outcomes.labels)
    return sorted(names, key=lambda each: (each != labeler, each == DIRECT, each))


def _head(opened: Opened, position: int, found: Text | None, language: str) -> str:
    images = opened.images
    named = words.dataset(str(images.datasets[position]), language)
    parts = [named, images.views[position], images.splits[position]]
    if found and found.seconds is not None:
        parts.append(format_seconds(found.seconds, language))
    if found and found.tokens is not None:
        parts.append(f"{found.tokens} tokens")
    if found and found.image_sha256:
        parts.append(f"SHA-256 {found.image_sha256[:12]}…")
    return " · ".join(str(each) for each in parts if each)


def _error(opened: Opened, found: Text | None, language: str) -> str | None:
    """Why this image failed; of several that failed alike, what one of them said."""
    if found is None or found.error is None:
        return None
    known = opened.arm.facts.get("failures") or {}
    record = known.get(found.error) or {"code": found.error, "params": {}}
    return CxrError.from_dict(record).message(language)


def _rows(
    opened: Opened, position: int, labelers: list[str], policy: UncertaintyPolicy, language: str
) -> list[View]:
    """The findings of which anything is said, target and labels side by side; marked is what the
    score counts as a difference, by the policy that is chosen."""
    at = int(np.searchsorted(opened.outcomes.positions, position))
    target = opened.images.targets[position]
    said = [opened.outcomes.labels[each][at] for each in labelers]
    differs = text("bench.run.differs", language)
    rows = []
    for place, finding in enumerate(FINDINGS):
        states = [_LABELS[int(codes[place])] for codes in (target, *said)]
        if set(states) <= {"negative", "not_mentioned"}:
            continue
        count = [counted(Label(each), policy) for each in states[:2]]
        other = None not in count and len(set(count)) > 1
        cells = [{"words": _word(each, language), "state": each} for each in states]
        line = {"finding": finding.name_in(language), "cells": cells}
        rows.append(line | {"differs": differs if other else None})
    return rows


def _word(state: str, language: str) -> str:
    key = f"label.{state}"
    return text(key, language) if key in STRINGS else UNKNOWN
