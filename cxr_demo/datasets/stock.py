"""What a folder holds, before any GPU works: tables and directory listings only, in seconds.

Whether a file can be read shows when it is read, and is counted then.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cxr_demo.datasets.base import (
    Dataset,
    Inventory,
    PartStock,
    Sample,
    is_synthetic,
    locate,
    many_records,
    patients_of,
    table_path,
)
from cxr_demo.findings import Label

_THREADS = 16
"""A file server answers many questions at once; 30,000 one after the other would take minutes."""


def take(dataset: Dataset, folder: Path) -> Inventory:
    """What `folder` holds of `dataset`. Tables that are not there are listed; whatever
    else is wrong with them raises its leaf of DatasetError.

    An image counts as absent if its patient's folder is; where folders don't name patients, if its
    file is. So a few listings suffice for half a million images."""
    root = locate(dataset, folder)
    missing: dict[str, None] = {}
    parts = []
    for part, tables in dataset.PARTS.items():
        absent = [each for each in tables if table_path(root, each) is None]
        missing |= dict.fromkeys(absent)
        if not absent:
            with many_records():
                samples = dataset.samples(root, part)
            parts.append(_part(part, samples, dataset.PATIENT_DEPTH))
    return Inventory(
        dataset=dataset.NAME,
        root=root,
        parts=tuple(parts),
        missing_tables=tuple(missing),
        synthetic=is_synthetic(root),
    )


def absent(samples: Sequence[Sample]) -> list[Sample]:
    """Those of `samples` (of a draw, say) whose file is not there, each looked up."""
    with ThreadPoolExecutor(_THREADS) as pool:
        there = pool.map(lambda each: each.path.is_file(), samples, chunksize=64)
        return [each for each, found in zip(samples, there, strict=True) if not found]


def _part(part: str, samples: Sequence[Sample], depth: int | None) -> PartStock:
    labelled = [each for each in samples if each.labels is not None]
    return PartStock(
        part=part,
        images=len(labelled),
        unlabelled=len(samples) - len(labelled),
        absent=_count_absent(labelled, depth),
        patients=len(patients_of(labelled)),
        studies=len({each.study for each in labelled}),
        views=dict(Counter(each.view for each in labelled)),
        splits=dict(Counter(each.split for each in labelled if each.split)),
        says_present=any(Label.POSITIVE in (each.labels or {}).values() for each in labelled),
    )


def _count_absent(samples: Iterable[Sample], depth: int | None) -> int:
    """How many have no entry of their first `depth` folders (None: of the file) on disk."""
    wanted: dict[Path, Counter[str]] = defaultdict(Counter)
    for each in samples:
        parts = each.file.split("/")[:depth]
        wanted[each.root.joinpath(*parts[:-1])][parts[-1]] += 1
    return sum(_count_outside(parent, names) for parent, names in wanted.items())


def _count_outside(parent: Path, names: Counter[str]) -> int:
    try:
        there = {each.name for each in os.scandir(parent)}
    except (FileNotFoundError, NotADirectoryError):
        there = set()
    return sum(number for name, number in names.items() if name not in there)
