"""F1 against memory: the study's figure 5. Whose model fits which card, and at what loss.

Horizontal is the device's peak less its baseline in GiB, as nvidia-smi shows it; the size of a mark
is the time of one image. The frontier joins the arms that no other beats in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.plots import bars, labels, levels, rows, sizes
from cxr_demo.plots.look import (
    LINES_ABOVE,
    TOP,
    Look,
    Spec,
    axis,
    escaped,
    figure,
    look,
    symbol,
)
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.results.study import CARDS_GIB
from cxr_demo.units import GIB, format_bytes, format_seconds

TITLE: Pair = ("F1 against GPU memory", "F1 em relação à memória de GPU")
ACROSS: Pair = (
    "peak VRAM of the device less baseline, one image (GiB)",
    "pico de VRAM do dispositivo menos a linha de base, uma imagem (GiB)",
)
FRONTIER: Pair = ("best F1 for its memory", "melhor F1 para a memória")
JOINED: Pair = ("bf16 and 4 bits of one model", "bf16 e 4 bits de um modelo")
MISSING: Pair = (
    "Without a measured VRAM, and so not shown: {arms}",
    "Sem VRAM medida, e por isso fora da figura: {arms}",
)
MEASURED: Pair = ("VRAM and time measured on {gpu}.", "VRAM e tempo medidos em {gpu}.")
INTERVAL: Pair = ("95 % interval", "intervalo de 95 %")
OUTSIDE: Pair = ("outside of the range shown", "fora da faixa mostrada")
_MICRO = FindingSetName.ALL_14


@dataclass(frozen=True)
class Point:
    """One arm in the plane: GiB and F1."""

    result: ArmResult
    x: float
    y: float


def points(board: Board) -> list[Point]:
    """The arms that have both, in order."""
    return [
        Point(each, each.arm.cost.vram / GIB, each.figures.micro[_MICRO])
        for each in rows.ordered(board.arms)
        if each.figures is not None and each.arm.cost.vram is not None
    ]


def frontier(shown: Sequence[Point]) -> list[Point]:
    """Those that no other arm beats in F1 with as little memory, from the left to the right."""
    best: list[Point] = []
    for each in sorted(shown, key=lambda point: (point.x, -point.y)):
        if not best or each.y > best[-1].y:
            best.append(each)
    return best


def memory(board: Board, language: str, dark: bool, gpu: levels.Gpu | None = None) -> Spec:
    """Figure 5. Arms without a measured VRAM are named below it."""
    chosen, shown = look(dark), points(board)
    right = max(CARDS_GIB[-1] * 1.09, max(each.x for each in shown) * 1.12)
    top, bottom = _heights(board, shown)
    slowest = max((each.result.arm.cost.seconds or 0.0 for each in shown), default=0.0)
    signs, legend = rows.remarks([each.result.arm for each in shown], language)
    shapes, annotations = levels.cards(chosen, language, right, gpu)
    trivial = levels.readers(board, language)
    level = [each for each in trivial if bottom < each[0] < top]
    beyond = " · ".join(text for f1, text in trivial if (f1, text) not in level)
    beyond += f" ({said(OUTSIDE, language)})" if beyond else ""
    data = [
        _frontier(frontier(shown), right, chosen, language),
        *_joined(shown, chosen, language),
        *(_mark(each, slowest, chosen, language) for each in shown),
        *_fills(shown, chosen, language),
        *_interval(shown, chosen, language),
        *sizes.marks(slowest, chosen, language),
        *levels.study(board, chosen, right),
        *(levels.level(f1, right, chosen) for f1, _ in level),
    ]
    names = labels.placed(
        [
            labels.Named(each.x, each.y, _name(each, sign, language), _size(each, slowest))
            for each, sign in zip(shown, signs, strict=True)
        ],
        (0.0, right),
        (bottom, top),
        [each.f1 for each in board.references],
    )
    layout = {
        "xaxis": axis(
            chosen,
            said(ACROSS, language),
            range=[0, right],
            domain=[0, 0.865],
            dtick=2,
            showgrid=False,
            ticks="outside",
        ),
        "yaxis": axis(
            chosen,
            words.f1(board, language, tuple(each.result for each in shown)),
            range=[bottom, top],
            tickformat=".2f",
        ),
        "xaxis2": {"domain": [0.89, 1], "visible": False, "range": [0, 1], "fixedrange": True},
        "yaxis2": {"anchor": "x2", "visible": False, "range": [0, 6], "fixedrange": True},
        "shapes": shapes,
        "annotations": [
            *annotations,
            *(labels.annotation(each, chosen) for each in names),
            *sizes.words_beside(slowest, chosen, language),
            *levels.study_words(board, right, chosen, language),
            *(levels.level_words(f1, text, chosen) for f1, text in level),
        ],
        "margin": {"t": TOP + LINES_ABOVE, "r": 20, "l": 84},
    }
    notes = [_measured_on(shown, language), _below(board, shown, legend, language), beyond]
    return figure(
        data, layout, board, said(TITLE, language), language, dark, notes, 230 + 10 * len(shown)
    )


# ---------------------------------------------------------------- marks


def _mark(point: Point, slowest: float, chosen: Look, language: str) -> Spec:
    arm, result = point.result.arm, point.result
    colour = chosen.colour(arm.model)
    mark: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": [point.x],
        "y": [point.y],
        "customdata": [arm.run],
        "hovertemplate": _hover(point, language) + "<extra></extra>",
        "showlegend": False,
        "opacity": 1.0 if result.complete else 0.6,
        "marker": {
            "symbol": symbol(arm.model, arm.precision),
            "size": _size(point, slowest),
            "color": colour,
            "line": {
                "color": colour if arm.precision is not Precision.BF16 else chosen.ground,
                "width": 4 if arm.precision is not Precision.BF16 else 1,
            },
        },
    }
    if result.intervals is not None:
        micro = result.intervals.micro[_MICRO]
        mark["error_y"] = {
            **bars.whisker(chosen, float(micro.high) - point.y, point.y - float(micro.low)),
            "color": colour,
            "thickness": 2,
            "width": 6,
        }
    return mark


def _size(point: Point, slowest: float) -> float:
    """Pixels: the mark's area grows with the time of one image."""
    return sizes.pixels(point.result.arm.cost.seconds, slowest)


def _frontier(best: Sequence[Point], right: float, chosen: Look, language: str) -> Spec:
    x = [each.x for each in best] + [right]
    y = [each.y for each in best] + [best[-1].y]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": said(FRONTIER, language),
        "hoverinfo": "skip",
        "line": {"color": chosen.dim, "width": 3, "shape": "hv"},
    }


def _joined(shown: Sequence[Point], chosen: Look, language: str) -> list[Spec]:
    """A dotted line from bf16 to each 4-bit arm of the same model and task."""
    found: list[Spec] = []
    for each in shown:
        arm = each.result.arm
        for other in shown:
            its = other.result.arm
            same = (its.model, its.task) == (arm.model, arm.task)
            if not same or arm.precision is not Precision.BF16 or its is arm:
                continue
            found.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [each.x, other.x],
                    "y": [each.y, other.y],
                    "name": said(JOINED, language),
                    "showlegend": not found,
                    "hoverinfo": "skip",
                    "line": {"color": chosen.colour(arm.model), "width": 2.5, "dash": "dot"},
                }
            )
    return found


def _fills(shown: Sequence[Point], chosen: Look, language: str) -> list[Spec]:
    precisions = {each.result.arm.precision for each in shown}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": name,
            "marker": {
                "symbol": "circle" if filled else "circle-open",
                "size": 14,
                "color": chosen.dim,
                "line": {"color": chosen.dim, "width": 3},
            },
        }
        for filled, name in (
            (True, said(words.PRECISIONS[Precision.BF16], language)),
            (False, said(words.PRECISIONS[Precision.NF4], language)),
        )
        if (Precision.BF16 in precisions if filled else precisions - {Precision.BF16})
    ]


def _interval(shown: Sequence[Point], chosen: Look, language: str) -> list[Spec]:
    """What the whiskers are, for the legend."""
    if all(each.result.intervals is None for each in shown):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": said(INTERVAL, language),
            "marker": {
                "symbol": "line-ns",
                "size": 16,
                "line": {"color": chosen.dim, "width": 2},
            },
        }
    ]


# ---------------------------------------------------------------- words and lines


def _name(point: Point, sign: str, language: str) -> tuple[str, str]:
    arm = point.result.arm
    parts = [words.precision(arm, language)]
    if arm.task != (PipelineKind.REPORT, None):
        parts.append(escaped(words.task(arm, language)))
    if unfinished := words.so_far(point.result, language):
        parts.append(unfinished)
    return escaped(words.model(arm, language)) + sign, " · ".join(parts)


def _hover(point: Point, language: str) -> str:
    cost = point.result.arm.cost
    time = (
        said(sizes.NO_TIME, language)
        if cost.seconds is None
        else format_seconds(cost.seconds, language)
    )
    return "<br>".join(
        (
            bars.hover(point.result, language),
            f"{format_bytes(cost.vram, language)} · {time}",
            escaped(cost.gpu or ""),
        )
    )


def _heights(board: Board, shown: Sequence[Point]) -> tuple[float, float]:
    values = [each.y for each in shown] + [each.f1 for each in board.references]
    for each in shown:
        if each.result.intervals is not None:
            micro = each.result.intervals.micro[_MICRO]
            values += [float(micro.low), float(micro.high)]
    room = max(0.04, 0.16 * (max(values) - min(values)))
    return min(1.0, max(values) + room), max(0.0, min(values) - room)


def _measured_on(shown: Sequence[Point], language: str) -> str:
    """The GPU, or GPUs, of this machine's own runs: memory and time are theirs."""
    arms = [each.result.arm for each in shown]
    names = dict.fromkeys(arm.cost.gpu for arm in arms if arm.origin is None and arm.cost.gpu)
    told = ", ".join(escaped(name) for name in names if name)
    return said(MEASURED, language).format(gpu=told) if told else ""


def _below(board: Board, shown: Sequence[Point], legend: str, language: str) -> str:
    there = {each.result.arm.run for each in shown}
    absent = [
        f"{escaped(words.model(each.arm, language))} {words.precision(each.arm, language)}"
        for each in rows.ordered(board.arms)
        if each.figures is not None and each.arm.run not in there
    ]
    if not absent:
        return legend
    missing = said(MISSING, language).format(arms=", ".join(dict.fromkeys(absent)))
    return " · ".join(filter(None, (legend, missing)))
