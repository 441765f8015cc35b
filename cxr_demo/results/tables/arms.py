"""The main table: one row per arm. And the one of arms with random weights."""

from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.results.tables.common import (
    ALL,
    BARE,
    FIVE,
    TITLE,
    Table,
    between,
    images,
    mark,
    micro_interval,
    notes,
    ordered,
    remarks,
)
from cxr_demo.units import UNKNOWN, format_bytes, format_rate, format_seconds

_FOLDS: Pair = ("Mean ± sd over folds", "Média ± dp entre partes")
_REMARKS: Pair = ("Remarks", "Observações")
_DEVICE: Pair = ("Device", "Dispositivo")
_ARMS: tuple[Pair, ...] = (
    ("Model", "Modelo"),
    ("Precision", "Precisão"),
    ("Pipeline", "Tarefa"),
    ("Images", "Imagens"),
    ("{f1}, 14 findings", "{f1}, 14 achados"),
    ("95 % interval", "Intervalo de 95 %"),
    ("VRAM, peak less baseline", "VRAM, pico menos base"),
    ("Time per image", "Tempo por imagem"),
    ("Images/s", "Imagens/s"),
    ("Unparsed", "Não interpretadas"),
    ("Failed", "Falhas"),
    _REMARKS,
    _FOLDS,
    ("Without No Finding", "Sem “Nenhum destes achados”"),
    ("5 findings", "5 achados"),
    ("Macro, 14", "Macro, 14"),
    ("Macro, with support", "Macro, com suporte"),
    ("{f1}, parsed only", "{f1}, só interpretadas"),
    ("VRAM, batch peak", "VRAM, pico do lote"),
    ("Tokens", "Tokens"),
    _DEVICE,
)
"""What is decided by comes first, and what must be known of it: a narrow screen shows it without
scrolling."""


def arms(board: Board, language: str) -> Table:
    """One row per arm: quality with intervals, cost, and what must be known of it. Only an
    evaluation in folds has their column."""
    f1 = words.f1(board, language)
    shown = ordered(board.arms)
    folded = any(each.figures is not None and each.figures.folds for each in shown)
    kept = [at for at, each in enumerate(_ARMS) if folded or each is not _FOLDS]
    rows = [_arm(each, language) for each in shown]
    return Table(
        title=said(TITLE["arms"], language),
        mark=mark(board, language),
        columns=tuple(said(_ARMS[at], language).format(f1=f1) for at in kept),
        rows=tuple(tuple(row[at] for at in kept) for row in rows),
        runs=tuple(each.arm.run for each in shown),
        notes=tuple(notes(board, language)),
    )


def _arm(result: ArmResult, language: str) -> tuple[str, ...]:
    arm = result.arm
    return (
        words.model(arm, language),
        words.precision(arm, language),
        words.task(arm, language),
        images(result, language),
        *_quality(result, language),
        *_cost(result, language),
        UNKNOWN
        if result.figures is None
        else words.percent(result.figures.unparsed_share, language),
        words.count(arm.failed, language),
        remarks(result, language),
        *_more_quality(result, language),
        format_bytes(arm.cost.vram_batch_peak, language),
        words.number(arm.cost.tokens, language, 0),
        arm.cost.gpu or UNKNOWN,
    )


def _quality(result: ArmResult, language: str) -> tuple[str, ...]:
    figures = result.figures
    if figures is None:
        return (UNKNOWN,) * 2
    return (
        words.number(figures.micro[ALL], language),
        between(result, micro_interval(result), language),
    )


def _more_quality(result: ArmResult, language: str) -> tuple[str, ...]:
    figures = result.figures
    if figures is None:
        return (UNKNOWN,) * 6
    over = figures.folds
    spread = (
        UNKNOWN
        if over is None
        else f"{words.number(float(over.mean), language)} ± "
        f"{words.number(float(over.deviation), language)}"
    )
    return (
        spread,
        words.number(figures.micro[BARE], language),
        words.number(figures.micro[FIVE], language),
        words.number(figures.macro, language),
        words.number(figures.macro_supported, language),
        words.number(figures.micro_parsed, language),
    )


def _cost(result: ArmResult, language: str) -> tuple[str, ...]:
    cost = result.arm.cost
    time = format_seconds(cost.seconds, language)
    if cost.seconds is not None and cost.seconds_sd is not None:
        both = (words.number(each, language, 2) for each in (cost.seconds, cost.seconds_sd))
        time = f"{' ± '.join(both)} s"
    return (
        format_bytes(cost.vram, language),
        time,
        format_rate(cost.images_per_second, language),
    )


_STAND_INS: tuple[Pair, ...] = (
    *_ARMS[:3],
    ("VRAM, peak less baseline", "VRAM, pico menos base"),
    ("VRAM, batch peak", "VRAM, pico do lote"),
    ("Time per token", "Tempo por token"),
    _DEVICE,
    _REMARKS,
)


def stand_ins(board: Board, language: str) -> Table:
    """Arms with random weights: what they weigh and how long a token takes, nothing else."""
    shown = ordered(board.stand_ins)
    return Table(
        title=said(TITLE["stand_ins"], language),
        mark=mark(board, language),
        columns=tuple(said(each, language) for each in _STAND_INS),
        rows=tuple(
            (
                words.model(each.arm, language),
                words.precision(each.arm, language),
                words.task(each.arm, language),
                format_bytes(each.arm.cost.vram, language),
                format_bytes(each.arm.cost.vram_batch_peak, language),
                format_seconds(each.arm.cost.seconds_per_token, language),
                each.arm.cost.gpu or UNKNOWN,
                remarks(each, language),
            )
            for each in shown
        ),
        runs=tuple(each.arm.run for each in shown),
    )
