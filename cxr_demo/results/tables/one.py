"""Tables of one arm: per finding, and by slices of the test set."""

from cxr_demo.findings import FINDINGS
from cxr_demo.metrics import counts
from cxr_demo.results import scoring, words
from cxr_demo.results.meaning import sentence
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.results.tables.common import (
    ALL,
    TITLE,
    Table,
    arm_name,
    between,
    mark,
    micro_interval,
)
from cxr_demo.units import UNKNOWN

_FINDINGS: tuple[Pair, ...] = (
    ("Finding", "Achado"),
    ("Support", "Suporte"),
    ("{f1}", "{f1}"),
    ("95 % interval", "Intervalo de 95 %"),
    ("Sensitivity", "Sensibilidade"),
    ("95 % interval", "Intervalo de 95 %"),
    ("Specificity", "Especificidade"),
    ("95 % interval", "Intervalo de 95 %"),
    ("PPV", "VPP"),
    ("95 % interval", "Intervalo de 95 %"),
)


_SCORES = (
    (counts.per_finding, "per_finding"),
    (counts.sensitivity, "sensitivity"),
    (counts.specificity, "specificity"),
    (counts.predictive_value, "predictive_value"),
)
"""A score and its interval in `metrics.summary.Intervals`."""


def findings(board: Board, result: ArmResult, language: str) -> Table:
    """An arm's 14 findings. What is not defined (nobody has it, nobody was named) is a dash."""
    f1 = words.f1(board, language, (result,))
    meaning = sentence(result, language)
    return Table(
        title=f"{said(TITLE['findings'], language)}: {arm_name(result, language)}",
        mark=mark(board, language),
        columns=tuple(said(each, language).format(f1=f1) for each in _FINDINGS),
        rows=tuple(_finding(result, at, language) for at in range(len(FINDINGS)))
        if result.counts is not None
        else (),
        notes=(meaning,) if meaning else (),
    )


def _finding(result: ArmResult, at: int, language: str) -> tuple[str, ...]:
    assert result.counts is not None
    cells = result.counts[at]
    support = int(cells[counts.TP] + cells[counts.FN])
    found = [FINDINGS[at].name_in(language), words.count(support, language)]
    for score, name in _SCORES:
        estimate = None if result.intervals is None else getattr(result.intervals, name)
        empty = score is counts.per_finding and support == 0
        value = float("nan") if empty else float(score(cells))
        found.append(words.number(value, language))
        found.append(between(result, estimate, language, at) if value == value else UNKNOWN)
    return tuple(found)


_SLICES: tuple[Pair, ...] = (
    ("Slice", "Recorte"),
    ("Value", "Valor"),
    ("Images", "Imagens"),
    ("Patients", "Pacientes"),
    ("{f1}", "{f1}"),
    ("95 % interval", "Intervalo de 95 %"),
    ("Sensitivity", "Sensibilidade"),
    ("PPV", "VPP"),
)
_COLUMNS: dict[str, Pair] = {
    "dataset": ("data set", "conjunto"),
    "view": ("view", "incidência"),
    "sex": ("sex", "sexo"),
    "age": ("age", "idade"),
    "held_out": ("held out for this model", "não vista por este modelo"),
}
_VALUES: dict[str, Pair] = {
    "True": ("yes", "sim"),
    "False": ("no: may have been trained on", "não: pode ter estado no treino"),
    "unknown": ("unknown", "desconhecido"),
    "UNKNOWN": ("unknown", "desconhecida"),
    "LATERAL": ("lateral", "perfil"),
}


def slices(
    board: Board, found: dict[str, dict[str, ArmResult]], language: str, run: str | None = None
) -> Table:
    """`Book.slices` of one arm, whose `run` is given."""
    rows = [
        _slice(slice_name(column, language), value, result, language)
        for column, by_value in found.items()
        for value, result in by_value.items()
    ]
    any_result = next((r for by_value in found.values() for r in by_value.values()), None)
    name = "" if any_result is None else f": {arm_name(any_result, language)}"
    shown = None if any_result is None else (any_result,)
    f1 = words.f1(board, language, shown)
    return Table(
        title=said(TITLE["slices"], language) + name,
        mark=mark(board, language),
        columns=tuple(said(each, language).format(f1=f1) for each in _SLICES),
        rows=tuple(rows),
        runs=(run,) * len(rows),
    )


def slice_name(column: str, language: str) -> str:
    """What a slice is by, as in "view"."""
    return said(_COLUMNS.get(column, (column, column)), language)


def slice_value(value: str, language: str) -> str:
    """Which part of it, as in "PA"."""
    return said(_VALUES.get(value, (value, value)), language)


def _slice(column: str, value: str, result: ArmResult, language: str) -> tuple[str, ...]:
    assert result.figures is not None and result.counts is not None
    recall, precision = scoring.recall_and_precision(result.counts)
    return (
        column,
        slice_value(words.dataset(value, language), language),
        words.count(result.figures.images, language),
        words.count(result.figures.patients, language),
        words.number(result.figures.micro[ALL], language),
        between(result, micro_interval(result), language),
        words.number(recall, language),
        words.number(precision, language),
    )
