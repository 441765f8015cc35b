"""CheXpert v1.0, either image size: `train.csv` labelled by its labeler, `valid.csv` by three
radiologists. Irvin et al. 2019; Stanford University School of Medicine's research use agreement.
Users bring it themselves.
"""

from pathlib import Path

from cxr_demo.datasets.base import Sample, age_of, sex_of, view_of
from cxr_demo.datasets.tables import NAMES, Table, stem
from cxr_demo.records import View

NAME = "chexpert"
TITLE = "CheXpert"
PARTS: dict[str, tuple[str, ...]] = {"train": ("train.csv",), "valid": ("valid.csv",)}
PLACES = ("CheXpert-v1.0-small", "CheXpert-v1.0", "*/CheXpert-v1.0-small", "*/CheXpert-v1.0")
PATIENT_DEPTH: int | None = 2

_FORMS = {"CheXpert-v1.0-small": "small", "CheXpert-v1.0": "full"}
_COLUMNS = {each: (each,) for each in ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")}


def samples(root: Path, part: str) -> list[Sample]:
    """All images of `part` ("train" or "valid"), in the table's order. Raises leaves of
    DatasetError."""
    (name,) = PARTS[part]
    table = Table(TITLE, root, name)
    found = []
    for row, (path, sex, age, side, projection, *cells) in table.rows(_COLUMNS | dict(NAMES)):
        prefix, _, rest = path.partition("/")
        file = table.inside(row, rest if prefix in _FORMS else path)
        folders = file.split("/")
        if len(folders) != 4:
            raise table.wrong(row, "Path")
        found.append(
            Sample(
                dataset=NAME,
                key=stem(file),
                root=root,
                file=file,
                patient=folders[1],
                study=f"{folders[1]}/{folders[2]}",
                labels=table.labels(row, cells),
                view=_view(side, projection),
                sex=sex_of(sex),
                age=age_of(age),
                split=part,
                form=_FORMS.get(prefix, ""),
            )
        )
    return found


def _view(side: str, projection: str) -> View:
    """LL and RL also stand in rows called frontal; such a row contradicts itself."""
    if side == "Lateral":
        return View.LATERAL
    view = view_of(projection)
    return View.UNKNOWN if view is View.LATERAL else view
