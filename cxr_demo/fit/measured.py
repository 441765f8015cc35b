"""Measured figures: those that ship with the program, and those of this machine's own GPU.

Shipped ones lie in `benchmarks/results/memory.json`; this machine's in the private folder, the
newest per GPU, model and precision. Measured figures go before every estimate.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cxr_demo.fit.estimate import Need
from cxr_demo.paths import assets_dir, private_dir
from cxr_demo.records import Precision

SHIPPED = assets_dir().parent / "benchmarks" / "results" / "memory.json"
_FILE = "fit.json"
_SAME = (("medgemma-4b-it", "medgemma-1.5-4b-it"),)
"""Models of one architecture: what was measured of the one holds for the other."""


@dataclass(frozen=True)
class Measured:
    """One reading of a model with random weights of its true size on the GPU called `gpu`.
    `ttft` and `tpot` in seconds, `prompt` and `tokens` in positions; `created` is ISO time."""

    model: str
    precision: Precision
    gpu: str
    need: Need
    ttft: float
    tpot: float
    prompt: int
    tokens: int
    engine: str
    created: str
    versions: dict[str, str]


def find(model: str, precision: Precision, gpu: str | None) -> Measured | None:
    """The figures of this pair: of the GPU called `gpu` if there are any, else shipped ones of
    another GPU (if it has a name at all); None without any."""
    here, kin = _here(), _kin(model)
    own = (here.get(_key(each, precision, gpu or "")) for each in kin)
    found = next((each for each in own if each is not None), None)
    if found is not None:
        return found
    known = [
        each for each in _shipped(SHIPPED) if each.model in kin and each.precision == precision
    ]
    return next((each for each in known if each.gpu == gpu), known[0] if known else None)


def _kin(model: str) -> tuple[str, ...]:
    """`model`, and after it those of its architecture."""
    others = next((each for each in _SAME if model in each), ())
    return model, *(each for each in others if each != model)


def keep(found: Measured) -> None:
    """Store figures of this machine; they replace older ones of the same GPU and pair."""
    known = {key: _to_json(each) for key, each in _here().items()}
    known[_key(found.model, found.precision, found.gpu)] = _to_json(found)
    path = private_dir() / _FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(known, indent=1), encoding="utf-8")
    fresh.replace(path)


def from_pair(pair: dict[str, Any], created: str, versions: dict[str, str]) -> Measured:
    """One pair of `benchmarks/memory.py` as figures."""
    return Measured(
        model=pair["model"],
        precision=Precision(pair["precision"]),
        gpu=pair["device"],
        need=need_of(pair),
        ttft=pair["ttft"],
        tpot=pair["tpot"],
        prompt=pair["work"]["prompt"],
        tokens=pair["work"]["new"],
        engine=pair["engine"],
        created=created,
        versions=versions,
    )


def need_of(pair: dict[str, Any]) -> Need:
    """The peaks of one pair that was measured on a GPU. Warming up is a prefill, too: the first,
    beside what is being captured, and where 4 bits are computed in float32 the widest."""
    load, warm, prefill, decode = (
        int(pair[name]["device"]) for name in ("load", "warm_up", "prefill", "decode")
    )
    return Need(load, max(warm, prefill), decode)


def shipped_pairs(path: Path) -> list[dict[str, Any]]:
    """The rows of a file that `benchmarks/memory.py` wrote; none without the file."""
    return [] if not path.exists() else list(_record(path)["results"]["pairs"])


@cache
def _shipped(path: Path) -> tuple[Measured, ...]:
    if not path.exists():
        return ()
    record = _record(path)
    return tuple(
        from_pair(pair, record["created"], record["versions"])
        for pair in record["results"]["pairs"]
        if pair.get("decode")
    )


def _record(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _here() -> dict[str, Measured]:
    """This machine's own figures; none if the file is missing or was damaged."""
    try:
        known = json.loads((private_dir() / _FILE).read_text(encoding="utf-8"))
        return {key: _from_json(each) for key, each in known.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _key(model: str, precision: Precision, gpu: str) -> str:
    return f"{gpu} | {model} | {precision.value}"


def _to_json(found: Measured) -> dict[str, Any]:
    return asdict(found) | {"precision": found.precision.value}


def _from_json(record: dict[str, Any]) -> Measured:
    typed = {"precision": Precision(record["precision"]), "need": Need(**record["need"])}
    return Measured(**{**record, **typed})
