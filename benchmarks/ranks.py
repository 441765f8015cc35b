"""`python -m benchmarks.ranks`: images per second of two processes, a GPU each, over those of one.

A checkpoint of published size with random weights reads drawn radiographs in bf16; replies have
lengths drawn by hash, since random weights know no end. Both launches are those of `evaluate
--ranks`; rates are of the reading alone, without loading.
"""

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.preliminary import preliminary
from benchmarks.speed import checkpoint
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation.ranks import Told, run_ranks, visible_gpus
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader

DRAWN = 256
FORCE = (30, 220)
GOAL = 1.9


def images(folder: Path, count: int, width: int = 512) -> Path:
    """`count` images in CheXpert's layout: up to `DRAWN` drawn ones, again and again under other
    names."""
    drawn = min(count, DRAWN)
    write_layout("chexpert-valid", folder, drawn, width)
    table = folder / "valid.csv"
    header, *rows = list(csv.reader(table.open(newline="")))
    every = list(rows)
    for copy in range(1, -(-count // drawn)):
        for row in rows[: count - copy * drawn]:
            path = Path(row[0]).relative_to("CheXpert-v1.0-small")
            name = path.parts[1].replace("patient", f"patient{copy}")
            twin = Path(path.parts[0], name, *path.parts[2:])
            (folder / twin).parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / path, folder / twin)
            every.append([f"CheXpert-v1.0-small/{twin}", *row[1:]])
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([header, *every])
    return folder


def measure(model: str, data: Path, ranks: int, slots: int | None) -> dict[str, Any]:
    """One launch in a private folder of its own; what its run says."""
    home = Path(tempfile.mkdtemp(prefix="cxr-ranks-"))
    os.environ["CXR_DEMO_HOME"] = str(home)
    made = preliminary([model], [Precision.BF16])
    recipe = replace(made, name="ranks", pipelines=(PipelineKind.REPORT,))
    options: dict[str, object] = {"force": list(FORCE), "slots": slots, "timed": False}
    began = time.monotonic()
    try:
        group = run_ranks(recipe, {"chexpert": str(data)}, options, ranks, _quiet)
        with StoreReader(store_path()) as reader:
            (arm,) = reader.arms(group)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    facts = {name: arm.facts.get(name) for name in ("device", "batch", "batch_parts", "notes")}
    whole = time.monotonic() - began
    return {"ranks": ranks, "done": arm.done, "failed": arm.failed, "wall": whole, **facts}


def _quiet(told: Told) -> None:
    """The launch tells how far it is; here nobody looks."""


def main() -> int:
    """Measure one and two ranks and write `ranks.json`; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.ranks", description=__doc__)
    parser.add_argument("--model", default="medgemma-4b-it")
    parser.add_argument("--tiny", action="store_true", help="the same in a few megabytes, untold")
    parser.add_argument("--folder", type=Path, help="keep the checkpoint here, or use it again")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--ranks", default="1,2", help="numbers of ranks, by commas")
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        models = arguments.folder or Path(name) / "models"
        models.mkdir(parents=True, exist_ok=True)
        checkpoint.ensure(arguments.model, models, arguments.tiny, None)
        os.environ["CXR_DEMO_MODELS"] = str(models.resolve())
        data = images(Path(name) / "CheXpert-v1.0-small", arguments.images)
        found = []
        for ranks in (int(each) for each in arguments.ranks.split(",")):
            found.append(measure(arguments.model, data, ranks, arguments.slots))
            print(json.dumps(found[-1]), flush=True)
            if found[-1]["failed"]:
                print("images failed: no rate comes of that", file=sys.stderr)
                return 1
    rates = {each["ranks"]: each["batch"]["images_per_second"] for each in found}
    ratio = rates[2] / rates[1] if {1, 2} <= rates.keys() else None
    print(f"images per second: {rates}, two over one: {ratio}")
    if not arguments.tiny:
        report.write(
            arguments.out / "ranks.json",
            "images per second of ranks with a GPU each; a published size, random weights, bf16, "
            "replies of drawn lengths, drawn images",
            f"python -m benchmarks.ranks --images {arguments.images}",
            {"launches": found, "two_over_one": ratio, "goal": GOAL, "gpus": len(visible_gpus())},
        )
    return 0 if ratio is None or arguments.tiny or ratio >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
