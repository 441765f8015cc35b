"""The hospital's own set: any folder of DICOM, PNG or JPEG files with a CSV table in it
(`labels.csv`, or the only one there).

Columns, in English or Portuguese and in any order: `path` (below the folder), `patient`, and the 14
findings with 1, 0, -1 or blank; if there, also `study`, `view`, `sex` and `age`. Comma, semicolon
or tab; UTF-8, or what spreadsheets write on Windows.
"""

from pathlib import Path
from unicodedata import normalize

from cxr_demo.datasets.base import Sample, age_of, sex_of, view_of
from cxr_demo.datasets.tables import Table, stem
from cxr_demo.errors import both
from cxr_demo.findings import FINDINGS

NAME = "folder"
TITLE = both("local set", "conjunto local")
PARTS: dict[str, tuple[str, ...]] = {"all": ("*.csv",)}
PLACES: tuple[str, ...] = ()
PATIENT_DEPTH: int | None = None

_COLUMNS = {"path": ("path", "caminho", "arquivo"), "patient": ("patient", "paciente")}
_COLUMNS |= {each.value: (each.value, each.pt) for each in FINDINGS}
_OPTIONAL = {
    "study": ("study", "estudo", "exame"),
    "view": ("view", "incidência", "incidencia"),
    "sex": ("sex", "sexo"),
    "age": ("age", "idade"),
}


def samples(root: Path, part: str) -> list[Sample]:
    """All images of the table. Raises leaves of DatasetError, also for two rows with one key."""
    (name,) = PARTS[part]
    table = Table(TITLE, root, name, encodings=("utf-8-sig", "cp1252"))
    found: dict[str, Sample] = {}
    for row, (path, patient, *cells) in table.rows(_COLUMNS, _OPTIONAL):
        labels, (study, view, sex, age) = cells[: len(FINDINGS)], cells[len(FINDINGS) :]
        file = table.inside(row, path)
        key = stem(normalize("NFC", file))
        if not patient:
            raise table.wrong(row, "patient", "blank")
        if key in found:
            raise table.wrong(row, "path", "twice")
        found[key] = Sample(
            dataset=NAME,
            key=key,
            root=root,
            file=_on_disk(root, file),
            patient=patient,
            study=study or key,
            labels=table.labels(row, labels),
            view=view_of(view),
            sex=sex_of(sex),
            age=age_of(age.replace(",", ".")),
            form=Path(file).suffix.lstrip(".").lower(),
        )
    return list(found.values())


def _on_disk(root: Path, file: str) -> str:
    """`file` as the disk spells it: one that came by way of a Mac has accents as characters of
    their own. The key is the same in both spellings."""
    if file.isascii():
        return file
    spellings = (file, normalize("NFC", file), normalize("NFD", file))
    return next((each for each in spellings if (root / each).exists()), file)
