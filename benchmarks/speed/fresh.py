"""One process, one model, one reader: from "choose model" to the first token, and peak memory.

`python -m benchmarks.speed.fresh MODEL PRECISION READER DEVICE IMAGE TOKENS LONGEST OUT` is started
by `benchmarks.speed`. READER is "stock", "engine" (the app as it is) or "captured" (the app on a
machine that has no compiler). Nothing but that one model touches the GPU in it.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cxr_demo.records import Precision
from cxr_demo.telemetry.sampler import Sampler
from cxr_demo.worker.isolation import seal


def measure(
    model: str,
    precision: Precision,
    reader: str,
    device: str,
    image: Path,
    tokens: int,
    longest: int,
) -> dict[str, Any]:
    """Seconds of each part, and the peaks of a reading of `tokens` tokens; of the app after that
    also those of two of `longest`: in the first one its place grows, and before the second one the
    prefill is captured anew in it."""
    if reader != "stock":
        seal()  # the worker's environment, allocator and all; stock has torch's own settings
    sampler = Sampler(0 if device.startswith("cuda") else None)
    began = time.perf_counter()
    import torch  # noqa: F401  (what the app's worker has done before a model is chosen)

    from benchmarks.speed import readers

    if reader == "captured":
        _take_compiler_away()
    imported = time.perf_counter() - began
    found = readers.Stock if reader == "stock" else readers.App
    sampler.begin_request()
    chosen = time.perf_counter()
    reading = found(model, precision, device, image)
    loaded = time.perf_counter() - chosen
    reading.first_token()
    first = time.perf_counter() - chosen
    answered_by = reading.engine
    until = None
    if reader != "stock":
        reading.settle()
        until = time.perf_counter() - chosen
    starting = _memory(sampler, reading)
    sampler.begin_request()
    reading.read(tokens)
    whole = _memory(sampler, reading)
    later = {}
    if reader != "stock":
        sampler.begin_request()
        reading.read(longest, times=2)
        later["longest"] = _memory(sampler, reading)
    sampler.close()
    return {
        "reader": reader,
        "allocator": os.environ.get("PYTORCH_ALLOC_CONF"),
        "seconds_importing": imported,
        "seconds_loading": loaded,
        "seconds_to_first_token": first,
        "first_token_by": answered_by,
        "seconds_until_best": until,
        "read_by": reading.engine,
        "starting": starting,
        "reading": whole,
        **later,
    }


def _take_compiler_away() -> None:
    from cxr_demo.decoding.fused import compiler

    def missing(*_: Any) -> Any:
        raise compiler.CompilerMissing("taken away, to read as a machine without it does")

    compiler._built = missing


def _memory(sampler: Sampler, reading: Any) -> dict[str, Any]:
    """Bytes: torch's peaks, and what the device's use grew by."""
    by_device = sampler.end_request()
    peaks = asdict(reading.peaks())
    used = None
    if by_device.vram_device_peak is not None and by_device.vram_device_baseline is not None:
        used = by_device.vram_device_peak - by_device.vram_device_baseline
    return {
        "allocated": peaks["vram_allocated_peak"],
        "reserved": peaks["vram_reserved_peak"],
        "device": used,
        "rss": by_device.rss_peak,
    }


def main(arguments: list[str]) -> int:
    """Command line; see the module's first lines."""
    model, precision, reader, device, image, tokens, longest, out = arguments
    found = measure(
        model, Precision(precision), reader, device, Path(image), int(tokens), int(longest)
    )
    Path(out).write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
