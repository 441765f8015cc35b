"""What is there of an evaluation's data, by tables and directory listings: before any GPU works."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.datasets import DATASETS, stock
from cxr_demo.datasets.base import Inventory, PartStock
from cxr_demo.datasets.draw import choose
from cxr_demo.datasets.faults import NoImages
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.faults import DataFolderMissing
from cxr_demo.evaluation.plan import PHANTOMS


@dataclass(frozen=True)
class DataCheck:
    """`images` of the draw, None if it cannot be made; `absent` of them have no file where the
    table says; `problems` stand in its way. `seconds`: what the check took. `says_present`: whether
    any finding is marked as present in what is drawn from."""

    composition: str
    inventories: tuple[Inventory, ...]
    images: int | None
    absent: int
    problems: tuple[CxrError, ...]
    seconds: float
    says_present: bool = True


def check(recipe: Recipe, data: Mapping[str, str]) -> DataCheck:
    """Look at the folders in `data` (by data set). Phantoms need no look."""
    began = time.monotonic()
    inventories: list[Inventory] = []
    problems: list[CxrError] = []
    if PHANTOMS in data:
        return DataCheck(recipe.draw.composition, (), None, 0, (), time.monotonic() - began)
    for source in recipe.draw.sources:
        dataset, place = DATASETS[source.dataset], data.get(source.dataset)
        if place is None or not Path(place).is_dir():
            problems.append(DataFolderMissing(dataset=dataset.TITLE))
            continue
        try:
            inventories.append(stock.take(dataset, Path(place)))
        except CxrError as error:
            problems.append(error)
    images, absent = None, 0
    if not problems:
        try:
            images, absent = _drawn(recipe, {each.dataset: each.root for each in inventories})
            if absent == images:
                problems.append(NoImages(images=images))
        except CxrError as error:
            problems.append(error)
    return DataCheck(
        composition=recipe.draw.composition,
        inventories=tuple(inventories),
        images=images,
        absent=absent,
        problems=tuple(problems),
        seconds=time.monotonic() - began,
        says_present=any(each.says_present for each in _used(recipe, inventories)),
    )


def _used(recipe: Recipe, inventories: Sequence[Inventory]) -> list[PartStock]:
    parts = {each.dataset: each.part for each in recipe.draw.sources}
    return [part for each in inventories for part in each.parts if part.part == parts[each.dataset]]


def _drawn(recipe: Recipe, roots: Mapping[str, Path]) -> tuple[int, int]:
    pools = {
        each.dataset: DATASETS[each.dataset].samples(roots[each.dataset], each.part)
        for each in recipe.draw.sources
    }
    chosen = choose(recipe.draw, pools)
    return len(chosen), len(stock.absent(chosen))
