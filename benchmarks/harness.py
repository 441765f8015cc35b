"""`python -m benchmarks.harness`: what an evaluation costs beside its model, and how many durable
rows the store takes.

A stand-in takes 20 ms an image and writes reports; everything else is the real thing: 320 x 390
JPEGs decoded in limited children and preprocessed as for a model, labels by rules, one commit per
image. The overhead is the wall time over what the stand-in alone takes.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from PIL import Image

from benchmarks import report
from cxr_demo import phantoms
from cxr_demo.evaluation.feeder import Place, decoders
from cxr_demo.evaluation.session import Session, Task
from cxr_demo.evaluation.writer import Writer
from cxr_demo.findings import FINDINGS
from cxr_demo.models.base import Item, Model, Reply, Seen
from cxr_demo.models.cards import card
from cxr_demo.models.images import padded_square
from cxr_demo.phantoms.cohort import DATASET_SEEDS
from cxr_demo.records import BatchUse, PipelineKind, Radiograph, StopReason
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Group, LabelRow, Row
from cxr_demo.studies.pool import DecodePool

SECONDS = 0.020
SIZE = (320, 390)
SIDE = 448
"""Pixels of the square that the stand-in is given: CheXagent 8B's."""


class StandIn:
    """A model that sleeps. Its reports are those of phantoms, in turn."""

    stand_in = True
    batch_use: BatchUse | None = None

    def __init__(self, reports: list[str], side: int) -> None:
        self.card = card("medgemma-4b-it")
        self._reports, self._side = reports, side

    def see(self, radiograph: Radiograph) -> Seen:
        """As a real one is given it."""
        return padded_square(radiograph, self._side, Image.Resampling.BILINEAR)

    def generate_many(
        self, items: Iterable[Item], slots: int, should_stop: Callable[[], bool]
    ) -> Iterator[Reply]:
        """20 ms each."""
        for number, item in enumerate(items):
            time.sleep(SECONDS)
            text = self._reports[number % len(self._reports)]
            yield Reply(item.key, text, (1,) * 40, StopReason.END, 300, SECONDS)


def overhead(images: int, folder: Path, side: int = SIDE) -> dict[str, Any]:
    """Read `images` files through a session; seconds and shares."""
    places = _draw(images, folder)
    reports = [phantoms.write_report(phantoms.plan(DATASET_SEEDS.start + n)) for n in range(200)]
    model = cast(Model, StandIn(reports, side))
    store = folder / "store.sqlite"
    run = _open_run(store, images)
    task = Task(PipelineKind.REPORT, {}, images, most_failed=0.0)
    with DecodePool(decoders()) as pool:
        pool.warm(decoders())
        writer = Writer(store, run, room=8)
        began, worked = time.monotonic(), time.process_time()
        session = Session(model, task, places, writer, pool, decoders(), 8, lambda: False)
        while session.advance():
            pass
        session.close()
        writer.close()
        took, worked = time.monotonic() - began, time.process_time() - worked
    with EvaluationStore(store) as opened:
        done, failed, _ = opened.counts(run)
    assert (done, failed) == (images, 0)
    alone = _alone(images)
    return {
        "images": images,
        "side": side,
        "seconds": took,
        "stand_in_alone": alone,
        "overhead": took / alone - 1,
        "cpu_seconds_of_this_process": worked,
        "decoders": decoders(),
    }


def rows_per_second(rows: int, folder: Path) -> dict[str, Any]:
    """Commit `rows` rows with a report and labels, each durable, and time them."""
    store = folder / "rows.sqlite"
    run = _open_run(store, rows)
    text = phantoms.write_report(phantoms.plan(DATASET_SEEDS.start))
    codes = (0,) * len(FINDINGS)
    with EvaluationStore(store) as opened:
        began = time.monotonic()
        for at in range(rows):
            labels = (LabelRow(at, "rules", codes),)
            opened.commit(run, Row(at, text, "end", tokens=40, row_key="0" * 64, labels=labels))
        took = time.monotonic() - began
    return {"rows": rows, "seconds": took, "rows_per_second": rows / took}


def _alone(images: int) -> float:
    """What the stand-in takes without anything around it, measured here and now."""
    began = time.monotonic()
    for _ in range(min(images, 200)):
        time.sleep(SECONDS)
    return (time.monotonic() - began) * images / min(images, 200)


def _draw(images: int, folder: Path) -> list[Place]:
    """Files of their own, of 40 different phantoms."""
    places = []
    for number in range(images):
        path = folder / f"{number:05}.jpg"
        if number < 40:
            plan = phantoms.plan(DATASET_SEEDS.start + number)
            height, width = plan.native_size(512)
            pixels = phantoms.draw(plan, (height, width))
            grey = Image.fromarray((pixels >> (plan.exposure.bits - 8)).astype("uint8"))
            grey.resize(SIZE).save(path, quality=90)
        else:
            path.write_bytes((folder / f"{number % 40:05}.jpg").read_bytes())
        places.append(Place(number, path))
    return places


def _open_run(path: Path, total: int) -> str:
    with EvaluationStore(path) as store:
        store.put_group(Group("g", "harness", {}, "0" * 64, "stand-in", total, True))
        return store.open_arm("g", "stand-in", "bf16", "report", {}, total)


def main() -> None:
    """Measure and write `benchmarks/results/harness.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=report.RESULTS / "harness.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        found = {
            "harness": overhead(arguments.images, folder),
            "store": rows_per_second(arguments.rows, folder),
            "load_before": load,
            "real_time_priority": getattr(os, "sched_getscheduler", lambda pid: 0)(0) != 0,
        }
    report.write(
        arguments.out,
        "an evaluation's wall time over a stand-in of 20 ms an image with 320 x 390 JPEGs, and "
        "durable rows a second; drawn images",
        "python -m benchmarks.harness",
        found,
    )
    print(found)


if __name__ == "__main__":
    main()
