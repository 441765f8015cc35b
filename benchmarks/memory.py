"""What every model takes of a GPU at its true size: `python -m benchmarks.memory MODEL...`.

For each model a checkpoint with random weights is written as published; for each precision a
process of its own loads it, reads, and is measured (`memory_pair`). Then cards of 4 to 16 GiB are
imitated: does a report of 512 tokens come out? `--merge A.json B.json` puts runs of one machine
together. Bytes and seconds; `device` is NVML's peak less what was used before.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from cxr_demo.fit import storage
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.machine import DESKTOP
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from cxr_demo.units import GIB

CARDS = (4, 6, 8, 12, 16)
"""GiB of the imitated cards."""
MODELS = ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
TINY_TOKENS = 6
WHAT = (
    "Each model at its published size with RANDOM weights, one process per pair: peaks of load, "
    "prefill (one image) and decode (512 tokens), times, batches that no estimate was fitted on, "
    "and which imitated card finishes a report; no quality follows from it."
)
_NO_GPU = "no GPU here"


@dataclass(frozen=True)
class Plan:
    """What to do: `tokens` per reply, `cards` to imitate, in `folder`, until `ends` (a reading of
    `time.monotonic()`)."""

    folder: Path
    tokens: int
    tiny: bool
    cards: Sequence[int]
    ends: float

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.ends - time.monotonic()


Child = Callable[..., dict[str, Any]]


def pairs_of(
    model: str, precisions: Sequence[Precision], plan: Plan, child: Child
) -> Iterator[dict[str, Any]]:
    """Measure the `precisions` of one written model, with its caps, one row after the other.
    `child` runs one process."""
    for precision in precisions:
        if plan.left <= 0:
            print(model, precision, "not begun: out of time; run it again for it alone", flush=True)
            continue
        row = child(model, precision, plan)
        row["caps"] = [] if "failed" in row else caps(row, plan, child)
        _show(row)
        yield row


def caps(row: dict[str, Any], plan: Plan, child: Child) -> list[dict[str, Any]]:
    """Which of the imitated cards finish a report of this measured pair, smallest first. Once one
    does, the larger ones do as well and are not run."""
    model, precision = row["model"], Precision(row["precision"])
    found: list[dict[str, Any]] = []
    finished: int | None = None
    for gib in plan.cards:
        if finished is not None:
            found.append(
                {"gib": gib, "tried": False, "finished": True, "why": f"{finished} GiB do"}
            )
            continue
        why = _not_worth_trying(row, model, precision, gib, plan)
        if why is not None:
            found.append({"gib": gib, "tried": False, "finished": None, "why": why})
            continue
        tried = _tried(child(model, precision, plan, gib, context_of(row)), gib)
        found.append(tried)
        finished = gib if tried["finished"] else None
    return found


def context_of(row: dict[str, Any]) -> int:
    """Bytes of the device outside of torch's allocator at the end of a measured reading."""
    return int(row["decode"]["device"]) - int(row["decode"]["reserved"])


def _not_worth_trying(
    row: dict[str, Any], model: str, precision: Precision, gib: int, plan: Plan
) -> str | None:
    if row["decode"]["device"] is None:
        return _NO_GPU
    tensors = storage.weights(ARCHITECTURES[model], storage.STORAGES[precision])
    if not plan.tiny and tensors + context_of(row) > gib * GIB - DESKTOP:
        return "not tried: weights alone exceed"
    return "not tried: out of time" if plan.left <= 0 else None


def _tried(answer: dict[str, Any], gib: int) -> dict[str, Any]:
    if "failed" in answer:
        why = answer.get("detail") or answer["failed"]
        return {"gib": gib, "tried": True, "finished": False, "why": why}
    peak = max(answer[phase]["device"] for phase in ("load", "warm_up", "prefill", "decode"))
    within = peak < gib * GIB - DESKTOP
    return {
        "gib": gib,
        "tried": True,
        "finished": within,
        "why": None if within else "finished, but took more of the device",
        "tokens": answer["work"]["new"],
        "allowed": answer["allowed"],
        "device": peak,
        "reserved": answer["decode"]["reserved"],
        "ttft": answer["ttft"],
        "tpot": answer["tpot"],
    }


def run_child(
    model: str, precision: Precision, plan: Plan, gib: int | None = None, context: int = 0
) -> dict[str, Any]:
    """One process of `memory_pair`. What it could not do, crashes included, is in `failed`."""
    out = plan.folder / "pair.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.memory_pair", model, precision.value]
    command += ["--out", str(out), "--tokens", str(plan.tokens)]
    command += ["--tiny"] if plan.tiny else []
    command += [] if gib is None else ["--cap", str(gib), "--context", str(context)]
    failed = {"model": model, "precision": precision.value}
    try:
        ended = subprocess.run(
            command,
            env={
                **os.environ,
                "CXR_DEMO_MODELS": str(plan.folder),
                "CXR_DEMO_HOME": str(plan.folder / "home"),
            },
            timeout=max(1.0, plan.left),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return failed | {"failed": "timeout", "detail": "not finished: out of time"}
    if ended.returncode != 0 or not out.exists():
        return failed | {"failed": "crash", "detail": ended.stderr[-2000:]}
    row: dict[str, Any] = json.loads(out.read_text())
    return row


def write_checkpoint(model: str, plan: Plan) -> dict[str, Any]:
    """Write it in a process of its own, unless it is there: {"seconds", "bytes"}."""
    folder = plan.folder / model
    began = time.monotonic()
    kept = (folder / "written").exists()
    if not kept:
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.checkpoints", model, str(folder)]
        subprocess.run([*command, *(["--tiny"] if plan.tiny else [])], check=True)
        (folder / "written").touch()
    size = sum(each.stat().st_size for each in folder.glob("*.safetensors"))
    return {"seconds": None if kept else time.monotonic() - began, "bytes": size}


def merge(parts: Sequence[Path], out: Path) -> Path:
    """One record from several of one machine and one set of versions; of a pair that was measured
    twice the later file's row stays. Raises ValueError if the parts do not belong together."""
    records = [json.loads(each.read_text(encoding="utf-8")) for each in parts]
    for record in records:
        if wrong := report.problems(record):
            raise ValueError("; ".join(wrong))
    whole = dict(records[0])
    for field in ("versions", "machine"):
        if any(_comparable(record[field]) != _comparable(whole[field]) for record in records):
            raise ValueError(f"the parts were measured with different {field}")
    rows = {_key(row): row for record in records for row in record["results"]["pairs"]}
    checkpoints: dict[str, Any] = {}
    for record in records:
        checkpoints |= record["results"]["checkpoints"]
    whole |= {
        "name": out.stem,
        "command": " && ".join(dict.fromkeys(record["command"] for record in records)),
        "created": max(record["created"] for record in records),
        "results": {"pairs": list(rows.values()), "checkpoints": checkpoints},
    }
    out.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return out


def _comparable(found: dict[str, Any]) -> dict[str, Any]:
    # One kind of machine: the lender's hosts differ by a few pages of memory.
    return {key: value for key, value in found.items() if key != "memory"}


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["model"], row["precision"]


def _show(row: dict[str, Any]) -> None:
    if "failed" in row:
        print(
            row["model"], row["precision"], "FAILED", row["failed"], row.get("detail"), flush=True
        )
        return
    shown = {key: row[key] for key in ("engine", "ttft", "tpot")}
    shown |= {key: row[key]["device"] for key in ("load", "warm_up", "prefill", "decode")}
    print(row["model"], row["precision"], shown, flush=True)
    for each in row["caps"]:
        print("   cap", each, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--precisions", help="comma separated; by default those of the card")
    parser.add_argument("--cards", default=",".join(map(str, CARDS)), help="GiB; empty for none")
    parser.add_argument("--folder", type=Path, help="where checkpoints are written")
    parser.add_argument("--keep", action="store_true", help="leave the checkpoint for another run")
    parser.add_argument("--seconds", type=float, default=450, help="begin nothing after so many")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--tiny", action="store_true", help="the same in a few megabytes")
    parser.add_argument("--merge", nargs="+", type=Path, metavar="JSON")
    parser.add_argument("--out", type=Path, help="the JSON file that is written")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the head of this file."""
    chosen = _parser().parse_args(arguments)
    if chosen.merge:
        print(merge(chosen.merge, chosen.out or report.RESULTS / "memory.json"))
        return 0
    tokens = TINY_TOKENS if chosen.tiny and chosen.tokens == 512 else chosen.tokens
    with tempfile.TemporaryDirectory() as scratch:
        plan = Plan(
            folder=(chosen.folder or Path(scratch)).absolute(),
            tokens=tokens,
            tiny=chosen.tiny,
            cards=[int(each) for each in chosen.cards.split(",") if each],
            ends=time.monotonic() + chosen.seconds,
        )
        whole = measure_all(chosen.models or MODELS, chosen, plan)
    if whole:
        print(_out(chosen))
    return 0 if all("failed" not in row for row in whole) else 1


def _out(chosen: argparse.Namespace) -> Path:
    stem = "_".join(["memory", *(chosen.models or ["all"])])
    if chosen.precisions:
        stem += "_" + chosen.precisions.replace(",", "_")
    return chosen.out or report.RESULTS / f"{stem}.json"


def measure_all(
    names: Sequence[str], chosen: argparse.Namespace, plan: Plan
) -> list[dict[str, Any]]:
    """Rows of all pairs, written to the file as they come: a run that is cut short has lost
    none. Each model's checkpoint is deleted after it."""
    rows: list[dict[str, Any]] = []
    checkpoints: dict[str, Any] = {}
    results = {"pairs": rows, "checkpoints": checkpoints, "tiny": chosen.tiny}
    plan.folder.mkdir(parents=True, exist_ok=True)
    for model in names:
        precisions = card(model).precisions
        if chosen.precisions:
            precisions = tuple(Precision(each) for each in chosen.precisions.split(","))
        try:
            checkpoints[model] = write_checkpoint(model, plan)
            print(model, checkpoints[model], flush=True)
            for row in pairs_of(model, precisions, plan, run_child):
                rows.append(row)
                report.write(_out(chosen), WHAT, _command(chosen), results)
        finally:
            if not chosen.keep:
                shutil.rmtree(plan.folder / model, ignore_errors=True)
    return rows


def _command(chosen: argparse.Namespace) -> str:
    words = ["python -m benchmarks.memory", *(chosen.models or MODELS)]
    words += [f"--precisions {chosen.precisions}"] if chosen.precisions else []
    return " ".join([*words, *(["--tiny"] if chosen.tiny else [])])


if __name__ == "__main__":
    raise SystemExit(main())
