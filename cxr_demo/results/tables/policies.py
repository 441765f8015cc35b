"""What the choice of labeler and of the policy for uncertain labels does to an F1, side by side."""

from collections.abc import Sequence

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.results.tables.common import (
    ALL,
    TITLE,
    Table,
    between,
    images,
    mark,
    micro_interval,
    ordered,
)
from cxr_demo.units import UNKNOWN

MAIN = (UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE)
"""The two policies that are in use; the third one, left out, is offered on the screen."""

_COLUMNS: tuple[Pair, ...] = (
    ("Model", "Modelo"),
    ("Precision", "Precisão"),
    ("Pipeline", "Tarefa"),
    ("Labels by", "Rótulos de"),
    ("Images", "Imagens"),
)
_F1: Pair = ("F1 (by the labeler named), {policy}", "F1 (pelo rotulador indicado), {policy}")
_INTERVAL: Pair = ("95 % interval", "Intervalo de 95 %")


def policies(boards: Sequence[Board], language: str) -> Table:
    """`boards`: the same evaluation under every labeler and policy that is to be compared."""
    first = boards[0]
    columns = [said(each, language) for each in _COLUMNS]
    shown = list(dict.fromkeys(each.policy for each in boards))
    for policy in shown:
        words_of = said(words.POLICIES[policy], language)
        columns += [said(_F1, language).format(policy=words_of), said(_INTERVAL, language)]
    found: dict[tuple[str, str], dict[UncertaintyPolicy, ArmResult]] = {}
    for board in boards:
        for each in ordered(board.arms):
            found.setdefault((each.arm.run, each.labeler), {})[board.policy] = each
    rows = sorted(found.items(), key=lambda item: _place(first, item[0][0]))
    return Table(
        title=said(TITLE["policies"], language),
        mark=mark(first, language),
        columns=tuple(columns),
        rows=tuple(_row(by_policy, shown, language) for _, by_policy in rows),
        runs=tuple(run for (run, _), _ in rows),
    )


def _place(board: Board, run: str) -> int:
    return [each.arm.run for each in ordered(board.arms)].index(run)


def _row(
    by_policy: dict[UncertaintyPolicy, ArmResult], shown: list[UncertaintyPolicy], language: str
) -> tuple[str, ...]:
    some = next(iter(by_policy.values()))
    cells = [
        words.model(some.arm, language),
        words.precision(some.arm, language),
        words.task(some.arm, language),
        words.labeler(some.labeler, language),
        images(some, language),
    ]
    for policy in shown:
        result = by_policy.get(policy)
        if result is None or result.figures is None:
            cells += [UNKNOWN, UNKNOWN]
            continue
        cells += [
            words.number(result.figures.micro[ALL], language),
            between(result, micro_interval(result), language),
        ]
    return tuple(cells)
