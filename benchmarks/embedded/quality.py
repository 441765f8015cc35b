"""How well the embedded model reads phantoms that training never saw.

`python -m benchmarks.embedded.quality [--limit N]` writes the test phantoms as files, opens them as
a user's would be, and reads them in both precisions and both pipelines. Rows are kept, one JSON a
line, so a run goes on where the last one stopped; `--shard I/N` reads a part only, for several
processes side by side. Every number in the result is computed from the rows.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import report
from benchmarks.embedded.scores import Row, summarise
from cxr_demo import models, phantoms, pipelines
from cxr_demo.labelers import direct, rules
from cxr_demo.models import Model
from cxr_demo.models.cards import card
from cxr_demo.paths import private_dir
from cxr_demo.phantoms import PHANTOM_VERSION, TEST_SEEDS, TRAIN_SEEDS
from cxr_demo.phantoms.files import Kind, write
from cxr_demo.records import DoneEvent, FindingSet, PipelineKind, Precision, Radiograph, Reading
from cxr_demo.studies import open_study

WHAT = "embedded model on phantoms that training never saw; SYNTHETIC, NOT PATIENTS"
PRECISIONS = (Precision.BF16, Precision.NF4)
WIDTH = 1024
"""Columns of a test phantom."""
KINDS = (Kind.DICOM_MONO2, Kind.DICOM_MONO1, Kind.PNG8, Kind.JPEG75)
"""How the phantoms are stored, by turns."""
FREQUENT_OF = 4_000
"""Training reports among which the most frequent one is looked for."""


def radiograph_of(seed: int, width: int = WIDTH, kind: Kind | None = None) -> Radiograph:
    """Phantom `seed`, written to a file and opened as a user's file would be."""
    kind = KINDS[seed % len(KINDS)] if kind is None else kind
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"phantom{kind.suffix}"
        write(phantoms.plan(seed), path, kind, width)
        return open_study(path)[0]


def read(model: Model, radiograph: Radiograph, kind: PipelineKind) -> Reading:
    """The reading that the screen would show. Raises what the pipeline raised."""
    *_, last = pipelines.read(model, radiograph, kind)
    if not isinstance(last, DoneEvent):
        raise RuntimeError(f"a phantom could not be read: {last}")
    return last.reading


def blank_answer(model: Model, kind: PipelineKind, radiograph: Radiograph) -> FindingSet:
    """What the model says of an image without content, below the phantom guard."""
    seen = model.see(radiograph)
    blank = replace(seen, pixels=np.zeros_like(seen.pixels))
    text = "".join(token.text for token in model.generate(blank, model.card.prompts[kind]))
    return direct.parse(text) if kind is PipelineKind.DIRECT else rules.label(text)


def frequent_report(count: int = FREQUENT_OF) -> str:
    """The report that training phantoms have most often."""
    reports = (phantoms.write_report(phantoms.plan(seed)) for seed in TRAIN_SEEDS[:count])
    return Counter(reports).most_common(1)[0][0]


def load(device: str) -> dict[Precision, Model]:
    """The embedded model in both precisions."""
    return {each: models.load(card("embedded"), each, device) for each in PRECISIONS}


def kept_rows(folder: Path) -> dict[int, list[Row]]:
    """Rows by seed that earlier runs left in `folder`; only seeds whose rows are complete."""
    found: dict[int, list[Row]] = {}
    for file in sorted(folder.glob("rows*.jsonl")):
        for line in file.read_text().splitlines():
            row = Row(**json.loads(line))
            found.setdefault(row.seed, []).append(row)
    whole = len(PRECISIONS) * len(PipelineKind)
    return {seed: rows for seed, rows in found.items() if len(rows) == whole}


def fill(folder: Path, seeds: Iterable[int], device: str, name: str) -> None:
    """Reads all of `seeds` that `folder` has no rows of; writes them to `name` in it."""
    have = kept_rows(folder)
    missing = [seed for seed in seeds if seed not in have]
    if not missing:
        return
    loaded = load(device)
    began = time.monotonic()
    with (folder / name).open("a") as file:
        for done, seed in enumerate(missing, start=1):
            radiograph = radiograph_of(seed)
            rows = [
                _row(seed, read(model, radiograph, kind))
                for model in loaded.values()
                for kind in PipelineKind
            ]
            # one write per phantom, so that a run cut short leaves whole phantoms
            file.write("".join(json.dumps(asdict(row)) + "\n" for row in rows))
            file.flush()
            if done % 25 == 0 or done == len(missing):
                print(f"{done} of {len(missing)}, {time.monotonic() - began:.0f} s", flush=True)


def _row(seed: int, reading: Reading) -> Row:
    made = reading.provenance
    labels = {each.finding.value: each.label.value for each in reading.findings[0].labels}
    return Row(
        seed=seed,
        precision=made.precision.value,
        pipeline=made.pipeline.value,
        report=reading.report,
        labels=labels,
        unparsed=reading.findings[0].unparsed,
        stop=reading.stop.value,
        tokens=reading.timings.tokens,
        made_with={"device": made.device, "engine": made.engine, **made.versions},
    )


def result_of(folder: Path, seeds: range) -> dict[str, Any]:
    """The whole result from the rows in `folder`. Raises KeyError if one is missing."""
    rows = kept_rows(folder)
    loaded = load("cpu")
    radiograph = radiograph_of(seeds[0])
    blanks = {
        (precision.value, kind.value): blank_answer(model, kind, radiograph)
        for precision, model in loaded.items()
        for kind in PipelineKind
    }
    frequent = frequent_report()
    return {
        "test_seeds": [seeds.start, seeds.stop],
        "phantom_version": PHANTOM_VERSION,
        "width": WIDTH,
        "stored_as": [kind.value for kind in KINDS],
        "weights_sha256": loaded[Precision.BF16].weights_sha256,
        "frequent_report": frequent,
        **summarise(
            [row for seed in seeds for row in rows[seed]], seeds, blanks, rules.label(frequent)
        ),
    }


def _gpus(result: dict[str, Any]) -> list[str]:
    """The GPUs that read, none if it was this machine's processor."""
    devices = {made["device"] for arm in result["arms"] for made in arm["made_with"]}
    return sorted(each for each in devices if each.startswith("NVIDIA"))


def rows_folder() -> Path:
    """Where rows of these weights and these phantoms are kept."""
    digest = models.load(card("embedded"), Precision.BF16).weights_sha256[:16]
    return private_dir() / "benchmarks" / f"embedded-{digest}-{PHANTOM_VERSION}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=len(TEST_SEEDS))
    parser.add_argument("--out", type=Path, default=report.RESULTS / "embedded_quality.json")
    parser.add_argument("--rows", type=Path, help="folder of the rows (the private folder)")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--shard", help="I/N: read only every N-th phantom from the I-th, 0-based")
    given = parser.parse_args(arguments)
    seeds = TEST_SEEDS[: given.limit]
    folder = given.rows or rows_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if given.shard:
        index, count = map(int, given.shard.split("/"))
        fill(folder, seeds[index::count], given.device, f"rows-{index}-of-{count}.jsonl")
        return
    fill(folder, seeds, given.device, "rows.jsonl")
    result = result_of(folder, seeds)
    command = f"python -m benchmarks.embedded.quality --limit {given.limit}"
    report.write(given.out, WHAT, command, result, _gpus(result))
    for arm in result["arms"]:
        print(arm["precision"], arm["pipeline"], arm["overall"]["uncertain_as_positive"]["micro"])


if __name__ == "__main__":
    main()
