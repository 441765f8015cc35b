"""MIMIC-CXR-JPG 2.x: labels of a study's report for each of its images, gzip or not; 2.1.0 adds a
test set labelled by hand. Johnson et al. 2019, 2024; PhysioNet Credentialed Health Data License.
Users bring it themselves.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cxr_demo.datasets.base import Labels, Sample, view_of
from cxr_demo.datasets.tables import NAMES, Table
from cxr_demo.findings import Finding

NAME = "mimic"
TITLE = "MIMIC-CXR-JPG"
METADATA = "mimic-cxr-2.0.0-metadata.csv.gz"
SPLIT = "mimic-cxr-2.0.0-split.csv.gz"
AUTOMATIC = "mimic-cxr-2.0.0-chexpert.csv.gz"
BY_HAND = "mimic-cxr-2.1.0-test-set-labeled.csv"
PARTS: dict[str, tuple[str, ...]] = {
    "automatic": (AUTOMATIC, METADATA, SPLIT),
    "by_hand": (BY_HAND, METADATA, SPLIT),
}
PLACES = (
    "mimic-cxr-jpg",
    "mimic-cxr-jpg/2.*",
    "*/mimic-cxr-jpg/2.*",
    "physionet.org/files/mimic-cxr-jpg/2.*",
)
PATIENT_DEPTH: int | None = 3

_IMAGE = {each: (each,) for each in ("dicom_id", "subject_id", "study_id", "ViewPosition")}
_HAND_NAMES = dict(NAMES) | {Finding.LUNG_OPACITY.value: ("Airspace Opacity", "Lung Opacity")}


def samples(root: Path, part: str) -> list[Sample]:
    """All images of `part`: "automatic", where images of the studies without labels have None, or
    "by_hand", which has labelled studies only. Raises leaves of DatasetError."""
    labels = dict(_labels(root, part))
    splits = dict(_splits(root))
    images: Iterable[Sample] = _images(root, labels, splits)
    return [each for each in images if part == "automatic" or each.labels is not None]


def _images(root: Path, labels: dict[str, Labels], splits: dict[str, str]) -> Iterator[Sample]:
    table = Table(TITLE, root, METADATA)
    for row, (image, subject, study, view) in table.rows(_IMAGE):
        subject, study = _number(subject), _number(study)
        key = table.inside(row, f"files/p{subject[:2]}/p{subject}/s{study}/{image}")
        yield Sample(
            dataset=NAME,
            key=key,
            root=root,
            file=f"{key}.jpg",
            patient=subject,
            study=study,
            labels=labels.get(study),
            view=view_of(view),
            split=splits.get(image),
            form="jpg",
        )


def _labels(root: Path, part: str) -> Iterator[tuple[str, Labels]]:
    by_hand = part == "by_hand"
    table = Table(TITLE, root, PARTS[part][0])
    names = _HAND_NAMES if by_hand else NAMES
    seen = set()
    for row, (study, *cells) in table.rows({"study_id": ("study_id",)} | dict(names)):
        study = _number(study)
        if study in seen:
            raise table.wrong(row, "study_id")
        seen.add(study)
        yield study, table.labels(row, cells)


def _splits(root: Path) -> Iterator[tuple[str, str]]:
    columns = {"dicom_id": ("dicom_id",), "split": ("split",)}
    for _, (image, split) in Table(TITLE, root, SPLIT).rows(columns):
        yield image, split


def _number(text: str) -> str:
    """Tables that went through a spreadsheet hold "50414267.0"."""
    return text.removesuffix(".0")
