"""A full-size MedGemma with random weights, through the app's own worker:
`python -m benchmarks.full_size IMAGE [--tiny]`.

Writes the checkpoint as published, opens IMAGE as a user's file, and for each precision starts a
worker, loads, reads, and stops a second reading: time to the first token, time per token, and
memory of each kind. The weights are random, so the text means nothing and no quality follows.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import report
from cxr_demo.models.cards import card
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    PipelineKind,
    Precision,
    Radiograph,
    Reading,
    StopReason,
    Token,
    TokenEvent,
)
from cxr_demo.studies import open_study
from cxr_demo.worker.client import WorkerClient
from cxr_demo.worker.messages import WorkerState

STOP_AFTER = 48
"""Tokens after which the second reading is stopped."""


def measure(model: str, radiograph: Radiograph, precision: Precision) -> dict[str, Any]:
    """One worker, one model, two readings of `radiograph`: a whole one, and one that is stopped.

    Raises RuntimeError if the worker reports an error or a reading ends as it should not."""
    began = time.monotonic()
    with WorkerClient.start(preload=False) as client:
        client.wait(lambda status: status.state is WorkerState.READY, timeout=120)
        started = time.monotonic() - began
        began = time.monotonic()
        client.load(model, precision).result(timeout=600)
        loaded = time.monotonic() - began
        whole, tokens = _read(client, radiograph, model, precision)
        stopped, _ = _read(client, radiograph, model, precision, stop_after=STOP_AFTER)
        device = client.status().device
        client.shutdown().result(timeout=60)
    if stopped.stop is not StopReason.STOPPED:
        raise RuntimeError(f"the second reading ended with {stopped.stop}")
    return {
        "precision": precision.value,
        "device": device,
        "worker_start_seconds": started,
        "load_seconds": loaded,
        "first_reading": _figures(whole) | {"token_gap_median": _gap(tokens)},
        "stopped_reading": _figures(stopped) | {"asked_to_stop_after": STOP_AFTER},
        "provenance": asdict(whole.provenance),
    }


def _read(
    client: WorkerClient,
    radiograph: Radiograph,
    model: str,
    precision: Precision,
    stop_after: int | None = None,
) -> tuple[Reading, list[Token]]:
    tokens: list[Token] = []
    stream = client.read(radiograph, model, precision, PipelineKind.REPORT)
    for event in stream:
        if isinstance(event, TokenEvent):
            tokens.append(event.token)
            if len(tokens) == stop_after:
                stream.stop()
        if isinstance(event, FailedEvent):
            raise RuntimeError(f"the reading failed: {event.error}")
        if isinstance(event, DoneEvent):
            return event.reading, tokens
    raise RuntimeError("the stream ended without a result")


def _figures(reading: Reading) -> dict[str, Any]:
    return {
        "stop": reading.stop.value,
        **asdict(reading.timings),
        "tpot": reading.timings.tpot,
        "memory": asdict(reading.memory),
        "distinct_words": len(set(reading.report.split())),
    }


def _gap(tokens: list[Token]) -> float | None:
    gaps = [after.elapsed - before.elapsed for before, after in itertools.pairwise(tokens)]
    return statistics.median(gaps) if gaps else None


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="benchmarks.full_size", description=__doc__)
    parser.add_argument("image", type=Path, help="a chest radiograph: DICOM, PNG or JPEG")
    parser.add_argument("--model", default="medgemma-4b-it")
    parser.add_argument("--tiny", action="store_true", help="the same in a few megabytes, untold")
    parser.add_argument("--folder", type=Path, help="keep the checkpoint here, or use it again")
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    chosen = parser.parse_args(arguments)
    radiograph = open_study(chosen.image)[0]
    with tempfile.TemporaryDirectory() as scratch:
        models = chosen.folder or Path(scratch) / "models"
        os.environ["CXR_DEMO_MODELS"] = str(models)
        os.environ["CXR_DEMO_HOME"] = str(Path(scratch) / "home")
        written = _write(chosen.model, models / chosen.model, chosen.tiny)
        rows = []
        for precision in card(chosen.model).precisions:
            rows.append(measure(chosen.model, radiograph, precision))
            _show(rows[-1])
    if chosen.tiny:
        return 0
    what = (
        f"{chosen.model} at its published size with RANDOM weights, one radiograph, through the "
        "worker: times and memory of each precision; no quality follows from it."
    )
    results = {
        "model": chosen.model,
        "image": {"name": chosen.image.name, "shape": radiograph.pixels.shape},
        "checkpoint": written,
        "readings": rows,
    }
    path = chosen.out / f"{chosen.model.split('-')[0]}_full_size.json"
    command = f"python -m benchmarks.full_size {chosen.image.name} --model {chosen.model}"
    print(report.write(path, what, command, results))
    return 0


def _write(model: str, folder: Path, tiny: bool) -> dict[str, Any]:
    if folder.exists():
        return {"seconds": None, "bytes": _size(folder)}
    # A process of its own: it draws on the GPU, and must not hold memory there while the worker is
    # measured.
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.checkpoints", model, str(folder)]
    subprocess.run([*command, *(["--tiny"] if tiny else [])], check=True)
    return {"seconds": time.monotonic() - began, "bytes": _size(folder)}


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.glob("*.safetensors"))


def _show(row: dict[str, Any]) -> None:
    for name in ("first_reading", "stopped_reading"):
        print(row["precision"], name, row[name], flush=True)
    print(row["precision"], {key: row[key] for key in ("worker_start_seconds", "load_seconds")})


if __name__ == "__main__":
    raise SystemExit(main())
