"""F1 by model, precision and task with 95 % intervals: the study's figure 3, and how it reads."""

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.plots import rows
from cxr_demo.plots.look import (
    LINES_ABOVE,
    SIZE,
    SMALL,
    TOP,
    Look,
    Spec,
    bar_fill,
    figure,
    look,
)
from cxr_demo.records import Precision
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, Reference, said

TITLE: Pair = ("F1 by model, precision and pipeline", "F1 por modelo, precisão e tarefa")
EVERYTHING: Pair = ("always all findings: {f1}", "sempre tudo presente: {f1}")
NOTHING: Pair = ("always “No Finding”: {f1}", "sempre “Nenhum destes achados”: {f1}")
INTERVAL: Pair = ("95 % interval over patients", "intervalo de 95 % sobre pacientes")
WAITING: Pair = ("95 % interval: computing", "intervalo de 95 %: calculando")
STUDY: Pair = ("published by the study", "publicado pelo estudo")


def bars(board: Board, language: str, dark: bool) -> Spec:
    """One bar per arm that has an F1, trivial readers as lines, the study's figure as a mark."""
    chosen = look(dark)
    shown = [each for each in rows.ordered(board.arms) if each.figures is not None]
    signs, legend = rows.remarks([each.arm for each in shown], language)
    compact = len(shown) > rows.MANY
    width = rows.bar(len(shown))
    data = [_bar(at, each, chosen, language, width) for at, each in enumerate(shown)]
    data += fills(shown, chosen, language)
    data += [interval_key(board, chosen, language)]
    data += study_marks(board, shown, chosen, language)
    values = [value(at, each, chosen, language, compact) for at, each in enumerate(shown)]
    layout = framed(board, shown, signs, values, chosen, language)
    notes = [legend, *published(board, shown, language)]
    return figure(
        data, layout, board, said(TITLE, language), language, dark, notes, rows.room(len(shown))
    )


def framed(
    board: Board,
    shown: list[ArmResult],
    signs: list[str],
    values: list[Spec],
    chosen: Look,
    language: str,
) -> Spec:
    """The layout of one bar per arm: axes, the trivial readers' lines, and `values` beside them."""
    shapes, annotations = trivial_lines(board, chosen, language)
    top = max([reach(each) for each in shown] + [each.f1 for each in board.references])
    return {
        "xaxis": rows.scores(chosen, words.f1(board, language, tuple(shown)), top),
        "yaxis": rows.lines(chosen, rows.names(shown, signs, language)),
        "bargap": 0.3,
        "shapes": shapes,
        "annotations": [*annotations, *values],
        "margin": {"t": TOP + LINES_ABOVE},
    }


def reach(result: ArmResult) -> float:
    """How far to the right an arm's bar and interval go."""
    micro = FindingSetName.ALL_14
    assert result.figures is not None
    if result.intervals is None:
        return result.figures.micro[micro]
    return float(result.intervals.micro[micro].high)


def _bar(at: int, result: ArmResult, chosen: Look, language: str, width: float) -> Spec:
    micro = FindingSetName.ALL_14
    assert result.figures is not None
    point = result.figures.micro[micro]
    bar: Spec = {
        "type": "bar",
        "orientation": "h",
        "x": [point],
        "y": [at],
        "width": [width],
        "marker": bar_fill(chosen, result.arm.model, result.arm.precision),
        "customdata": [result.arm.run],
        "hovertemplate": hover(result, language) + "<extra></extra>",
        "showlegend": False,
        "opacity": 1.0 if result.complete else 0.6,
    }
    if result.intervals is not None:
        bar["error_x"] = whisker(
            chosen,
            float(result.intervals.micro[micro].high) - point,
            point - float(result.intervals.micro[micro].low),
        )
    return bar


def whisker(chosen: Look, above: float, below: float) -> Spec:
    """An interval as a line with caps, drawn over the bar."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [above],
        "arrayminus": [below],
        "color": chosen.text,
        "thickness": 3,
        "width": 9,
    }


def hover(result: ArmResult, language: str) -> str:
    """What is shown beside the pointer."""
    figures, micro = result.figures, FindingSetName.ALL_14
    assert figures is not None
    lines = [
        rows.name(result, language),
        f"F1 {words.number(figures.micro[micro], language)} "
        f"({words.labeler(result.labeler, language)})",
        f"n = {words.count(figures.images, language)}",
    ]
    return "<br>".join(lines)


def value(at: int, result: ArmResult, chosen: Look, language: str, compact: bool) -> Spec:
    """The F1 and its interval in figures, to the right of the bar."""
    figures, micro = result.figures, FindingSetName.ALL_14
    assert figures is not None
    text = f"<b>{words.number(figures.micro[micro], language)}</b>"
    between = "  " if compact else "<br>"
    if result.intervals is not None:
        each = result.intervals.micro[micro]
        bounds = words.interval(float(each.low), float(each.high), language)
        text += f'{between}<span style="font-size:{SMALL}px">{bounds}</span>'
    elif result.computing:
        text += f'<br><span style="font-size:{SMALL}px">{said(words.COMPUTING, language)} …</span>'
    return {
        "text": text,
        "x": reach(result),
        "y": at,
        "xanchor": "left",
        "xshift": 14,
        "align": "left",
        "showarrow": False,
        "font": {"size": SIZE, "color": chosen.text},
    }


def fills(shown: list[ArmResult], chosen: Look, language: str) -> list[Spec]:
    """What plain and patterned bars mean, for the legend."""
    precisions = [each for each in Precision if any(s.arm.precision is each for s in shown)]
    return [
        {
            "type": "bar",
            "orientation": "h",
            "x": [None],
            "y": [None],
            "name": said(words.PRECISIONS[each], language),
            "marker": _grey(bar_fill(chosen, "", each), chosen),
        }
        for each in precisions
    ]


def _grey(fill: Spec, chosen: Look) -> Spec:
    found = {**fill, "color": chosen.dim, "line": {"color": chosen.dim, "width": 2}}
    if "pattern" in fill:
        found["pattern"] = {**fill["pattern"], "fgcolor": chosen.dim}
    return found


def interval_key(board: Board, chosen: Look, language: str) -> Spec:
    """What the whisker means, or that it is on its way."""
    there = any(each.intervals is not None for each in board.arms)
    return {
        "type": "scatter",
        "mode": "markers+lines",
        "x": [None],
        "y": [None],
        "name": said(INTERVAL if there else WAITING, language),
        "line": {"color": chosen.text, "width": 3},
        "marker": {"symbol": "line-ns", "size": 12, "line": {"color": chosen.text, "width": 3}},
    }


def study_marks(board: Board, shown: list[ArmResult], chosen: Look, language: str) -> list[Spec]:
    """The published F1 on the line of its model and task, or none if that is not shown."""
    found = []
    for each in board.references:
        at = next(
            (
                number
                for number, result in enumerate(shown)
                if (result.arm.model, result.arm.task) == (each.model, (each.pipeline, None))
            ),
            None,
        )
        if at is None:
            continue
        found.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [each.f1],
                "y": [at],
                "name": said(STUDY, language),
                "hovertemplate": f"{said(each.words, language)}<extra></extra>",
                "marker": {
                    "symbol": "star-diamond",
                    "size": 19,
                    "color": chosen.reference,
                    "line": {"color": chosen.ground, "width": 2},
                },
            }
        )
    return found


def published(board: Board, shown: list[ArmResult], language: str) -> list[str]:
    """What the study's mark means, in words, where it is shown."""
    arms = {(each.arm.model, each.arm.task) for each in shown}
    return [
        f"◆ {cited(each, language)}"
        for each in board.references
        if (each.model, (each.pipeline, None)) in arms
    ]


def cited(reference: Reference, language: str) -> str:
    """The study's figure in words, with what is not known of it."""
    remark = f" ({said(reference.remark, language)})" if reference.remark else ""
    return said(reference.words, language) + remark


def trivial_lines(board: Board, chosen: Look, language: str) -> tuple[list[Spec], list[Spec]]:
    """The two readers that look at nothing, as lines with their names."""
    if board.trivial is None:
        return [], []
    both = (
        (board.trivial.no_finding_always, NOTHING, "dot"),
        (board.trivial.everything_present, EVERYTHING, "dash"),
    )
    drawn = [
        rows.upright(
            chosen,
            f1,
            said(name, language).format(f1=words.number(f1, language)),
            chosen.text,
            dash,
            level,
        )
        for level, (f1, name, dash) in enumerate(sorted(both, key=lambda each: each[0]))
    ]
    return [line for line, _ in drawn], [text for _, text in drawn]
