"""Small tables as the publishers write them: headers and orders by hand, from their pages."""

import gzip
from pathlib import Path

CHEXPERT = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,"
    "Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
    "Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
ALPHABETICAL = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,"
    "Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
BRAX = (
    ",DicomPath,PngPath,PatientID,PatientSex,PatientAge,AccessionNumber,StudyDate,No Finding,"
    "Enlarged Cardiomediastinum,Cardiomegaly,Lung Lesion,Lung Opacity,Edema,Consolidation,"
    "Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices,"
    "ViewPosition,Rows,Columns,Manufacturer"
)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = ("\n".join(lines) + "\n").encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def chexpert(root: Path, *rows: str, part: str = "train") -> Path:
    write(root / f"{part}.csv", CHEXPERT, *rows)
    return root


def mimic(root: Path, labels, images, ending: str = ".csv.gz") -> Path:
    """`labels`: rows of the CheXpert labeler's table; `images`: (dicom, subject, study, view,
    split)."""
    name = "mimic-cxr-2.0.0-{}" + ending
    write(root / name.format("chexpert"), f"subject_id,study_id,{ALPHABETICAL}", *labels)
    write(
        root / name.format("metadata"),
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,"
        "StudyDate,StudyTime",
        *(
            f'{d},{p},{s},"CHEST (PA AND LAT)",{v},3056,2544,21800506,213014.531'
            for d, p, s, v, _ in images
        ),
    )
    write(
        root / name.format("split"),
        "dicom_id,study_id,subject_id,split",
        *(f"{d},{s},{p},{split}" for d, p, s, _, split in images),
    )
    return root


def brax(root: Path, *rows: str) -> Path:
    write(root / "master_spreadsheet_update.csv", BRAX, *rows)
    return root
