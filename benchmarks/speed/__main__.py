"""The engine against stock `generate()`, at true size with random weights:
`python -m benchmarks.speed --models medgemma-4b-it --out FOLDER [--stages ...] [--budget 450]`.

Each model's checkpoint is written by a process of its own, measured as a user would load it, and
deleted. Stages: batch1 (time to the first token and per token of every path, over the floor),
fidelity (logits against stock), throughput (JPEG to text), start (from "choose model" to the first
token, and peak memory, in fresh processes), kernels (each part of a decode step).

A stage that would end after `--budget` seconds is not begun, and said to be left out.
`--merge FOLDER` joins the results, with those of an `--earlier` joined file if one is named: of
each model, stage and precision the newest, of one GPU only.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.speed import checkpoint, start, tables
from benchmarks.speed.results import RUNS, Call
from benchmarks.speed.settings import INSIDE, PRECISIONS, SECONDS
from cxr_demo.records import Precision


def measure(chosen: argparse.Namespace, model: str, scratch: Path, deadline: float) -> bool:
    """All chosen stages of one model; whether all went well."""
    with _models(chosen, model, scratch) as models:
        written = checkpoint.ensure(model, models, chosen.tiny, chosen.dtype)
        print(f"{model}: checkpoint {written}", flush=True)
        call = Call(
            model,
            chosen.out,
            tuple(chosen.stages),
            tuple(Precision(each) for each in chosen.precisions),
            chosen.device,
            deadline,
            datetime.now(UTC).isoformat(timespec="seconds"),
            written,
            chosen.tiny,
            chosen.starts,
        )
        well = True
        if set(chosen.stages) & set(INSIDE):
            well = _inside(call, models, scratch) == 0
        if "start" in chosen.stages:
            failed = start.measure(call, models, scratch)
            print("".join(f"FAILED: {each}\n" for each in failed), end="", flush=True)
            well &= not failed
    return well


def _inside(call: Call, models: Path, scratch: Path) -> int:
    told = scratch / f"{call.model}.json"
    told.write_text(call.dumped())
    command = [sys.executable, "-m", "benchmarks.speed.inside", str(told), str(scratch / "jpegs")]
    environment = checkpoint.environment(models, scratch / "home")
    return subprocess.run(command, env=environment, check=False).returncode


@contextmanager
def _models(chosen: argparse.Namespace, model: str, scratch: Path) -> Iterator[Path]:
    """The folder of models: a given one, that is kept, or one that goes afterwards."""
    if chosen.folder is not None:
        yield chosen.folder
        return
    place = checkpoint.root(model, scratch, chosen.tiny, chosen.dtype) / "models"
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first lines."""
    began = time.time()
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.out is None:
        parser.error("--out is missing")
    if chosen.merge is not None:
        return _merge(chosen)
    well = True
    with tempfile.TemporaryDirectory(prefix="cxr-speed-") as name:
        for model in chosen.models.split(","):
            well &= measure(chosen, model, Path(name), began + chosen.budget)
    print(f"{time.time() - began:.0f} s in all", flush=True)
    return 0 if well else 1


def _merge(chosen: argparse.Namespace) -> int:
    try:
        tables.merge(chosen.merge, chosen.out, chosen.table, earlier=chosen.earlier)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.speed", description=__doc__)
    parser.add_argument("--models", default="medgemma-4b-it", help="ids, joined by commas")
    parser.add_argument("--out", type=Path, help="folder of the results; with --merge, a file")
    parser.add_argument("--stages", type=_listed, default=["batch1", "start", "fidelity"])
    parser.add_argument("--precisions", type=_listed, default=[each.value for each in PRECISIONS])
    parser.add_argument("--starts", type=_starts, default=RUNS, help='runs of "start"')
    parser.add_argument("--budget", type=float, default=450.0, help="seconds")
    parser.add_argument("--tiny", action="store_true", help="megabytes, for correctness only")
    parser.add_argument("--folder", type=Path, help="keep the checkpoints here and use them again")
    parser.add_argument("--dtype", help="store tensors so, such as bfloat16, not as published")
    parser.add_argument("--device", default="cuda:0" if report.machine()["gpus"] else "cpu")
    parser.add_argument("--merge", type=Path, help="folder of results to join into --out")
    parser.add_argument("--earlier", type=Path, help="with --merge: a joined file to add to")
    parser.add_argument("--table", type=Path, help="with --merge: a Markdown file to write")
    return parser


def _starts(text: str) -> tuple[str, ...]:
    try:
        return start.chosen(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _listed(text: str) -> list[str]:
    known = {*SECONDS, *(each.value for each in PRECISIONS)}
    found = text.split(",")
    if unknown := set(found) - known:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
