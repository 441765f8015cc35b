"""F1 with its deviation over folds as whiskers: the study's figure 4. The 95 % interval is another
mark, since the two say different things: how folds differ, and how far the whole may be off.
"""

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.plots import bars, rows
from cxr_demo.plots.look import (
    SIZE,
    SMALL,
    Look,
    Spec,
    bar_fill,
    figure,
    look,
)
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said

TITLE: Pair = (
    "F1 over {folds} folds of patients, with deviation",
    "F1 em {folds} partes por paciente, com desvio",
)
WHISKER: Pair = (
    "standard deviation over folds (not an interval)",
    "desvio padrão entre partes (não é intervalo)",
)
INTERVAL: Pair = ("95 % interval over patients, whole set", "intervalo de 95 %, conjunto todo")
WAITING: Pair = ("95 % interval: computing", "intervalo de 95 %: calculando")
_MICRO = FindingSetName.ALL_14
_BELOW = 0.36
"""Lines that the interval's mark stands below the middle of the bar."""
_NARROWER = 0.8


def folded(board: Board) -> list[ArmResult]:
    """The arms that have folds to show, in order."""
    return [
        each
        for each in rows.ordered(board.arms)
        if each.figures is not None and each.figures.folds is not None
    ]


def folds(board: Board, language: str, dark: bool) -> Spec:
    """One line per arm: bar and whisker over the folds, dots for each, the interval beneath."""
    chosen, shown = look(dark), folded(board)
    first = shown[0].figures
    assert first is not None and first.folds is not None
    number = len(first.folds.values)
    signs, legend = rows.remarks([each.arm for each in shown], language)
    data = [
        _bar(at, each, chosen, language, rows.bar(len(shown)) * _NARROWER)
        for at, each in enumerate(shown)
    ]
    data += bars.fills(shown, chosen, language)
    data += [_whisker_key(chosen, language)]
    data += [_intervals(shown, chosen, language)]
    data += bars.study_marks(board, shown, chosen, language)
    values = [_value(at, each, chosen, language) for at, each in enumerate(shown)]
    layout = bars.framed(board, shown, signs, values, chosen, language)
    notes = [legend, *bars.published(board, shown, language)]
    title = said(TITLE, language).format(folds=number)
    return figure(data, layout, board, title, language, dark, notes, rows.room(len(shown)))


def _bar(at: int, result: ArmResult, chosen: Look, language: str, width: float) -> Spec:
    assert result.figures is not None and result.figures.folds is not None
    spread = float(result.figures.folds.deviation)
    return {
        "type": "bar",
        "orientation": "h",
        "x": [float(result.figures.folds.mean)],
        "y": [at],
        "width": [width],
        "marker": bar_fill(chosen, result.arm.model, result.arm.precision),
        "customdata": [result.arm.run],
        "hovertemplate": bars.hover(result, language) + "<extra></extra>",
        "showlegend": False,
        "opacity": 1.0 if result.complete else 0.6,
        "error_x": bars.whisker(chosen, spread, spread),
    }


def _whisker_key(chosen: Look, language: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers+lines",
        "x": [None],
        "y": [None],
        "name": said(WHISKER, language),
        "line": {"color": chosen.text, "width": 3},
        "marker": {"symbol": "line-ns", "size": 12, "line": {"color": chosen.text, "width": 3}},
    }


def _intervals(shown: list[ArmResult], chosen: Look, language: str) -> Spec:
    """Diamonds joined by a dotted line, below the whisker."""
    x: list[float | None] = []
    y: list[float | None] = []
    for at, each in enumerate(shown):
        if each.intervals is not None:
            micro = each.intervals.micro[_MICRO]
            x += [float(micro.low), float(micro.high), None]
            y += [at + _BELOW, at + _BELOW, None]
    return {
        "type": "scatter",
        "mode": "markers+lines",
        "x": x or [None],
        "y": y or [None],
        "name": said(INTERVAL if x else WAITING, language),
        "hoverinfo": "skip",
        "line": {"color": chosen.text, "width": 2, "dash": "dot"},
        "marker": {
            "symbol": "diamond",
            "size": 11,
            "color": chosen.text,
            "line": {"color": chosen.ground, "width": 1},
        },
    }


def _value(at: int, result: ArmResult, chosen: Look, language: str) -> Spec:
    assert result.figures is not None and result.figures.folds is not None
    over = result.figures.folds
    text = f"<b>{words.number(float(over.mean), language)}</b>"
    text += f" ± {words.number(float(over.deviation), language)}"
    if result.intervals is not None:
        micro = result.intervals.micro[_MICRO]
        between = words.interval(float(micro.low), float(micro.high), language)
        text += f'<br><span style="font-size:{SMALL}px">95 %: {between}</span>'
    elif result.computing:
        waiting = said(words.COMPUTING, language)
        text += f'<br><span style="font-size:{SMALL}px">95 %: {waiting} …</span>'
    return {
        "text": text,
        "x": max(bars.reach(result), float(over.mean + over.deviation)),
        "y": at,
        "xanchor": "left",
        "xshift": 16,
        "align": "left",
        "showarrow": False,
        "font": {"size": SIZE, "color": chosen.text},
    }
