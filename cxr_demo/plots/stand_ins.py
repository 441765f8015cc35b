"""VRAM and time per token of models at their true size with random weights. Never an F1."""

from cxr_demo.plots import bars, rows
from cxr_demo.plots.levels import CARD
from cxr_demo.plots.look import (
    LINES_ABOVE,
    SIZE,
    SMALL,
    TOP,
    Look,
    Spec,
    axis,
    bar_fill,
    escaped,
    figure,
    look,
)
from cxr_demo.plots.memory import ACROSS
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.results.study import CARDS_GIB
from cxr_demo.units import GIB, format_bytes, format_seconds

TITLE: Pair = (
    "Memory at true size, random weights: no F1",
    "Memória em tamanho real, pesos aleatórios: sem F1",
)
PER_TOKEN: Pair = ("{time} per token", "{time} por token")


def measured(board: Board) -> list[ArmResult]:
    """The arms with random weights whose memory was measured."""
    return [each for each in rows.ordered(board.stand_ins) if each.arm.cost.vram is not None]


def stand_ins(board: Board, language: str, dark: bool) -> Spec:
    """One bar of VRAM per arm, lines at the cards, time per token in words."""
    chosen, shown = look(dark), measured(board)
    gibs = [(each.arm.cost.vram or 0) / GIB for each in shown]
    right = max(CARDS_GIB[-1] * 1.1, max(gibs) * 1.35)
    drawn = [
        rows.upright(chosen, card, said(CARD, language).format(card=card), chosen.text)
        for card in CARDS_GIB
    ]
    layout = {
        "xaxis": axis(chosen, said(ACROSS, language), range=[0, right], showgrid=False),
        "yaxis": rows.lines(chosen, rows.names(shown, [""] * len(shown), language)),
        "shapes": [line for line, _ in drawn],
        "annotations": [
            *(name for _, name in drawn),
            *(_value(at, each, chosen, language) for at, each in enumerate(shown)),
        ],
        "margin": {"t": TOP + LINES_ABOVE},
    }
    data: list[Spec] = [
        {
            "type": "bar",
            "orientation": "h",
            "x": [gib],
            "y": [at],
            "width": [rows.bar(len(shown))],
            "marker": bar_fill(chosen, each.arm.model, each.arm.precision),
            "customdata": [each.arm.run],
            "hoverinfo": "x",
            "showlegend": False,
        }
        for at, (each, gib) in enumerate(zip(shown, gibs, strict=True))
    ]
    data += bars.fills(shown, chosen, language)
    room = rows.room(len(shown))
    return figure(data, layout, board, said(TITLE, language), language, dark, (), room)


def _value(at: int, result: ArmResult, chosen: Look, language: str) -> Spec:
    cost = result.arm.cost
    text = f"<b>{format_bytes(cost.vram, language)}</b>"
    if cost.seconds_per_token is not None:
        time = format_seconds(cost.seconds_per_token, language)
        text += f" · {said(PER_TOKEN, language).format(time=time)}"
    if cost.gpu:
        text += f'<br><span style="font-size:{SMALL}px">{escaped(cost.gpu)}</span>'
    return {
        "text": text,
        "x": (cost.vram or 0) / GIB,
        "y": at,
        "xanchor": "left",
        "xshift": 10,
        "align": "left",
        "showarrow": False,
        "font": {"size": SIZE, "color": chosen.text},
    }
