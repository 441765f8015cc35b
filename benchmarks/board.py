"""How long an evaluation of the study's size takes to show: six arms of 30,229 rows.

    python -m benchmarks.board [--rows 30229] [--out benchmarks/results/board.json]

The store is filled with drawn labels and texts of a report's length, then opened by a process of
its own, as after a start of the app: points, tables and figures at once; intervals as a child
process computes them; both again once they are kept. On a machine that does other work, the seconds
of a core tell more than those of the clock: both are written, and the load.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from benchmarks.aggregated import aggregated
from cxr_demo import plots
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.results import tables
from cxr_demo.results.book import Book
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Group, LabelRow, Row, SampleRow

GROUP = "benchmark"
MODELS = ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
PRECISIONS = ("bf16", "nf4")
LABELERS = ("chexbert", "rules")
_REPORT = "The cardiomediastinal silhouette is within normal limits. " * 10
_GIB = 1024**3


def fill(path: Path, rows: int) -> None:
    """A finished evaluation of six arms with two labelers each. Labels are drawn; nothing is
    concluded from them."""
    rng = np.random.default_rng(1)
    targets = rng.choice([-2, 0, 1, -1], p=[0.6, 0.15, 0.2, 0.05], size=(rows, 14)).astype(np.int8)
    recipe = aggregated(size=rows)
    with EvaluationStore(path) as store:
        store.put_group(
            Group(
                *(GROUP, recipe.name, recipe.to_dict(), "0" * 64, recipe.draw.composition, rows),
                synthetic=False,
                state="finished",
            )
        )
        store.put_samples("0" * 64, _samples(targets, rng))
        for model in MODELS:
            for precision in PRECISIONS:
                signature = {"model": model, "precision": precision}
                run = store.open_arm(GROUP, model, precision, "report", signature, rows)
                store.commit_all(run, _rows(targets, rng))
                store.set_facts(
                    run,
                    labelers=list(LABELERS),
                    device="none: drawn",
                    memory={"vram_device_peak": 9 * _GIB, "vram_device_baseline": _GIB},
                    time_per_image={"mean": 1.0, "sd": 0.1, "n": 50, "mean_tokens": 60},
                )
                store.set_arm_state(run, "finished")


class Clock:
    """Seconds since the last call: of the clock, and of a core by this process alone."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __call__(self) -> dict[str, float]:
        """The seconds, rounded; the next call counts from here."""
        now = time.perf_counter(), time.process_time()
        wall, core = (round(b - a, 4) for a, b in zip(self._begun, now, strict=True))
        self._begun = now
        return {"clock": wall, "core": core}


def measure(path: Path, kept: Path) -> dict[str, Any]:
    """Seconds, in this process, which has not seen the store before."""
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    book = Book(path, kept)
    policy, other = list(UncertaintyPolicy)[:2]
    clock = Clock()
    board = book.board(GROUP, LABELERS[0], policy)
    _show(board)
    found["points_tables_figures"] = clock()
    book.board(GROUP, LABELERS[0], other)
    found["other_policy"] = clock()
    assert book.wait(600)
    found["intervals_of_both_policies"] = clock()
    board = book.board(GROUP, LABELERS[0], policy)
    assert not board.computing
    _show(board)
    found["again_with_intervals"] = clock()
    for _ in range(1000):
        book.token()
    found["1000_polls"] = clock()
    book.close()
    return found


def main() -> None:
    """Fill, measure in fresh processes, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=30_229)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=report.RESULTS / "board.json")
    parser.add_argument("--measure", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(*given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evaluations.sqlite"
        fill(path, given.rows)
        cold = [_fresh(path, Path(folder) / f"kept{at}") for at in range(given.repeats)]
        again = _fresh(path, Path(folder) / "kept0")
    results: dict[str, Any] = {
        "arms": len(MODELS) * len(PRECISIONS),
        "rows_per_arm": given.rows,
        "replicates": aggregated().replicates,
        "first_start_s": cold,
        "next_start_s": again,
    }
    report.write(
        given.out,
        "Seconds until points, tables and all figures of six arms stand, intervals computed by a "
        "child process meanwhile; each start is a fresh process",
        f"python -m benchmarks.board --rows {given.rows}",
        results,
    )
    print(json.dumps(results, indent=1))


def _show(board: Any) -> None:
    tables.arms(board, "pt")
    tables.pairs(board, "pt")
    for each in board.arms:
        tables.findings(board, each, "pt")
    for kind in plots.KINDS:
        json.dumps(plots.figure(kind, board, "pt"))


def _fresh(path: Path, kept: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.board", "--measure", str(path), str(kept)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _samples(targets: NDArray[np.int8], rng: np.random.Generator) -> Iterator[SampleRow]:
    names, views = ("brax", "chexpert", "mimic"), ("PA", "AP", "LATERAL")
    patients = rng.integers(0, int(len(targets) * 0.7), len(targets))
    for at, codes in enumerate(targets.tolist()):
        dataset, patient = names[at % 3], f"p{patients[at]}"
        yield SampleRow(
            *(at, f"{patient}/study{at}/view1", dataset, f"{patient}/study{at}/view1.jpg"),
            *("small", patient, f"study{at}", "train", views[at % 7 % 3], "FM"[at % 2]),
            *(float(20 + at % 70), int(patients[at]) % 5, tuple(codes)),
        )


def _rows(targets: NDArray[np.int8], rng: np.random.Generator) -> Iterator[Row]:
    said = np.where(rng.random(targets.shape) < 0.8, targets, rng.permutation(targets))
    for at, codes in enumerate(said.tolist()):
        labels = tuple(LabelRow(at, labeler, tuple(codes)) for labeler in LABELERS)
        yield Row(
            at, f"{_REPORT}{at % 900}", "end", tokens=60, seconds=1.0, slots=16, labels=labels
        )


if __name__ == "__main__":
    main()
