"""What an arm's answers to yes/no questions are worth: AUROC and Brier's score per finding."""

import numpy as np

from cxr_demo.findings import FINDINGS
from cxr_demo.results import words
from cxr_demo.results.records import Answered, ArmResult, Board, Pair, said
from cxr_demo.results.tables.common import TITLE, Table, arm_name, mark

_COLUMNS: tuple[Pair, ...] = (
    ("Finding", "Achado"),
    ("Present / asked", "Presentes / perguntadas"),
    ("AUROC", "AUROC"),
    ("95 % interval", "Intervalo de 95 %"),
    ("Brier, raw", "Brier, brutas"),
)
_CALIBRATED: Pair = ("Brier, calibrated", "Brier, calibradas")
ASKED: Pair = (
    "{asked} of {images} images were asked, one question per finding.",
    "{asked} de {images} imagens foram perguntadas, uma pergunta por achado.",
)
_HOW: Pair = (
    "AUROC: 0.5 is chance, 1 is every image with the finding above every one without it; interval: "
    "bootstrap over patients. Brier: mean squared distance from the truth, less is better.",
    "AUROC: 0,5 é o acaso, 1 é toda imagem com o achado acima de toda imagem sem ele; intervalo: "
    "bootstrap sobre pacientes. Brier: distância quadrática média da verdade, menos é melhor.",
)


def answers(board: Board, result: ArmResult, language: str) -> Table | None:
    """An arm's 14 findings; None unless it was asked. A finding that all or none of the images have
    has no AUROC."""
    found = result.answered
    if found is None:
        return None
    bare = found.calibrated is None
    columns = _COLUMNS if bare else (*_COLUMNS, _CALIBRATED)
    title = said(TITLE["answers" if bare else "answers_both"], language)
    return Table(
        title=f"{title}: {arm_name(result, language)}",
        mark=mark(board, language),
        columns=tuple(said(each, language) for each in columns),
        rows=tuple(_row(found, at, language) for at in range(len(FINDINGS))),
        notes=(asked(result, found, language), said(found.remark, language), said(_HOW, language)),
    )


def asked(result: ArmResult, found: Answered, language: str) -> str:
    """How many of an arm's images were asked."""
    counts = (words.count(each, language) for each in (found.images, result.arm.total))
    return said(ASKED, language).format(**dict(zip(("asked", "images"), counts, strict=True)))


def _row(found: Answered, at: int, language: str) -> tuple[str, ...]:
    number = (words.count(int(each[at]), language) for each in (found.present, found.counted))
    auroc, calibrated = found.auroc, found.brier_calibrated
    known = bool(np.isfinite(auroc.value[at]))
    low, high = (float(each[at]) if known else None for each in (auroc.low, auroc.high))
    return (
        FINDINGS[at].name_in(language),
        " / ".join(number),
        words.number(float(auroc.value[at]), language),
        words.interval(low, high, language),
        words.number(float(found.brier[at]), language),
        *(() if calibrated is None else (words.number(float(calibrated[at]), language),)),
    )
