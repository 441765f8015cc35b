"""What all data sets have in common: samples, and what is there of them.

Every data set is a module with the names of `Dataset`. A key names an image within its data set on
every machine: the path below the data set's root, with slashes and without the extension.
"""

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cxr_demo.datasets.faults import DatasetNotFound, OwnTableMissing
from cxr_demo.findings import Finding, Label
from cxr_demo.records import View

MARK = "SYNTHETIC.txt"
"""In the root of every data set of phantoms. The code strip in the pixels is the proof."""

Title = str | dict[str, str]
"""A data set's name for people: one for both languages, or `errors.both`."""

Labels = Mapping[Finding, Label]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with what its tables say.

    `file` is its path below `root`, with slashes; `form` tells apart the downloads of one data set
    that hold other pixels under the same key ("small" and "full", "png" and "dicom"). `labels`
    has all 14 by name, or is None where the table has no row for this image. `sex` is "F", "M" or
    None, `age` in years; `split` is the publisher's own.
    """

    dataset: str
    key: str
    root: Path
    file: str
    patient: str
    study: str
    labels: Labels | None
    view: View = View.UNKNOWN
    sex: str | None = None
    age: float | None = None
    split: str | None = None
    form: str = ""

    @property
    def path(self) -> Path:
        """Where the file should lie."""
        return self.root / self.file


@dataclass(frozen=True)
class PartStock:
    """What is there of one part. `images` counts the rows with a label, `unlabelled` those without;
    `absent` images have no folder (or file, see `stock.take`) where the table says. `says_present`:
    whether any finding is marked as present in any of them."""

    part: str
    images: int
    unlabelled: int
    absent: int
    patients: int
    studies: int
    views: dict[View, int]
    splits: dict[str, int]
    says_present: bool = True


@dataclass(frozen=True)
class Inventory:
    """What a folder holds of a data set, found from tables and directory listings alone."""

    dataset: str
    root: Path
    parts: tuple[PartStock, ...]
    missing_tables: tuple[str, ...]
    synthetic: bool


class Dataset(Protocol):
    """What each module of this package offers; `datasets.DATASETS` lists them.

    `PARTS` maps a part's name (as in "train", labelled automatically, or "valid", labelled by
    radiologists) to the tables that it needs. `TITLE` is what people call it, everywhere.
    `PATIENT_DEPTH` is how many leading folders of a file's path name its patient, or None where
    they don't."""

    NAME: str
    TITLE: Title
    PARTS: dict[str, tuple[str, ...]]
    PLACES: tuple[str, ...]
    PATIENT_DEPTH: int | None
    samples: Callable[[Path, str], list[Sample]]


def locate(dataset: Dataset, folder: Path) -> Path:
    """The data set's root in `folder`: itself, or where its download lies below. Raises
    DatasetNotFound, OwnTableMissing."""
    names = tuple(dict.fromkeys(table for part in dataset.PARTS.values() for table in part))
    for place in (".", *dataset.PLACES):
        for root in sorted(folder.glob(place)) if place != "." else [folder]:
            if any(table_path(root, name) for name in names):
                return root
    if any("*" in each for each in names):
        raise OwnTableMissing(tables=len(own_tables(folder)))
    raise DatasetNotFound(dataset=dataset.TITLE, tables=", ".join(names))


def table_path(root: Path, name: str) -> Path | None:
    """The table `name` in `root`, compressed or not; None if it is missing. "*.csv" stands for
    `labels.csv`, or the only table there."""
    if "*" in name:
        found = own_tables(root)
        named = [each for each in found if each.name.lower() == "labels.csv"]
        return (named or found)[0] if named or len(found) == 1 else None
    plain = name.removesuffix(".gz")
    return next((root / each for each in (plain, f"{plain}.gz") if (root / each).is_file()), None)


def own_tables(root: Path) -> list[Path]:
    """The CSV files in a folder of the hospital's own, whatever the case of their ending."""
    return sorted(each for each in root.iterdir() if each.suffix.lower() == ".csv")


@contextmanager
def many_records() -> Iterator[None]:
    """Around the making of very many small records that all stay: the cycle collector would look
    through them again and again, for half of the time, and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def is_synthetic(root: Path) -> bool:
    """Whether the data set in `root` says that it was drawn (`datasets.phantoms`)."""
    return (root / MARK).is_file()


# ---------------------------------------------------------------- cells


_VIEWS = {
    "PA": View.PA,
    "AP": View.AP,
    "LATERAL": View.LATERAL,
    "L": View.LATERAL,
    "LL": View.LATERAL,
    "RL": View.LATERAL,
    "XTABLE LATERAL": View.LATERAL,
}
_SEXES = {"F": "F", "M": "M", "FEMALE": "F", "MALE": "M", "FEMININO": "F", "MASCULINO": "M"}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([DWMY]?)")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0, "": 1.0}


def view_of(text: str) -> View:
    """A view position as PA, AP or LATERAL; oblique, decubitus, axial and blank ones are
    UNKNOWN."""
    return _VIEWS.get(text.strip().upper(), View.UNKNOWN)


def sex_of(text: str) -> str | None:
    """ "F" or "M"; None for anything else."""
    return _SEXES.get(text.strip().upper())


def age_of(text: str) -> float | None:
    """Years from "61", "61.0", DICOM's "061Y" or "010M", or "85 or more" (then 85); None for a
    blank."""
    found = _AGE.match(text.strip().upper())
    return float(found[1]) / _PER_YEAR[found[2]] if found else None


def patients_of(samples: Iterable[Sample]) -> set[tuple[str, str]]:
    """(data set, patient) of all samples: two data sets may use the same number."""
    return {(each.dataset, each.patient) for each in samples}
