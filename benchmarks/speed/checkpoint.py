"""Stand-in checkpoints for a benchmark: written by a process of its own, found as a user's are."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import checkpoints

MEMORY_DISK = Path("/dev/shm")
SPARE = 16 * 1024**3
"""Bytes that stay free beside a checkpoint in memory."""


def root(model: str, scratch: Path, tiny: bool, dtype: str | None = None) -> Path:
    """Where to write: in memory if there is room, since disks are slow; else in `scratch`."""
    found = checkpoints.layout(model, tiny)
    itemsize = getattr(torch, dtype).itemsize if dtype else found.dtype.itemsize
    needed = found.parameters * itemsize + SPARE
    roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > needed
    return MEMORY_DISK / scratch.name if roomy and not tiny else scratch


def ensure(model: str, models: Path, tiny: bool, dtype: str | None) -> dict[str, Any]:
    """Write the checkpoint of `model` into its folder in `models` unless it is there. The process
    draws on the GPU, and ends before anything is measured there."""
    folder = models / model
    began = time.monotonic()
    if not folder.exists():
        command = [sys.executable, "-m", "benchmarks.checkpoints", model, f"{folder}.part"]
        command += ["--tiny"] if tiny else []
        command += ["--dtype", dtype] if dtype else []
        subprocess.run(command, check=True)
        Path(f"{folder}.part").rename(folder)
    size = sum(each.stat().st_size for each in folder.glob("*.safetensors"))
    return {"seconds": time.monotonic() - began, "bytes": size, "stored_as": dtype or "published"}


def environment(models: Path, home: Path) -> dict[str, str]:
    """For processes that shall find the models of `models` and keep what they keep in `home`."""
    return {**os.environ, "CXR_DEMO_MODELS": str(models), "CXR_DEMO_HOME": str(home)}
