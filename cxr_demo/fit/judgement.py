"""How good the estimate is, judged on measured pairs; and its few constants, fitted on them.

Each model is judged with constants that were fitted on the others only. Batches are never fitted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.estimate import Constants, Need, Work, decoding, need, prefilling
from cxr_demo.fit.measured import need_of
from cxr_demo.fit.storage import STORAGES
from cxr_demo.records import Precision

Pair = dict[str, Any]
"""A row of `benchmarks/results/memory.json`."""

PAIRS_WITHIN = 0.05
UNSEEN_WITHIN = 0.10
PHASES = ("load", "prefill", "decode")


@dataclass(frozen=True)
class Judged:
    """One measured peak against its estimate, in bytes of the device. `phase`: "load", "prefill",
    "decode", "peak", or "unseen" for a batch that nothing was fitted on."""

    model: str
    precision: Precision
    phase: str
    work: Work
    measured: int
    estimated: int

    @property
    def error(self) -> float:
        """Of the measured bytes; positive if the estimate is too large."""
        return self.estimated / self.measured - 1


def usable(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that were measured on a GPU."""
    return [each for each in pairs if each.get("decode") and each["decode"]["device"] is not None]


def fit(pairs: Sequence[Pair]) -> Constants:
    """The constants that suit `pairs` best: medians over them. Raises ValueError without pairs."""
    known = usable(pairs)
    if not known:
        raise ValueError("no pair was measured on a GPU")

    def middle(value: Callable[[Pair], float]) -> int:
        return max(0, round(median(value(each) for each in known)))

    return Constants(
        bare=middle(lambda each: each["load"]["device"] - each["load"]["reserved"]),
        context=middle(lambda each: each["decode"]["device"] - each["decode"]["reserved"]),
        held=middle(lambda each: _most(each, "allocated") - _counted(each)),
        gaps=middle(lambda each: _most(each, "reserved") - _most(each, "allocated")),
    )


def _counted(pair: Pair) -> int:
    """Bytes of tensors at the widest moment after loading."""
    shape, storage = ARCHITECTURES[pair["model"]], STORAGES[Precision(pair["precision"])]
    work = Work(**pair["work"])
    return max(prefilling(shape, storage, work), decoding(shape, storage, work))


def _most(pair: Pair, kind: str) -> int:
    """The highest peak of any phase. What a graph needs is allocated while it is captured, which
    warming up does; from then on it is reserved only."""
    return max(int(pair[phase][kind]) for phase in (*PHASES, "warm_up"))


def judge(pairs: Sequence[Pair]) -> list[Judged]:
    """Every measured peak of every pair, each model with constants of the other models only.
    Raises ValueError with fewer than two models."""
    found: list[Judged] = []
    for model in dict.fromkeys(each["model"] for each in usable(pairs)):
        mine = [each for each in usable(pairs) if each["model"] == model]
        constants = fit([each for each in pairs if each["model"] != model])
        for pair in mine:
            found += _judged(pair, constants)
    return found


def _judged(pair: Pair, constants: Constants) -> list[Judged]:
    model, precision, work = pair["model"], Precision(pair["precision"]), Work(**pair["work"])
    counted, known = _estimate(pair, constants), need_of(pair)
    rows = [
        Judged(model, precision, phase, work, getattr(known, phase), getattr(counted, phase))
        for phase in (*PHASES, "peak")
    ]
    for batch in pair["unseen"]:
        work = Work(**batch["work"])
        peak = _estimate(pair, constants, work).peak
        rows.append(Judged(model, precision, "unseen", work, batch["device"], peak))
    return rows


def _estimate(pair: Pair, constants: Constants, work: Work | None = None) -> Need:
    asked = work or Work(**pair["work"])
    return need(pair["model"], Precision(pair["precision"]), asked, constants)
