"""The one writer of `benchmarks/results/*.json`, and the one schema that they all follow.

    {"schema": 1, "name", "what", "command", "created", "machine", "versions", "results"}

`machine` names the hardware that the figures belong to; `results` is the benchmark's own. Bytes and
seconds; what could not be measured is null.
"""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pynvml

from cxr_demo.versions import installed

RESULTS = Path(__file__).parent / "results"
SCHEMA = 1
PACKAGES = (
    "torch",
    "transformers",
    "bitsandbytes",
    "tokenizers",
    "safetensors",
    "numpy",
    "pydicom",
)
_FIELDS: dict[str, type] = {
    "schema": int,
    "name": str,
    "what": str,
    "command": str,
    "created": str,
    "machine": dict,
    "versions": dict,
    "results": dict,
}
_MACHINE = {"cpu": str, "cores": int, "memory": int, "system": str, "gpus": list, "driver": str}


def write(
    path: Path, what: str, command: str, results: dict[str, Any], gpus: Sequence[str] = ()
) -> Path:
    """Write figures measured on this machine, just now, to `path` (its stem is their name).

    `what` says in one sentence what was measured, `command` how to measure it again. `gpus` names
    the GPUs of another machine if it was measured there and only put together here. Raises
    ValueError if the record does not follow the schema."""
    record = {
        "schema": SCHEMA,
        "name": path.stem,
        "what": what,
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": elsewhere(gpus) if gpus else machine(),
        "versions": versions(),
        "results": results,
    }
    if wrong := problems(record):
        raise ValueError("; ".join(wrong))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """The `results` that `write` put into `path`. Raises ValueError for another schema."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if wrong := problems(record):
        raise ValueError("; ".join(wrong))
    results: dict[str, Any] = record["results"]
    return results


def problems(record: Any) -> list[str]:
    """What is wrong with a record, one sentence each; empty if it follows the schema."""
    if not isinstance(record, dict) or set(record) != set(_FIELDS):
        return [f"a result has exactly the fields {', '.join(_FIELDS)}"]
    found = [
        f"{name} is no {kind.__name__}"
        for name, kind in _FIELDS.items()
        if not isinstance(record[name], kind)
    ]
    if record["schema"] != SCHEMA:
        found.append(f"schema is {record['schema']}, not {SCHEMA}")
    found += [f"{name} is empty" for name in ("what", "command", "results") if not record[name]]
    return found or _machine_problems(record["machine"])


def machine() -> dict[str, Any]:
    """This machine: processor, cores, bytes of memory, system, and NVIDIA GPUs with the driver."""
    gpus, driver = _gpus()
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "system": platform.system(),
        "gpus": gpus,
        "driver": driver,
    }


def elsewhere(gpus: Sequence[str]) -> dict[str, Any]:
    """Another machine, of which only the names of its GPUs are known."""
    unknown: dict[str, Any] = dict.fromkeys(_MACHINE)
    return unknown | {"gpus": [{"name": each, "memory": None} for each in gpus]}


def versions() -> dict[str, str]:
    """Python's version and those of the packages that figures depend on, as installed."""
    return {"python": platform.python_version(), **installed(*PACKAGES)}


def _machine_problems(found: dict[str, Any]) -> list[str]:
    if set(found) != set(_MACHINE):
        return [f"machine has exactly the fields {', '.join(_MACHINE)}"]
    wrong = [
        f"machine.{name} is no {kind.__name__}"
        for name, kind in _MACHINE.items()
        if found[name] is not None and not isinstance(found[name], kind)
    ]
    if not found["cpu"] and not found["gpus"]:
        wrong.append("machine names neither a processor nor a GPU")
    return wrong


def _gpus() -> tuple[list[dict[str, Any]], str | None]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return [], None
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    gpus = [
        {
            "name": pynvml.nvmlDeviceGetName(each),
            "memory": pynvml.nvmlDeviceGetMemoryInfo(each, pynvml.nvmlMemory_v2).total,
        }
        for each in handles
    ]
    return gpus, pynvml.nvmlSystemGetDriverVersion()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
