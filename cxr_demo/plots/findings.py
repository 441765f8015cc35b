"""F1 per finding, with how many images have it: of one arm with intervals, or of all arms."""

from collections.abc import Sequence

from cxr_demo.findings import FINDINGS
from cxr_demo.metrics.counts import FN, TP
from cxr_demo.plots import bars, rows
from cxr_demo.plots.look import SMALL, Look, Spec, axis, escaped, figure, look, symbol
from cxr_demo.records import PipelineKind
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said

TITLE: Pair = ("F1 per finding", "F1 por achado")
SUPPORT: Pair = ("{name}  (n = {count})", "{name}  (n = {count})")
EMPTY: Pair = ("no image has it: not defined", "nenhuma imagem tem: não definido")
ACROSS: Pair = ("F1 per finding ({labeler})", "F1 por achado ({labeler})")
TASK: Pair = ("Pipeline: {task}.", "Tarefa: {task}.")
LEFT_OUT: Pair = (
    "Not in this figure: {count} with another pipeline.",
    "Fora desta figura: {count} com outra tarefa.",
)
ONE_ARM: Pair = (
    "Intervals: in the figure and the table of one model.",
    "Intervalos: na figura e na tabela de um modelo.",
)
ALWAYS: Pair = ("a reader that always calls it", "um leitor que sempre o cita")
_MOST = 6
_WITH_INTERVALS = 2
_SPREAD = 0.62
"""Of a line's height, what the marks of all arms take."""


def findings(board: Board, language: str, dark: bool, run: str | None = None) -> Spec:
    """Marks per finding for the arm `run`, or for at most eight arms."""
    chosen = look(dark)
    arms = [each for each in rows.ordered(board.arms) if each.figures is not None]
    shown, left_out = _chosen(arms, run)
    widest = max(shown, key=lambda each: each.figures.images if each.figures else 0)
    assert widest.figures is not None
    support = widest.figures.support
    order = sorted(range(len(FINDINGS)), key=lambda at: -int(support[at]))
    names = [
        said(SUPPORT, language).format(
            name=FINDINGS[at].name_in(language), count=words.count(int(support[at]), language)
        )
        for at in order
    ]
    offsets = _offsets(len(shown))
    signs, legend = rows.remarks([each.arm for each in shown], language)
    data = [
        _marks(each, order, offset, chosen, language, len(shown))
        for each, offset in zip(shown, offsets, strict=True)
    ]
    for mark, sign in zip(data, signs, strict=True):
        mark["name"] += sign
    data.append(_always(widest, order, chosen, language))
    nothing = [line for line, at in enumerate(order) if support[at] == 0]
    labelers = dict.fromkeys(each.labeler for each in shown)
    by = ", ".join(words.labeler(each, language) for each in labelers)
    layout = {
        "xaxis": axis(
            chosen, said(ACROSS, language).format(labeler=by), range=[-0.01, 1.02], tickformat=".1f"
        ),
        "yaxis": rows.lines(chosen, names) | {"showgrid": True, "tickfont": {"size": SMALL + 1}},
        "annotations": [_empty(line, chosen, language) for line in nothing],
    }
    task = escaped(words.task(shown[0].arm, language))
    notes = [said(TASK, language).format(task=task)]
    if left_out:
        notes.append(said(LEFT_OUT, language).format(count=left_out))
    if len(shown) > _WITH_INTERVALS:
        notes.append(said(ONE_ARM, language))
    notes = [" ".join(notes), _unfinished(shown, language), legend]
    return figure(
        data, layout, board, said(TITLE, language), language, dark, notes, 20 * len(FINDINGS)
    )


def _chosen(arms: list[ArmResult], run: str | None) -> tuple[list[ArmResult], int]:
    """The arm that was asked for, or those of one task, reports first; and how many are left out:
    two tasks' marks could not be told apart."""
    if run is not None and any(each.arm.run == run for each in arms):
        return [each for each in arms if each.arm.run == run], 0
    reports = [each for each in arms if each.arm.pipeline is PipelineKind.REPORT]
    reports = [each for each in reports if each.arm.prompt is None] or reports
    shown = (reports or arms)[:_MOST]
    return shown, len(arms) - len(shown)


def _offsets(count: int) -> Sequence[float]:
    if count == 1:
        return (0.0,)
    return [(at / (count - 1) - 0.5) * _SPREAD for at in range(count)]


def _marks(
    result: ArmResult, order: list[int], offset: float, chosen: Look, language: str, together: int
) -> Spec:
    assert result.figures is not None
    alone = together == 1
    arm, figures = result.arm, result.figures
    at = [(line, place) for line, place in enumerate(order) if figures.support[place] > 0]
    values = [float(figures.per_finding[place]) for _, place in at]
    colour = chosen.colour(arm.model)
    marks: Spec = {
        "type": "scatter",
        "mode": "markers+text" if alone else "markers",
        "cliponaxis": False,  # a mark at 1.0 is whole, and so is its number
        "x": values,
        "y": [line + offset for line, _ in at],
        "customdata": [arm.run] * len(at),
        "name": _name(result, language),
        "hovertemplate": f"{_name(result, language)}<br>F1 %{{x:.3f}}<extra></extra>",
        "marker": {
            "symbol": symbol(arm.model, arm.precision),
            "size": 16 if alone else 12,
            "color": colour,
            "line": {"width": 2.5, "color": colour},
        },
    }
    if alone:
        marks |= {
            "text": [words.number(each, language, 2) for each in values],
            "textposition": "top center",
            "textfont": {"size": SMALL},
        }
    if result.intervals is not None and together <= _WITH_INTERVALS:
        each = result.intervals.per_finding
        marks["error_x"] = {
            **bars.whisker(chosen, 0, 0),
            "array": [float(each.high[p]) - v for (_, p), v in zip(at, values, strict=True)],
            "arrayminus": [v - float(each.low[p]) for (_, p), v in zip(at, values, strict=True)],
            "color": colour,
            "thickness": 2,
            "width": 5 if alone else 0,
        }
    return marks


def _always(result: ArmResult, order: list[int], chosen: Look, language: str) -> Spec:
    """What a reader that calls every finding would have, from how many images have it."""
    assert result.counts is not None
    images, there = result.counts.sum(axis=-1), result.counts[:, TP] + result.counts[:, FN]
    at = [(line, place) for line, place in enumerate(order) if there[place] > 0]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [float(2 * there[place] / (there[place] + images[place])) for _, place in at],
        "y": [line for line, _ in at],
        "name": said(ALWAYS, language),
        "hoverinfo": "skip",
        "marker": {
            "symbol": "line-ns",
            "size": 20,
            "line": {"color": chosen.text, "width": 3},
        },
    }


def _name(result: ArmResult, language: str) -> str:
    arm = result.arm
    return f"{escaped(words.model(arm, language))} · {words.precision(arm, language)}"


def _unfinished(shown: list[ArmResult], language: str) -> str:
    found = [(each, words.so_far(each, language)) for each in shown]
    return " · ".join(f"{_name(each, language)}: {so_far}" for each, so_far in found if so_far)


def _empty(line: int, chosen: Look, language: str) -> Spec:
    return {
        "text": said(EMPTY, language),
        "x": 0.01,
        "y": line,
        "xanchor": "left",
        "showarrow": False,
        "font": {"size": SMALL, "color": chosen.dim},
    }
