"""How soon the embedded model answers on this machine's processor, one radiograph at a time.

`python -m benchmarks.embedded.latency [--limit N]` reads test phantoms through the path of the
screen and writes time to the first token and to the whole reply, preprocessing included.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import report
from benchmarks.embedded.quality import load, radiograph_of, read
from cxr_demo.phantoms import TEST_SEEDS
from cxr_demo.records import PipelineKind, Reading

WHAT = "embedded model on phantoms, one at a time on a processor; SYNTHETIC, NOT PATIENTS"


def measure(limit: int) -> dict[str, Any]:
    """Times of `limit` phantoms in both precisions and both pipelines; the first one warms up."""
    torch.set_num_threads(os.cpu_count() or 1)
    radiographs = [radiograph_of(seed) for seed in TEST_SEEDS[: limit + 1]]
    before = os.getloadavg()[0]
    arms = []
    for precision, model in load("cpu").items():
        for kind in PipelineKind:
            readings = [read(model, each, kind) for each in radiographs][1:]
            arms.append({"precision": precision, "pipeline": kind, **_times(readings)})
        device, engine = model.device, model.engine
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "load_before": round(before, 1),
        "engine": engine,
        "arms": arms,
    }


def _times(readings: Sequence[Reading]) -> dict[str, Any]:
    def spread(values: Sequence[float | None]) -> dict[str, float]:
        known = [value for value in values if value is not None]
        named = {"median": np.median(known), "p95": np.quantile(known, 0.95), "max": max(known)}
        return {name: round(float(value), 3) for name, value in named.items()}

    return {
        "readings": len(readings),
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
