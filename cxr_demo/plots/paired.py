"""4 bits against bf16 on the same images: the difference in F1, its interval and the margin."""

from math import ceil, floor

from cxr_demo.plots import bars, rows
from cxr_demo.plots.look import (
    LINES_ABOVE,
    SIZE,
    SMALL,
    TOP,
    Look,
    Spec,
    axis,
    escaped,
    figure,
    look,
    symbol,
)
from cxr_demo.results import words
from cxr_demo.results.records import Board, Pair, PairResult, said
from cxr_demo.results.study import LOSS

TITLE: Pair = ("4 bits against bf16, same images", "4 bits contra bf16, mesmas imagens")
ACROSS: Pair = (
    "difference in {f1}: 4 bits less bf16",
    "diferença de {f1}: 4 bits menos bf16",
)
MARGIN: Pair = (
    "margin set beforehand: loss of {margin}",
    "margem fixada antes: perda de {margin}",
)
NO_DIFFERENCE: Pair = ("no difference", "nenhuma diferença")
NOT_INFERIOR: Pair = ("not inferior within the margin", "não inferior dentro da margem")
NOT_SHOWN: Pair = ("not shown to be within the margin", "não demonstrado dentro da margem")
INTERVAL: Pair = ("paired difference, 95 % interval", "diferença pareada, intervalo de 95 %")


def paired(board: Board, language: str, dark: bool) -> Spec:
    """One line per pair; the band left of the margin is where a loss would be too large."""
    chosen = look(dark)
    shown = sorted(board.pairs, key=lambda each: rows.ordered(board.arms).index(each.candidate))
    left, right = _range(shown)
    margin = shown[0].margin
    shapes, annotations = _lines(margin, left, chosen, language)
    signs, legend = rows.remarks([each.candidate.arm for each in shown], language)
    loss = said(LOSS, language) if LOSS in board.remarks else ""
    layout = {
        "xaxis": axis(
            chosen,
            said(ACROSS, language).format(f1=words.f1(board, language)),
            range=[left, right],
            **_ticks(left, right, language),
            showgrid=False,
            ticks="outside",
        ),
        "yaxis": rows.lines(
            chosen,
            [_name(each, sign, language) for each, sign in zip(shown, signs, strict=True)],
        ),
        "shapes": shapes,
        "annotations": [
            *annotations,
            *(_value(at, each, right, chosen, language) for at, each in enumerate(shown)),
        ],
        "margin": {"t": TOP + LINES_ABOVE},
    }
    room = len(shown) * 70
    data = [_mark(at, each, chosen) for at, each in enumerate(shown)]
    data.append(_key(chosen, language))
    return figure(data, layout, board, said(TITLE, language), language, dark, [legend, loss], room)


def verdict(pair: PairResult, language: str) -> str:
    """What the interval says about the margin, or that it is computed."""
    if pair.difference is None:
        return said(words.COMPUTING, language) + " …" if pair.computing else ""
    return said(NOT_INFERIOR if pair.difference.not_inferior else NOT_SHOWN, language)


def _ticks(left: float, right: float, language: str) -> Spec:
    """At most ten round differences, each written once."""
    step = next(
        (each for each in (0.005, 0.01, 0.02, 0.05, 0.1) if (right - left) / each < 10), 0.2
    )
    values = [at * step for at in range(ceil(left / step), floor(right / step) + 1)]
    digits = 3 if step < 0.01 else 2
    return {
        "tickmode": "array",
        "tickvals": values,
        "ticktext": [words.signed(each, language, digits) for each in values],
    }


def _range(shown: list[PairResult]) -> tuple[float, float]:
    values = [0.0, -shown[0].margin]
    for each in shown:
        values.append(each.value)
        if each.difference is not None:
            estimate = each.difference.estimate
            values += [float(estimate.low), float(estimate.high)]
    width = max(values) - min(values)
    return min(values) - 0.2 * width, max(values) + 0.85 * width


def _mark(at: int, pair: PairResult, chosen: Look) -> Spec:
    arm = pair.candidate.arm
    colour = chosen.colour(arm.model)
    mark: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": [pair.value],
        "y": [at],
        "customdata": [arm.run],
        "hoverinfo": "x",
        "showlegend": False,
        "marker": {
            "symbol": symbol(arm.model, arm.precision),
            "size": 20,
            "color": colour,
            "line": {"width": 4, "color": colour},
        },
    }
    if pair.difference is not None:
        estimate = pair.difference.estimate
        mark["error_x"] = {
            **bars.whisker(
                chosen, float(estimate.high) - pair.value, pair.value - float(estimate.low)
            ),
            "color": colour,
            "thickness": 4,
            "width": 11,
        }
    return mark


def _key(chosen: Look, language: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers+lines",
        "x": [None],
        "y": [None],
        "name": said(INTERVAL, language),
        "line": {"color": chosen.dim, "width": 4},
        "marker": {
            "symbol": "circle-open",
            "size": 15,
            "color": chosen.dim,
            "line": {"width": 3, "color": chosen.dim},
        },
    }


def _name(pair: PairResult, sign: str, language: str) -> str:
    arm = pair.candidate.arm
    below = [words.precision(arm, language), escaped(words.task(arm, language))]
    images = f"n = {words.count(pair.images, language)}"
    if pair.images < arm.total:
        images = said(words.SO_FAR, language).format(
            done=words.count(pair.images, language), total=words.count(arm.total, language)
        )
    return f"<b>{escaped(words.model(arm, language))}</b>{sign}<br>{' · '.join(below)}<br>{images}"


def _lines(
    margin: float, left: float, chosen: Look, language: str
) -> tuple[list[Spec], list[Spec]]:
    zero, zero_name = rows.upright(
        chosen, 0, said(NO_DIFFERENCE, language), chosen.text, "solid", 1
    )
    text = said(MARGIN, language).format(margin=words.number(margin, language, 2))
    limit, limit_name = rows.upright(chosen, -margin, text, chosen.amber, "dash")
    band = {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": left,
        "x1": -margin,
        "y0": 0,
        "y1": 1,
        "fillcolor": chosen.amber,
        "opacity": 0.12,
        "line": {"width": 0},
        "layer": "below",
    }
    return [band, zero, limit], [zero_name, limit_name]


def _value(at: int, pair: PairResult, right: float, chosen: Look, language: str) -> Spec:
    text = f"<b>{words.signed(pair.value, language)}</b>"
    if pair.difference is not None:
        each = pair.difference.estimate
        between = words.interval(float(each.low), float(each.high), language)
        text += f'  <span style="font-size:{SMALL}px">{between}</span>'
    text += f'<br><span style="font-size:{SMALL}px">{verdict(pair, language)}</span>'
    return {
        "text": text,
        "x": right,
        "y": at,
        "xanchor": "right",
        "align": "right",
        "showarrow": False,
        "font": {"size": SIZE, "color": chosen.text},
    }
