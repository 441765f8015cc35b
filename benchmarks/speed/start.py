"""Fresh processes: from "choose model" to the first token, cold and warm, and peak memory."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed import checkpoint, workload
from benchmarks.speed.results import Call
from cxr_demo.records import Precision

COMPILERS = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Where torch and Triton keep compiled code if the app does not name a place itself."""

READERS = {
    "cold": "engine",
    "warm": "engine",
    "stock": "stock",
    "stock-longest": "stock",
    "captured": "captured",
}
"""Runs in their order, and who reads in each. "warm" finds what "cold" has compiled;
"stock-longest" goes on to the limit of a report, as the app's processes do after their reading.
"captured" is the app where there is no compiler."""


def chosen(text: str) -> tuple[str, ...]:
    """Runs by their names, joined by commas. Raises ValueError for an unknown one, and for "warm"
    without "cold", since it would be cold."""
    names = text.split(",")
    if unknown := set(names) - set(READERS):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if "warm" in names and "cold" not in names:
        raise ValueError("nothing is warm without a cold run before it")
    return tuple(each for each in READERS if each in names)


def measure(call: Call, models: Path, scratch: Path) -> list[str]:
    """The runs of `call.starts`: the app with nothing compiled before, again with that kept, stock,
    and the app without a compiler. The names of those that failed, which have said why."""
    failed = []
    (image,) = workload.write_jpegs(scratch / "one", 1)
    for precision in call.precisions:
        if not call.time_for("start", precision):
            continue
        home = scratch / f"fresh-{precision.value}"
        shutil.rmtree(home, ignore_errors=True)
        found: dict[str, Any] = {}
        # the first run also fills the system's caches with the checkpoint and the libraries
        for name in call.starts:
            if name == "captured" and not call.device.startswith("cuda"):
                continue
            try:
                found[name] = _process(call, precision, name, image, models, home)
            except subprocess.CalledProcessError:
                failed.append(f"{call.model} start {precision.value} {name}")
                continue
            call.write("start", precision, found)
    return failed


def _process(
    call: Call, precision: Precision, run: str, image: Path, models: Path, home: Path
) -> dict[str, Any]:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    out = home / f"{run}.json"
    module = [sys.executable, "-m", "benchmarks.speed.fresh"]
    what = [call.model, precision.value, READERS[run], call.device]
    size = call.size
    tokens = size.longest if run == "stock-longest" else size.new_tokens
    environment = checkpoint.environment(models, home)
    environment |= {each: os.fspath(home / each.lower()) for each in COMPILERS}
    subprocess.run(
        [*module, *what, str(image), str(tokens), str(size.longest), str(out)],
        env=environment,
        check=True,
    )
    figures: dict[str, Any] = json.loads(out.read_text())
    return figures
