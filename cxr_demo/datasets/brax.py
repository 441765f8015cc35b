"""BRAX 1.1.0: labels of Portuguese reports, which are not released; PNG or DICOM. Reis et al. 2022;
PhysioNet Credentialed Health Data License. Users bring it themselves.
"""

from pathlib import Path

from cxr_demo.datasets.base import Sample, age_of, sex_of, view_of
from cxr_demo.datasets.tables import NAMES, Table, stem

NAME = "brax"
TITLE = "BRAX"
TABLE = "master_spreadsheet_update.csv"
PARTS: dict[str, tuple[str, ...]] = {"automatic": (TABLE,)}
PLACES = ("brax", "BRAX", "brax/1.*", "*/brax/1.*", "physionet.org/files/brax/1.*")
PATIENT_DEPTH: int | None = 2

_PNG, _DICOM = "images", "Anonymized_DICOMs"
_COLUMNS = {
    each: (each,)
    for each in (
        "DicomPath",
        "PngPath",
        "PatientID",
        "PatientSex",
        "PatientAge",
        "AccessionNumber",
        "ViewPosition",
    )
}


def samples(root: Path, part: str) -> list[Sample]:
    """All images, as PNG where the folder `images` is there, else as DICOM; the key is that of the
    PNG in both cases, so that the form changes no draw. Raises leaves of DatasetError."""
    (name,) = PARTS[part]
    table = Table(TITLE, root, name)
    dicom = (root / _DICOM).is_dir() and not (root / _PNG).is_dir()
    found = []
    for row, cells in table.rows(_COLUMNS | dict(NAMES)):
        dicom_path, png_path, patient, sex, age, study, view, *labels = cells
        file = table.inside(row, dicom_path if dicom else png_path)
        found.append(
            Sample(
                dataset=NAME,
                key=stem(table.inside(row, png_path)),
                root=root,
                file=file,
                patient=patient,
                study=study,
                labels=table.labels(row, labels),
                view=view_of(view),
                sex=sex_of(sex),
                age=age_of(age),
                form="dicom" if dicom else "png",
            )
        )
    return found
