"""A drawn test set as a CSV file; the hash of its bytes stands with every result.

It holds what a run and its metrics need, so that the data sets' own tables are read once. Patients'
numbers are in it: it belongs into the private folder and into no export.
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cxr_demo.datasets import DATASETS
from cxr_demo.datasets.base import Sample, locate, many_records
from cxr_demo.datasets.draw import Draw, assign_folds, choose
from cxr_demo.datasets.tables import CELLS, NAMES, Table
from cxr_demo.findings import FINDINGS
from cxr_demo.records import View

_FACTS = ("dataset", "key", "file", "form", "patient", "study", "split", "view", "sex", "age")
_COLUMNS = (*_FACTS, "fold")


@dataclass(frozen=True, eq=False)
class Manifest:
    """The images of a draw in the order in which they are run. `folds` has a fold for each of
    them, or is empty."""

    samples: tuple[Sample, ...]
    folds: tuple[int, ...] = ()

    @cached_property
    def text(self) -> str:
        """The CSV file."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*_COLUMNS, *NAMES])
        folds: Sequence[int | str] = self.folds or [""] * len(self.samples)
        for sample, fold in zip(self.samples, folds, strict=True):
            assert sample.labels is not None  # `choose` leaves those out
            facts = ["" if fact is None else fact for fact in (getattr(sample, n) for n in _FACTS)]
            writer.writerow([*facts, fold, *(CELLS[sample.labels[each]] for each in FINDINGS)])
        return out.getvalue()

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal, of the file's bytes."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the file, readable by this user only."""
        path.touch(mode=0o600)
        path.write_bytes(self.text.encode())


def assemble(draw: Draw, folders: Mapping[str, Path]) -> Manifest:
    """Read the tables of the draw's data sets, which lie in `folders` (by name), and draw. Needs no
    image. Raises leaves of DatasetError."""
    pools = {}
    with many_records():
        for each in draw.sources:
            dataset = DATASETS[each.dataset]
            root = locate(dataset, folders[each.dataset])
            pools[each.dataset] = dataset.samples(root, each.part)
    samples = tuple(choose(draw, pools))
    folds = assign_folds(samples, draw.folds) if draw.folds else {}
    return Manifest(
        samples,
        tuple(folds[each.dataset, each.patient] for each in samples) if folds else (),
    )


def read(path: Path, roots: Mapping[str, Path]) -> Manifest:
    """The manifest in `path`, its images below `roots` (by data set). Raises leaves of
    DatasetError."""
    table = Table("manifest", path.parent, path.name)
    samples, folds = [], []
    for row, cells in table.rows({each: (each,) for each in _COLUMNS} | dict(NAMES)):
        facts = dict(zip(_COLUMNS, cells, strict=False))
        if facts["dataset"] not in roots or facts["view"] not in list(View):
            raise table.wrong(row, "dataset, view")
        folds += [int(facts["fold"])] if facts["fold"] else []
        samples.append(
            Sample(
                dataset=facts["dataset"],
                key=facts["key"],
                root=roots[facts["dataset"]],
                file=table.inside(row, facts["file"]),
                patient=facts["patient"],
                study=facts["study"],
                labels=table.labels(row, cells[len(_COLUMNS) :]),
                view=View(facts["view"]),
                sex=facts["sex"] or None,
                age=float(facts["age"]) if facts["age"] else None,
                split=facts["split"] or None,
                form=facts["form"],
            )
        )
    return Manifest(tuple(samples), tuple(folds))
