"""What must be reached and what was: each goal with its figure, None where none was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

Figures = Mapping[tuple[str, str, str], dict[str, Any]]
"""By model, stage and precision."""

MEDGEMMA = "medgemma-4b-it"
OVER_FLOOR = {MEDGEMMA: 2.2, "chexagent-2-3b": 2.2, "chexagent-8b": 1.6}
PEAK = 1.05


@dataclass(frozen=True)
class Goal:
    """`value` must be at most (or, if `more`, at least) `bound`; `aim` is what would be better. Of
    some only an aim is set."""

    what: str
    model: str
    value: float | None
    bound: float | None
    aim: float | None = None
    more: bool = False

    @property
    def met(self) -> bool | None:
        """None if it was not measured, or nothing must be reached."""
        return self._reaches(self.bound)

    @property
    def at_aim(self) -> bool | None:
        """None if it was not measured, or there is no aim."""
        return self._reaches(self.aim)

    def _reaches(self, bound: float | None) -> bool | None:
        if self.value is None or bound is None:
            return None
        return self.value >= bound if self.more else self.value <= bound

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the verdict."""
        return {**asdict(self), "met": self.met, "at_aim": self.at_aim}


def all_goals(figures: Figures) -> list[Goal]:
    """Of every model that was measured."""
    found: list[Goal] = []
    for model in dict.fromkeys(model for model, _, _ in figures):
        found += [*_batch1(figures, model), *_fidelity(figures, model), *_memory(figures, model)]
    return [*found, *_evaluation(figures)]


def best_path(batch1: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Figures of the fastest path that was measured, with its name."""
    if batch1 is None:
        return None
    name, best = min(batch1["paths"].items(), key=lambda each: each[1]["per_token"]["median"])
    return {"path": name, **best}


def ratio(one: float | None, other: float | None) -> float | None:
    """None if either is missing."""
    return None if one is None or not other else one / other


def by_app(starts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The run of the app as it is: compiled before or just now, the reading whose peak is taken is
    the same."""
    return starts.get("warm") or starts.get("cold")


def peak(run: Mapping[str, Any] | None, kind: str, longest: bool = False) -> int | None:
    """Bytes at the peak of that run's reading, or of one as long as a report may be; None without
    one. In older results of the app that is the same: its room was that of the longest."""
    if run is None:
        return None
    reading = run.get("longest", run["reading"]) if longest else run["reading"]
    found: int | None = reading[kind]
    return found


def _at(figures: Figures, model: str, stage: str, precision: str, *keys: str) -> Any:
    found: Any = figures.get((model, stage, precision))
    for key in keys:
        found = None if found is None else found.get(key)
    return found


def _per_token(figures: Figures, model: str, precision: str) -> float | None:
    best = best_path(figures.get((model, "batch1", precision)))
    return None if best is None else best["per_token"]["median"]


def _batch1(figures: Figures, model: str) -> Iterator[Goal]:
    bf16, nf4 = (_per_token(figures, model, each) for each in ("bf16", "nf4"))
    floors = [_at(figures, model, "batch1", each, "floor", "seconds") for each in ("bf16", "nf4")]
    bound = OVER_FLOOR.get(model, 2.2)
    yield Goal("time per token over the floor, bf16", model, ratio(bf16, floors[0]), bound, 1.5)
    yield Goal("time per token, NF4 over bf16", model, ratio(nf4, bf16), 1.0, 0.6)
    yield Goal("time per token over its own floor, NF4", model, ratio(nf4, floors[1]), None, 2.0)
    for precision, times in (("bf16", 3.0), ("nf4", 4.0)):
        captured = _at(
            figures, model, "batch1", precision, "paths", "captured", "per_token", "median"
        )
        stock = _at(figures, model, "batch1", precision, "stock", "per_token")
        if model == MEDGEMMA:
            what = f"stock's time per token over the captured path's, {precision}"
            yield Goal(what, model, ratio(stock, captured), times, more=True)
        best = best_path(figures.get((model, "batch1", precision)))
        first = None if best is None else best["ttft"]["median"]
        stock_first = _at(figures, model, "batch1", precision, "stock", "ttft", "median")
        what = f"time to the first token over stock's, {precision}"
        yield Goal(what, model, ratio(first, stock_first), 1.0, 0.5)


def _fidelity(figures: Figures, model: str) -> Iterator[Goal]:
    for precision in ("bf16", "nf4"):
        for size in ("batch1", "batch"):
            found = _at(figures, model, "fidelity", precision, size) or {"engine": {}}
            for path, ours in found["engine"].items():
                # Of older results the batch has attention written out in the language model only.
                eager = found["eager"].get("whole") or found["eager"]["language"]
                for name in ("largest", "mean_kl"):
                    what = f"{name} of {path} against stock SDPA's, {precision}, {size}"
                    yield Goal(what, model, ours[name], eager[name])


def _memory(figures: Figures, model: str) -> Iterator[Goal]:
    """At equal lengths: those of a usual report and of the longest one."""
    for precision in ("bf16", "nf4"):
        runs = figures.get((model, "start", precision), {})
        own = (("", by_app(runs)), (", captured", runs.get("captured")))
        theirs = (("", runs.get("stock")), (", longest report", runs.get("stock-longest")))
        for (path, app), (length, stock), kind in product(own, theirs, ("allocated", "device")):
            ours = peak(app, kind, longest=bool(length))
            what = f"peak VRAM ({kind}) over stock's, {precision}{path}{length}"
            yield Goal(what, model, ratio(ours, peak(stock, kind)), PEAK)


def _evaluation(figures: Figures) -> Iterator[Goal]:
    rates = [
        _at(figures, MEDGEMMA, "throughput", each, "engine", "whole", "images_per_second")
        for each in ("bf16", "nf4")
    ]
    stock = _at(figures, MEDGEMMA, "throughput", "bf16", "stock")
    best = None
    if stock and stock["best_batch"]:
        best = stock["tried"][str(stock["best_batch"])]["images_per_second"]
    yield Goal("images per second, bf16", MEDGEMMA, rates[0], 20.0, 33.6, more=True)
    what = "images per second over stock's at its best batch, bf16"
    yield Goal(what, MEDGEMMA, ratio(rates[0], best), 2.0, more=True)
    what = "images per second, NF4 over bf16"
    yield Goal(what, MEDGEMMA, ratio(rates[1], rates[0]), 0.5, 0.67, more=True)
