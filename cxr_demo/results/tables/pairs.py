"""Tables of pairs: 4 bits less bf16 on the same images, and who errs where."""

from cxr_demo.findings import FINDINGS
from cxr_demo.results import words
from cxr_demo.results.records import Board, Pair, PairResult, said
from cxr_demo.results.tables.common import TITLE, Table, arm_name, mark
from cxr_demo.units import UNKNOWN

_PAIRS: tuple[Pair, ...] = (
    ("Model", "Modelo"),
    ("Precision", "Precisão"),
    ("Pipeline", "Tarefa"),
    ("Images", "Imagens"),
    ("{f1}, bf16", "{f1}, bf16"),
    ("{f1}, 4 bits", "{f1}, 4 bits"),
    ("Difference", "Diferença"),
    ("95 % interval", "Intervalo de 95 %"),
    ("Margin", "Margem"),
    ("Not inferior", "Não inferior"),
    ("Same output", "Mesma saída"),
    ("Power for the margin", "Poder para a margem"),
    ("Smallest difference seen (power 80 %)", "Menor diferença vista (poder de 80 %)"),
)
_YES: Pair = ("yes", "sim")
_NOT_SHOWN: Pair = ("not shown", "não demonstrado")


def pairs(board: Board, language: str) -> Table:
    """4 bits less bf16 of each model and task, on the images that both have done."""
    f1 = words.f1(board, language)
    return Table(
        title=said(TITLE["pairs"], language),
        mark=mark(board, language),
        columns=tuple(said(each, language).format(f1=f1) for each in _PAIRS),
        rows=tuple(_pair(each, language) for each in board.pairs),
        runs=tuple(each.candidate.arm.run for each in board.pairs),
    )


def _pair(pair: PairResult, language: str) -> tuple[str, ...]:
    arm, difference = pair.candidate.arm, pair.difference
    waiting = said(words.COMPUTING, language) + " …" if pair.computing else UNKNOWN
    verdict, span = waiting, waiting
    if difference is not None:
        verdict = said(_YES if difference.not_inferior else _NOT_SHOWN, language)
        estimate = difference.estimate
        span = words.interval(float(estimate.low), float(estimate.high), language)
    return (
        words.model(arm, language),
        words.precision(arm, language),
        words.task(arm, language),
        words.count(pair.images, language),
        *(words.number(each, language) for each in pair.points),
        words.signed(pair.value, language),
        span,
        words.number(pair.margin, language),
        verdict,
        waiting if pair.identical is None else words.percent(pair.identical, language),
        waiting if difference is None else words.percent(pair.power, language, 0),
        waiting if difference is None else words.number(pair.detectable, language),
    )


_MCNEMAR: tuple[Pair, ...] = (
    ("Finding", "Achado"),
    ("Only bf16 right", "Só bf16 acerta"),
    ("Only 4 bits right", "Só 4 bits acerta"),
    ("p, exact", "p, exato"),
    ("p, Holm", "p, Holm"),
)


def mcnemar(board: Board, pair: PairResult, language: str) -> Table:
    """On which findings the two arms of a pair err on different images."""
    test = pair.mcnemar
    return Table(
        title=f"{said(TITLE['mcnemar'], language)}: {arm_name(pair.candidate, language)}",
        mark=mark(board, language),
        columns=tuple(said(each, language) for each in _MCNEMAR),
        rows=tuple(
            (
                finding.name_in(language),
                words.count(int(test.only_first[at]), language),
                words.count(int(test.only_second[at]), language),
                _p(float(test.p[at]), language),
                _p(float(test.p_holm[at]), language),
            )
            for at, finding in enumerate(FINDINGS)
        ),
    )


def _p(value: float, language: str) -> str:
    if value < 0.001:
        return f"< {words.number(0.001, language)}"
    return words.number(value, language)
