"""Which images make a test set: the same ones on every machine, whatever the order of the tables.

Every image has a hash of salt, data set and key; a draw takes the lowest ones of each data set. The
order in which they are run comes from a second hash: by the first one, a data set of which a large
share is taken would come last, and a run that stopped early would not be a random sample.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from cxr_demo.datasets.base import Sample
from cxr_demo.datasets.faults import PoolTooSmall
from cxr_demo.records import View


class Mix(StrEnum):
    """How many come from each data set: in proportion to what it has, or as many from each."""

    PROPORTIONAL = "proportional"
    THIRDS = "thirds"


class Views(StrEnum):
    """Which projections are drawn from: all that the tables list, or PA and AP only."""

    ALL = "all"
    FRONTAL = "frontal"


@dataclass(frozen=True)
class Source:
    """One labelled part of a data set, by the names in `datasets.DATASETS`."""

    dataset: str
    part: str


@dataclass(frozen=True)
class Draw:
    """A test set before any data is there. `size` is the number of images, None for all of them;
    `folds` 0 for none."""

    sources: tuple[Source, ...]
    size: int | None = None
    mix: Mix = Mix.PROPORTIONAL
    views: Views = Views.ALL
    folds: int = 0
    salt: str = "cxr-demo 1"

    def __post_init__(self) -> None:
        names = [each.dataset for each in self.sources]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a draw needs data sets, each once, got {names}")
        if (self.size is not None and self.size < 1) or self.folds < 0:
            raise ValueError(f"size {self.size}, folds {self.folds}")

    @property
    def composition(self) -> str:
        """What stands on every chart, as in "brax automatic + folder all, 500, thirds, frontal
        views"."""
        parts = " + ".join(f"{each.dataset} {each.part}" for each in self.sources)
        size = "all images" if self.size is None else f"{self.size}, {self.mix}"
        return f"{parts}, {size}, {self.views} views"


def choose(draw: Draw, pools: Mapping[str, Sequence[Sample]]) -> list[Sample]:
    """The images of `draw` out of `pools` (by data set), in the order in which they are run.
    Images without labels are in no pool. Raises PoolTooSmall."""
    able = {each.dataset: _eligible(pools[each.dataset], draw.views) for each in draw.sources}
    sizes = {name: len(samples) for name, samples in able.items()}
    taken = sizes if draw.size is None else quotas(sizes, draw.size, draw.mix)
    chosen = [
        sample
        for name, samples in able.items()
        for sample in heapq.nsmallest(taken[name], samples, key=lambda each: _rank(draw, each))
    ]
    return sorted(chosen, key=lambda each: _rank(draw, each, "order"))


def quotas(pools: Mapping[str, int], size: int, mix: Mix) -> dict[str, int]:
    """How many of `size` images come from each data set, by largest remainder (ties to the name
    that is first in the alphabet). Raises PoolTooSmall if a data set has fewer."""
    total = sum(pools.values())
    if total < size:
        raise PoolTooSmall(dataset=" + ".join(pools), there=total, wanted=size)
    exact = {
        name: Fraction(size * there, total)
        if mix is Mix.PROPORTIONAL
        else Fraction(size, len(pools))
        for name, there in pools.items()
    }
    taken = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(pools, key=lambda name: (taken[name] - exact[name], name))
    for name in by_remainder[: size - sum(taken.values())]:
        taken[name] += 1
    for name, there in pools.items():
        if taken[name] > there:
            raise PoolTooSmall(dataset=name, there=there, wanted=taken[name])
    return taken


def assign_folds(samples: Sequence[Sample], folds: int) -> dict[tuple[str, str], int]:
    """A fold, counted from 0, for each (data set, patient): those with most images first, each to
    the fold that has the fewest so far. No patient is in two folds."""
    images = Counter((each.dataset, each.patient) for each in samples)
    loads = [(0, fold) for fold in range(folds)]
    found = {}
    for patient in sorted(images, key=lambda each: (-images[each], each)):
        load, fold = heapq.heappop(loads)
        found[patient] = fold
        heapq.heappush(loads, (load + images[patient], fold))
    return found


def _eligible(samples: Sequence[Sample], views: Views) -> list[Sample]:
    frontal = (View.PA, View.AP)
    return [
        each
        for each in samples
        if each.labels is not None and (views is Views.ALL or each.view in frontal)
    ]


def _rank(draw: Draw, sample: Sample, *purpose: str) -> bytes:
    text = "|".join((draw.salt, *purpose, sample.dataset, sample.key))
    return hashlib.sha256(text.encode()).digest()
