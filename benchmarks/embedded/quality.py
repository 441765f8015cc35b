"""How well the embedded model reads phantoms that training never saw.

`python -m benchmarks.embedded.quality [--limit N]` draws the test phantoms, writes each as DICOM,
opens it, and reads it through `cxr_demo.pipelines` in both precisions and both pipelines, as the
screen does. Rows are kept in the private folder, so a run goes on where the last one stopped.
Every number in `benchmarks/results/embedded_quality.json` is computed from those rows.
"""

import argparse
import json
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from benchmarks.embedded.scores import Row, summarise
from cxr_demo import models, phantoms, pipelines
from cxr_demo.labelers import direct, rules
from cxr_demo.models.base import Model, Seen
from cxr_demo.models.cards import card
from cxr_demo.paths import private_dir
from cxr_demo.phantoms import PHANTOM_VERSION, TEST_SEEDS, TRAIN_SEEDS
from cxr_demo.records import DoneEvent, FindingSet, PipelineKind, Precision, Radiograph, Reading
from cxr_demo.studies import open_study, write_dicom

RESULTS = Path(__file__).parent.parent / "results"
PRECISIONS = (Precision.BF16, Precision.NF4)
WIDTH = 1024
"""Columns of a test phantom. It is drawn at its own aspect, on the same code path at any size."""
FREQUENT_OF = 4_000
"""Training reports among which the most frequent one is looked for."""


def radiograph_of(seed: int, width: int = WIDTH) -> Radiograph:
    """Phantom `seed`, written as DICOM and opened as a user's file would be."""
    plan = phantoms.plan(seed)
    bits = plan.exposure.bits
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phantom.dcm"
        pixels = phantoms.draw(plan, plan.native_size(width))
        write_dicom(path, pixels, bits=bits, phantom=True, view=plan.exposure.view)
        return open_study(path)[0]


def read(model: Model, radiograph: Radiograph, kind: PipelineKind) -> Reading:
    """The reading that the screen would show. Raises what the pipeline raised."""
    *_, last = pipelines.read(model, radiograph, kind, lambda: False)
    if not isinstance(last, DoneEvent):
        raise RuntimeError(f"a phantom could not be read: {last}")
    return last.reading


def blank_answer(model: Model, kind: PipelineKind, like: Seen) -> FindingSet:
    """What the model says of an image without content, below the phantom guard."""
    blank = replace(like, pixels=np.zeros_like(like.pixels))
    text = "".join(token.text for token in model.generate(blank, model.card.prompts[kind]))
    return direct.parse(text) if kind is PipelineKind.DIRECT else rules.label(text)


def frequent_report(count: int = FREQUENT_OF) -> str:
    """The report that training phantoms have most often."""
    reports = (phantoms.write_report(phantoms.plan(seed)) for seed in TRAIN_SEEDS[:count])
    return Counter(reports).most_common(1)[0][0]


def _row(seed: int, precision: Precision, kind: PipelineKind, reading: Reading) -> Row:
    found = reading.findings[0]
    labels = {each.finding.value: each.label.value for each in found.labels}
    timings = reading.timings
    return Row(
        seed, precision.value, kind.value, reading.report, labels, found.unparsed,
        reading.stop.value, timings.ttft, timings.total, timings.tokens,
    )  # fmt: skip


def rows_of(loaded: dict[Precision, Model], seeds: Iterable[int], kept: Path) -> Iterator[Row]:
    """All rows of `seeds`, read now unless `kept` (one JSON per line) has them already."""
    have: dict[int, list[Row]] = {}
    for line in kept.read_text().splitlines() if kept.exists() else ():
        row = Row(**json.loads(line))
        have.setdefault(row.seed, []).append(row)
    with kept.open("a") as file:
        for seed in seeds:
            if len(have.get(seed, ())) < len(loaded) * len(PipelineKind):
                radiograph = radiograph_of(seed)
                have[seed] = [
                    _row(seed, precision, kind, read(model, radiograph, kind))
                    for precision, model in loaded.items()
                    for kind in PipelineKind
                ]
                # one write per phantom, so that a run cut short leaves whole phantoms only
                file.write("".join(json.dumps(vars(row)) + "\n" for row in have[seed]))
                file.flush()
            yield from have[seed]


def measure(limit: int, device: str = "cpu") -> dict[str, Any]:
    """The whole result over the first `limit` test phantoms."""
    seeds = TEST_SEEDS[:limit]
    loaded = {
        precision: models.load(card("embedded"), precision, device, lambda _: None)
        for precision in PRECISIONS
    }
    first = loaded[Precision.BF16]
    folder = private_dir() / "benchmarks"
    folder.mkdir(exist_ok=True)
    kept = folder / f"embedded_{first.weights_sha256[:16]}_{PHANTOM_VERSION}.jsonl"
    began = time.monotonic()
    rows = []
    for row in rows_of(loaded, seeds, kept):
        rows.append(row)
        if len(rows) % 100 == 0:
            print(f"{len(rows)} readings, {time.monotonic() - began:.0f} s", flush=True)
    seen = first.see(radiograph_of(seeds[0]))
    blanks = {
        (precision.value, kind.value): blank_answer(model, kind, seen)
        for precision, model in loaded.items()
        for kind in PipelineKind
    }
    frequent = frequent_report()
    return {
        "what": "embedded model on phantoms that training never saw; SYNTHETIC, NOT PATIENTS",
        "command": f"python -m benchmarks.embedded.quality --limit {limit}",
        "test_seeds": [seeds.start, seeds.stop],
        "phantom_version": PHANTOM_VERSION,
        "width": WIDTH,
        "weights_sha256": first.weights_sha256,
        "device": first.device,
        "versions": _versions(),
        "frequent_report": frequent,
        **summarise(rows, seeds, blanks, rules.label(frequent)),
    }


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=len(TEST_SEEDS))
    parser.add_argument("--out", type=Path, default=RESULTS / "embedded_quality.json")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    result = measure(given.limit, given.device)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1) + "\n")
    for arm in result["arms"]:
        print(arm["precision"], arm["pipeline"], arm["overall"]["uncertain_as_positive"]["micro"])


if __name__ == "__main__":
    main()
