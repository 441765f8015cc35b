"""Is it a chest radiograph at all? Tags first, then the pixels themselves.

Three answers: it opens, it opens with notices that stay on every report, or it is refused with the
reason. Free text (descriptions) may decide, and is never shown.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cxr_demo.records import Notice, View
from cxr_demo.studies.errors import ConstantImage, WrongBodyPart, WrongModality
from cxr_demo.studies.header import has, items, word, words

_RADIOGRAPHS = ("CR", "DX", "DR", "RG", "XR")
_UNUSUAL = ("OT", "SC", "RF", "XA", "DF", "DS", "HC")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODALITIES = _words(
    "CT MR US MG PT NM IO PX ES XC GM SM OP OPT OCT ECG IVUS IVOCT BI BMD DG DM EC RTIMAGE RTDOSE "
    "RTSTRUCT RTPLAN SEG SR PR KO DOC LS MA MS NEARIR OAM OPM OPV TG VF FA EPS HD LEN VA"
)
"""Defined terms of (0008,0060) that are no radiographs; a word outside the standard's is neither
trusted nor repeated."""

_CHEST = _words("CHEST THORAX LUNG LUNGS TORAX TÓRAX CHEST_PA CHESTPA HEART")
_NEAR = _words("RIB RIBS RIBCAGE STERNUM CHESTABDOMEN CHESTABDPELVIS ABDOMENCHEST CLAVICLE TSPINE")
_ELSEWHERE = _words(
    "EXTREMITY HAND WRIST ARM FOREARM ELBOW HUMERUS SHOULDER SCAPULA FINGER THUMB FOOT TOE ANKLE "
    "LEG KNEE FEMUR THIGH HIP PELVIS TIBIA FIBULA PATELLA CALCANEUS HEEL UP_EXM LOW_EXM ABDOMEN "
    "SKULL HEAD NECK FACE NOSE NASAL SINUS SINUSES ORBIT ORBITS MANDIBLE MAXILLA JAW TMJ TEETH "
    "TOOTH SPINE CSPINE LSPINE SSPINE SACRUM COCCYX TLSPINE LUMBAR CERVICAL BREAST BLADDER KIDNEY "
    "ACJOINT SCJOINT SIJOINT WHOLEBODY ZYGOMA BRAIN UTERUS"
)
_CHEST_CODES = ("51185008", "T-D3000", "43799004", "T-D3050", "39607008", "T-28000")
_CHEST_WORDS = re.compile(r"CHEST|THORA|T[OÓ]RAX|LUNG|PULM")
_ELSEWHERE_WORDS = {
    "HAND": r"\bHAND|\bM[AÃ]OS?\b",
    "WRIST": r"WRIST|PUNHO",
    "ELBOW": r"ELBOW|COTOVELO",
    "SHOULDER": r"SHOULDER|OMBRO",
    "FOOT": r"\bFOOT\b|\bFEET\b|\bP[EÉ]S?\b",
    "ANKLE": r"ANKLE|TORNOZELO",
    "KNEE": r"KNEE|JOELHO",
    "FEMUR": r"F[EÊ]MUR",
    "HIP": r"\bHIPS?\b|QUADRIL",
    "PELVIS": r"PELVIS|BACIA",
    "SKULL": r"SKULL|CR[AÂ]NIO",
    "ABDOMEN": r"ABDOM",
}

_FRONTAL_CODES = {
    "399348003": View.AP,
    "R-10206": View.AP,
    "272479007": View.PA,
    "R-40888": View.PA,
    "R-10214": View.PA,
    "399033003": View.UNKNOWN,
    "R-10202": View.UNKNOWN,
}
_LATERAL_CODES = _words(
    "399067008 R-102CD 399173006 R-10236 399198007 R-10232 30730003 G-A145 399352003 399260004 "
    "R-10228 R-10224"
)
_LATERAL_POSITIONS = ("LL", "RL", "LLD", "RLD", "LATERAL", "LAT", "LLAT", "RLAT", "PERFIL")
_OBLIQUE_POSITIONS = ("LLO", "RLO", "LAO", "RAO", "LPO", "RPO", "OBLIQUE", "SWIMMERS", "AP AXIAL")


@dataclass(frozen=True)
class Subject:
    """What the tags say of the picture, in words of our own."""

    view: View
    modality: str | None
    declared_phantom: bool
    notices: tuple[Notice, ...]


def judge_tags(dataset: Dataset) -> Subject:
    """Modality, body part and view of a DICOM file. Raises WrongModality, WrongBodyPart."""
    modality = word(dataset, "Modality")
    notices = [*_modality_notices(modality), *_body_part_notices(dataset)]
    view, unusual = find_view(dataset)
    if view is View.LATERAL:
        notices.append(Notice("lateral"))
    elif unusual:
        notices.append(Notice("view_unusual"))
    elif view is View.UNKNOWN:
        notices.append(Notice("view_unknown"))
    if view is not View.LATERAL and _is_turned(dataset):
        notices.append(Notice("orientation"))
    if word(dataset, "PresentationIntentType") == "FOR PROCESSING":
        notices.append(Notice("for_processing"))
    if word(dataset, "LossyImageCompression") == "01":
        notices.append(Notice("lossy"))
    notices += _annotation_notices(dataset)
    known = modality in _RADIOGRAPHS + _UNUSUAL
    phantom = word(dataset, "QualityControlImage") == "YES"
    return Subject(view, modality if known else None, phantom, tuple(notices))


def judge_pixels(
    pixels: NDArray[np.uint16], padded: NDArray[np.bool_] | None = None
) -> tuple[tuple[int, int], tuple[Notice, ...]]:
    """Lowest and highest value of (H, W) `pixels` outside the padding, and notices.

    Raises ConstantImage for a picture with next to nothing in it, which is also what a decoder
    leaves that failed in silence.
    """
    counts = np.bincount(pixels[~padded] if padded is not None else pixels.ravel(), minlength=1)
    present = np.flatnonzero(counts)
    total = int(counts.sum())
    if len(present) < 2 or counts.max() > _BLANK_SHARE * total:
        raise ConstantImage()
    notices = []
    if min(pixels.shape) < _SMALL_SIDE:
        notices.append(Notice("small", {"columns": pixels.shape[1], "rows": pixels.shape[0]}))
    if _flat_share(pixels, int(present[0]), int(present[-1])) > _FLAT_SHARE:
        notices.append(Notice("screenshot"))
    return (int(present[0]), int(present[-1])), tuple(notices)


_BLANK_SHARE = 0.995
_FLAT_SHARE = 0.08
_SMALL_SIDE = 256


def _flat_share(pixels: NDArray[np.uint16], low: int, high: int) -> float:
    """Share of the picture that the commonest flat grey fills: pixels that equal their right and
    lower neighbour. The darkest and the lightest tenth are left out, since collimated borders and
    burnt-out air are flat in true radiographs too."""
    inner = pixels[:-1, :-1]
    flat = (inner == pixels[:-1, 1:]) & (inner == pixels[1:, :-1])
    margin = (high - low) * 0.1
    flat &= (inner > low + margin) & (inner < high - margin)
    values = inner[flat]
    return float(np.bincount(values).max()) / inner.size if values.size else 0.0


def _modality_notices(modality: str) -> list[Notice]:
    if modality in _RADIOGRAPHS:
        return []
    if modality in _UNUSUAL:
        return [Notice("modality_unusual", {"modality": modality})]
    if modality in _MODALITIES:
        raise WrongModality(modality=modality)
    return [Notice("modality_unknown")]


def _body_part_notices(dataset: Dataset) -> list[Notice]:
    part = word(dataset, "BodyPartExamined").replace(" ", "")
    if part in _CHEST or _has_chest_code(dataset):
        return []
    if part in _NEAR:
        return [Notice("body_part_near", {"part": part})]
    if part in _ELSEWHERE:
        raise WrongBodyPart(part=part)
    text = _descriptions(dataset, "StudyDescription", "SeriesDescription", "ProtocolName")
    if _CHEST_WORDS.search(text) or _CHEST_WORDS.search(part):
        return []
    for elsewhere, pattern in _ELSEWHERE_WORDS.items():
        if re.search(pattern, text) or re.search(pattern, part):
            raise WrongBodyPart(part=elsewhere)
    return [Notice("body_part_unknown")]


def _has_chest_code(dataset: Dataset) -> bool:
    regions = items(dataset, "AnatomicRegionSequence")
    return any(word(each, "CodeValue") in _CHEST_CODES for each in regions)


def _descriptions(dataset: Dataset, *keywords: str) -> str:
    return " ".join(word(dataset, each) for each in keywords)


def find_view(dataset: Dataset) -> tuple[View, bool]:
    """The view, and whether it is an oblique or otherwise unusual one.

    In this order: ViewPosition, ViewCodeSequence, PatientOrientation, the series' description.
    """
    position = word(dataset, "ViewPosition")
    if position in ("PA", "AP"):
        return View(position), False
    if position in _LATERAL_POSITIONS:
        return View.LATERAL, False
    if position in _OBLIQUE_POSITIONS:
        return View.UNKNOWN, True
    for code in (word(each, "CodeValue") for each in items(dataset, "ViewCodeSequence")):
        if code in _LATERAL_CODES:
            return View.LATERAL, False
        if code in _FRONTAL_CODES:
            return _FRONTAL_CODES[code], False
    if next(iter(words(dataset, "PatientOrientation")), "")[:1] in ("A", "P"):
        return View.LATERAL, False
    return _view_in_words(_descriptions(dataset, "SeriesDescription", "ProtocolName")), False


def _view_in_words(text: str) -> View:
    found = set(re.findall(r"\b(PA|AP)\b", text))
    if re.search(r"\bLAT(ERAL)?\b|\bPERFIL\b", text):
        found.add("LATERAL")
    return View(found.pop()) if len(found) == 1 else View.UNKNOWN


def _is_turned(dataset: Dataset) -> bool:
    """A frontal view that does not run from the patient's right to left and head to feet."""
    orientation = words(dataset, "PatientOrientation")
    if len(orientation) != 2 or not all(orientation):
        return False
    return (orientation[0][0], orientation[1][0]) != ("L", "F")


def _annotation_notices(dataset: Dataset) -> list[Notice]:
    burned = word(dataset, "BurnedInAnnotation") if has(dataset, "BurnedInAnnotation") else ""
    if burned == "YES":
        return [Notice("annotation_yes")]
    return [] if burned == "NO" else [Notice("annotation_unknown")]
