"""Starts with and without a prepared copy: `python -m benchmarks.prepared MODEL [--precision nf4]
[--tiny]`.

Writes the published files with random weights, loads them in a process of its own, prepares the
copy, and loads that; each once with cold files (their pages dropped from the system's cache) and
once with warm ones: seconds, bytes read, and the process's host memory. Files are hashed before, as
after a fetch.
"""

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.speed import checkpoint

_CHILD = "--child"


def load(model: str, precision: str) -> dict[str, Any]:
    """In a process of its own: what a load takes. Bytes and seconds."""
    import torch

    from cxr_demo import models
    from cxr_demo.models import hardware
    from cxr_demo.records import Precision

    card = models.card(model)
    importlib.import_module(f"cxr_demo.models.{card.family}")  # which every start pays alike
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    place = torch.device(device)
    if place.type == "cuda":
        torch.zeros(1, device=place)  # the context, too
    placed: list[float] = []
    watch, reads, before = _Anonymous(), _read_bytes(), time.monotonic()

    def progress(fraction: float) -> None:
        if fraction >= 1:
            placed.append(time.monotonic() - before)

    loaded = models.load(card, Precision(precision), device, progress)
    seconds = time.monotonic() - before
    peak = watch.end()
    from_disk, from_files = (now - then for now, then in zip(_read_bytes(), reads, strict=True))
    return {
        "device": loaded.device,
        "seconds_until_weights_are_placed": placed[0],
        "seconds_until_ready": seconds,
        "bytes_from_disk": from_disk,
        "bytes_by_read": from_files,
        "host_peak_own": peak,
        "host_peak_with_mapped_files": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "vram_allocated_peak": hardware.peaks(place).vram_allocated_peak,
    }


class _Anonymous:
    """The largest memory of this process's own (without mapped files) until `end`, in bytes, as
    looked up a hundred times a second."""

    def __init__(self) -> None:
        self._most, self._ended = _anonymous(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self._most = max(self._most, _anonymous())

    def end(self) -> int:
        """Bytes."""
        self._ended.set()
        self._thread.join()
        return max(self._most, _anonymous())


def _anonymous() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def _read_bytes() -> tuple[int, int]:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["read_bytes"]), int(fields["rchar"])


def drop(folder: Path) -> None:
    """Take the pages of all files in `folder` out of the system's cache."""
    for path in folder.rglob("*.safetensors"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def measure(
    model: str, precision: str, models: Path, environment: dict[str, str]
) -> dict[str, Any]:
    """Published, then prepared; each cold and warm."""
    _run(environment, "-c", _HASH.format(model=model))
    found: dict[str, Any] = {"published": _both(model, precision, models / model, environment)}
    began = time.monotonic()
    command = ["-m", "cxr_demo", "weights", "prepare", model, "--precision", precision, "--json"]
    last = _run(environment, *command).splitlines()[-1]
    copy = json.loads(last)
    found["prepare_seconds"] = time.monotonic() - began
    found["prepared_bytes"] = copy["size"]
    found["published_bytes"] = sum(
        each.stat().st_size for each in (models / model).glob("*.safetensors")
    )
    found["prepared"] = _both(model, precision, Path(copy["folder"]), environment)
    return found


_HASH = (
    "from cxr_demo import models, weights; "
    "weights.digest(weights.locate(models.card({model!r})).shards)"
)


def _both(
    model: str, precision: str, folder: Path, environment: dict[str, str]
) -> dict[str, dict[str, Any]]:
    found = {}
    for state in ("cold", "warm"):
        if state == "cold":
            drop(folder)
        command = ["-m", "benchmarks.prepared", model, "--precision", precision, _CHILD]
        found[state] = json.loads(_run(environment, *command).splitlines()[-1])
        print(folder.name, state, found[state], flush=True)
    return found


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="benchmarks.prepared", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--precision", default="nf4")
    parser.add_argument("--tiny", action="store_true", help="in a few megabytes, untold")
    parser.add_argument("--folder", type=Path, help="on a disk of yours: keep the checkpoint there")
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    parser.add_argument(_CHILD, action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        print(json.dumps(load(chosen.model, chosen.precision)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch) / "models"
        checkpoint.ensure(chosen.model, folder, chosen.tiny, None)
        home = Path(scratch) / "home"
        home.mkdir(mode=0o700)
        environment = checkpoint.environment(folder, home)
        figures = measure(chosen.model, chosen.precision, folder, environment)
    if chosen.tiny:
        return 0
    what = (
        f"{chosen.model} at its published size with RANDOM weights, loaded in {chosen.precision} "
        "from published files and from a prepared copy, cold and warm; one process each."
    )
    name = f"prepared_{chosen.model.replace('.', '_')}_{chosen.precision}.json"
    command = f"python -m benchmarks.prepared {chosen.model} --precision {chosen.precision}"
    results = {"model": chosen.model, "precision": chosen.precision, **figures}
    print(report.write(chosen.out / name, what, command, results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
