"""Phantoms in the layouts of all data sets, so that every loader runs on a fresh machine.

`python -m cxr_demo.datasets.phantoms LAYOUT FOLDER --count N`. Tables "labelled by hand" hold what
was drawn; "automatic" ones what the rule labeler finds in the written report. Every phantom is a
study of its own, since no two show the same; patients have one to three.
"""

import argparse
import csv
import gzip
import io
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxr_demo import phantoms
from cxr_demo.datasets import mimic
from cxr_demo.datasets.base import MARK
from cxr_demo.datasets.faults import FolderInUse
from cxr_demo.datasets.tables import CELLS
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers import rules
from cxr_demo.phantoms.cohort import DATASET_SEEDS
from cxr_demo.phantoms.files import Kind, write

MOST = 50_000
"""Phantoms in one table: the seeds set apart for it."""

_CHEXPERT_ORDER = (
    Finding.NO_FINDING,
    Finding.ENLARGED_CARDIOMEDIASTINUM,
    Finding.CARDIOMEGALY,
    Finding.LUNG_OPACITY,
    Finding.LUNG_LESION,
    Finding.EDEMA,
    Finding.CONSOLIDATION,
    Finding.PNEUMONIA,
    Finding.ATELECTASIS,
    Finding.PNEUMOTHORAX,
    Finding.PLEURAL_EFFUSION,
    Finding.PLEURAL_OTHER,
    Finding.FRACTURE,
    Finding.SUPPORT_DEVICES,
)
_PARTS = ("valid", "train")
_ALPHABETICAL = tuple(sorted(FINDINGS))


@dataclass(frozen=True)
class _Case:
    """One phantom as a study: the `number`-th of its table, of patient number `patient`."""

    number: int
    patient: int
    plan: phantoms.PhantomPlan

    @property
    def sex(self) -> str:
        return "Female" if self.plan.anatomy.female else "Male"

    @property
    def age(self) -> int:
        return 20 + self.plan.seed % 67

    @property
    def view(self) -> str:
        return self.plan.exposure.view.value

    def drawn(self, order: Sequence[Finding]) -> list[str]:
        truth = phantoms.truth(self.plan)
        return [CELLS[Label.POSITIVE if truth[each] else Label.NEGATIVE] for each in order]

    def written(self, order: Sequence[Finding]) -> list[str]:
        found = rules.label(phantoms.write_report(self.plan))
        return [CELLS[found[each].label] for each in order]


def write_layout(layout: str, folder: Path, count: int, width: int = 512) -> Path:
    """Write `count` phantoms per labelled table, `width` pixels wide, into `folder` as `layout` (a
    key of `LAYOUTS`) has them; returns the data set's root. Equal arguments give equal files.

    Raises FolderInUse if `folder` holds anything but phantoms, ValueError for a count outside
    1..`MOST` or an unknown layout."""
    if not 1 <= count <= MOST or layout not in LAYOUTS:
        raise ValueError(f"1..{MOST} phantoms as one of {', '.join(LAYOUTS)}")
    if folder.exists() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise FolderInUse()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Drawn by code. No patients.\n", encoding="utf-8")
    LAYOUTS[layout](folder, count, width)
    return folder


def layout_of(dataset: str, part: str) -> str:
    """The layout that draws no more than `part` of `dataset` needs."""
    return f"{dataset}-{part}" if f"{dataset}-{part}" in LAYOUTS else dataset


def _cases(table: int, count: int) -> list[_Case]:
    """The phantoms of table number `table`; patients have one, two, three, one, ... studies."""
    first = DATASET_SEEDS.start + table * MOST
    patients = [number // 6 * 3 + (0, 1, 1, 2, 2, 2)[number % 6] for number in range(count)]
    return [
        _Case(number, patient, phantoms.plan(first + number))
        for number, patient in enumerate(patients)
    ]


# ---------------------------------------------------------------- layouts


def _chexpert(root: Path, count: int, width: int, parts: Sequence[str] = _PARTS) -> None:
    for part in parts:
        rows, at = [], _PARTS.index(part)
        for case in _cases(at, count):
            study = f"{part}/patient{64541 + case.patient:05}/study{case.number + 1}"
            file = f"{study}/view1_frontal.jpg"
            _draw(case, root / file, Kind.JPEG90, width)
            labels = case.drawn if part == "valid" else case.written
            facts = (f"CheXpert-v1.0-small/{file}", case.sex, case.age, "Frontal", case.view)
            rows.append([*facts, *labels(_CHEXPERT_ORDER)])
        header = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *_CHEXPERT_ORDER]
        _table(root / f"{part}.csv", header, rows)


def _chexpert_valid(root: Path, count: int, width: int) -> None:
    _chexpert(root, count, width, ("valid",))


def _chexpert_train(root: Path, count: int, width: int) -> None:
    _chexpert(root, count, width, ("train",))


def _mimic(root: Path, count: int, width: int) -> None:
    images, splits, labels, by_hand = [], [], [], []
    for case in _cases(2, count):
        subject, study = 10000032 + case.patient, 50414267 + case.number
        image = str(uuid.UUID(int=case.plan.seed))
        split = ("train", "test", "validate")[case.patient % 3]
        place = f"files/p{str(subject)[:2]}/p{subject}/s{study}/{image}.jpg"
        _draw(case, root / place, Kind.JPEG90, width)
        height, columns = case.plan.native_size(width)
        images.append([image, subject, study, "CHEST", case.view, height, columns])
        splits.append([image, study, subject, split])
        labels.append([subject, study, *case.written(_ALPHABETICAL)])
        if split == "test":
            by_hand.append([study, *case.drawn(_ALPHABETICAL)])
    procedure = "PerformedProcedureStepDescription"
    header = ["dicom_id", "subject_id", "study_id", procedure, "ViewPosition", "Rows", "Columns"]
    _table(root / mimic.METADATA, header, images)
    _table(root / mimic.SPLIT, ["dicom_id", "study_id", "subject_id", "split"], splits)
    _table(root / mimic.AUTOMATIC, ["subject_id", "study_id", *_ALPHABETICAL], labels)
    renamed = [each.value.replace("Lung Opacity", "Airspace Opacity") for each in _ALPHABETICAL]
    _table(root / mimic.BY_HAND, ["study_id", *renamed], by_hand)


def _brax(root: Path, count: int, width: int, dicom: bool = False) -> None:
    rows = []
    for case in _cases(3, count):
        place = f"id_{case.patient:08}/Study_{case.number:08}/Series_1/image-{case.number:08}"
        png, dcm = f"images/{place}.png", f"Anonymized_DICOMs/{place}.dcm"
        kind = Kind.DICOM_MONO1_J2K if dicom else Kind.PNG8
        _draw(case, root / (dcm if dicom else png), kind, width)
        facts = (case.number, dcm, png, f"id_{case.patient:08}", case.sex[0], case.age)
        study = (f"Study_{case.number:08}", "20080101")
        size = (*case.plan.native_size(width), "")
        rows.append([*facts, *study, *case.written(_CHEXPERT_ORDER), case.view, *size])
    header = ["", "DicomPath", "PngPath", "PatientID", "PatientSex", "PatientAge"]
    header += ["AccessionNumber", "StudyDate", *_CHEXPERT_ORDER]
    header += ["ViewPosition", "Rows", "Columns", "Manufacturer"]
    _table(root / "master_spreadsheet_update.csv", header, rows)


def _brax_dicom(root: Path, count: int, width: int) -> None:
    _brax(root, count, width, dicom=True)


def _folder(root: Path, count: int, width: int) -> None:
    kinds = (Kind.DICOM_MONO2, Kind.PNG16, Kind.JPEG90, Kind.DICOM_MONO1_J2K)
    rows = []
    for case in _cases(4, count):
        kind = kinds[case.number % len(kinds)]
        file = f"images/{case.number:05}{kind.suffix}"
        _draw(case, root / file, kind, width)
        facts = (file, case.patient, case.number, case.view, case.sex, case.age)
        rows.append([*facts, *case.drawn(FINDINGS)])
    header = ["path", "patient", "study", "view", "sex", "age", *FINDINGS]
    _table(root / "labels.csv", header, rows)


def _all(root: Path, count: int, width: int) -> None:
    places = {
        "chexpert": "CheXpert-v1.0-small",
        "mimic": "mimic-cxr-jpg/2.1.0",
        "brax": "brax/1.1.0",
        "folder": "folder",
    }
    for layout, place in places.items():
        write_layout(layout, root / place, count, width)


LAYOUTS: dict[str, Callable[[Path, int, int], None]] = {
    "chexpert": _chexpert,
    "chexpert-valid": _chexpert_valid,
    "chexpert-train": _chexpert_train,
    "mimic": _mimic,
    "brax": _brax,
    "brax-dicom": _brax_dicom,
    "folder": _folder,
    "all": _all,
}
"""Layouts by name; "all" writes each into a folder of its own, where `locate` finds it."""


def _draw(case: _Case, path: Path, kind: Kind, width: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(case.plan, path, kind, width)


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def main() -> int:
    """The command line; 2 if the folder cannot be used."""
    parser = argparse.ArgumentParser(description="Write phantoms in the layout of a data set.")
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=50, help="phantoms per labelled table")
    parser.add_argument("--width", type=int, default=512, help="pixels")
    arguments = parser.parse_args()
    try:
        write_layout(arguments.layout, arguments.folder, arguments.count, arguments.width)
    except CxrError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
