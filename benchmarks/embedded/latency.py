"""How soon the embedded model answers on this machine's processor, one radiograph at a time.

`python -m benchmarks.embedded.latency [--limit N]` has test phantoms read by a worker of its own,
as the screen does, and writes the seconds from the request to the first token and to the end.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import report
from benchmarks.embedded.quality import PRECISIONS, radiograph_of
from cxr_demo.phantoms import TEST_SEEDS
from cxr_demo.records import DoneEvent, PipelineKind, Precision, Radiograph, Reading
from cxr_demo.worker.client import WorkerClient

WHAT = "embedded model on phantoms, one at a time on a processor; SYNTHETIC, NOT PATIENTS"
_LOADING = 120.0


def measure(limit: int) -> dict[str, Any]:
    """Times of `limit` phantoms in both precisions and both pipelines, one more before each for
    warming up. The worker lives in a folder of its own, so that none in use is disturbed."""
    radiographs = [radiograph_of(seed) for seed in TEST_SEEDS[: limit + 1]]
    with tempfile.TemporaryDirectory() as home:
        os.environ["CXR_DEMO_HOME"] = home
        load_before = psutil.getloadavg()[0]
        with WorkerClient.start(preload=False) as client:
            arms = [
                {"precision": precision, "pipeline": kind, **_times(readings[1:])}
                for precision in PRECISIONS
                for kind in PipelineKind
                if (readings := _readings(client, radiographs, precision, kind))
            ]
            client.shutdown().result(_LOADING)
    # both say how undisturbed the machine was
    return {
        "load_before": round(load_before, 1),
        "niceness": psutil.Process().nice(),
        "arms": arms,
    }


def _readings(
    client: WorkerClient,
    radiographs: Sequence[Radiograph],
    precision: Precision,
    kind: PipelineKind,
) -> list[Reading]:
    client.load("embedded", precision).result(_LOADING)
    readings = []
    for radiograph in radiographs:
        *_, last = client.read(radiograph, "embedded", precision, kind)
        if not isinstance(last, DoneEvent):
            raise RuntimeError(f"a phantom could not be read: {last}")
        readings.append(last.reading)
    return readings


def _times(readings: Sequence[Reading]) -> dict[str, Any]:
    def spread(values: Sequence[float | None]) -> dict[str, float]:
        known = [value for value in values if value is not None]
        named = {"median": np.median(known), "p95": np.quantile(known, 0.95), "max": max(known)}
        return {name: round(float(value), 3) for name, value in named.items()}

    made = readings[0].provenance
    return {
        "readings": len(readings),
        "device": made.device,
        "engine": made.engine,
        "tokens_mean": round(float(np.mean([each.timings.tokens for each in readings])), 1),
        "first_token_seconds": spread([each.timings.ttft for each in readings]),
        "whole_reply_seconds": spread([each.timings.total for each in readings]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--out", type=Path, default=report.RESULTS / "embedded_latency.json")
    given = parser.parse_args(arguments)
    result = measure(given.limit)
    command = f"python -m benchmarks.embedded.latency --limit {given.limit}"
    report.write(given.out, WHAT, command, result)
    for arm in result["arms"]:
        print(json.dumps(arm))


if __name__ == "__main__":
    main()
