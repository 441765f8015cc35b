"""The lines of figure 5: cards, this machine's GPU, trivial readers and the study's F1."""

from dataclasses import dataclass

from cxr_demo.plots import bars, rows
from cxr_demo.plots.look import SMALL, Look, Spec, escaped
from cxr_demo.results import words
from cxr_demo.results.records import Board, Pair, said
from cxr_demo.results.study import CARDS_GIB
from cxr_demo.units import GIB, format_bytes

CARD: Pair = ("{card} GB card", "placa de {card} GB")
THIS: Pair = ("this machine: {name}, {total}", "esta máquina: {name}, {total}")


@dataclass(frozen=True)
class Gpu:
    """This machine's GPU; `total` in bytes."""

    name: str
    total: int


def study(board: Board, chosen: Look, right: float) -> list[Spec]:
    """The published F1, of which no VRAM is published: a line across, no point."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, right],
            "y": [each.f1, each.f1],
            "showlegend": False,
            "hoverinfo": "skip",
            "line": {"color": chosen.reference, "width": 2, "dash": "longdashdot"},
        }
        for each in board.references
    ]


def level(f1: float, right: float, chosen: Look) -> Spec:
    """A line across at the F1 of a trivial reader."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, right],
        "y": [f1, f1],
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"color": chosen.text, "width": 2, "dash": "dot"},
    }


def readers(board: Board, language: str) -> list[tuple[float, str]]:
    """The F1 of the two readers that look at nothing, with their words."""
    if board.trivial is None:
        return []
    both = (
        (board.trivial.everything_present, bars.EVERYTHING),
        (board.trivial.no_finding_always, bars.NOTHING),
    )
    return [
        (f1, "F1, " + said(name, language).format(f1=words.number(f1, language)))
        for f1, name in both
    ]


def level_words(f1: float, text: str, chosen: Look) -> Spec:
    """Its name, at the left end."""
    return {
        "text": text,
        "x": 0,
        "y": f1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": SMALL, "color": chosen.text},
    }


def cards(
    chosen: Look, language: str, right: float, gpu: Gpu | None
) -> tuple[list[Spec], list[Spec]]:
    """Lines at 8, 12 and 16 GiB and at this machine's GPU, and their names; a GPU beyond the
    right end is named there."""
    drawn = [
        rows.upright(
            chosen, card, said(CARD, language).format(card=card), chosen.text, "dash", level=0
        )
        for card in CARDS_GIB
    ]
    if gpu is not None:
        total = gpu.total / GIB
        text = said(THIS, language).format(
            name=escaped(gpu.name), total=format_bytes(gpu.total, language)
        )
        if total <= right:
            drawn.append(rows.upright(chosen, total, text, chosen.amber, "solid", level=1))
        else:
            line, name = rows.upright(chosen, right, f"{text} →", chosen.amber, "solid", level=1)
            drawn.append((line | {"visible": False}, name | {"xanchor": "right"}))
    return [line for line, _ in drawn], [name for _, name in drawn]


def study_words(board: Board, right: float, chosen: Look, language: str) -> list[Spec]:
    """The published F1 in words, at the right end of its line."""
    return [
        {
            "text": bars.cited(each, language),
            "x": right,
            "y": each.f1,
            "xanchor": "right",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": SMALL, "color": chosen.reference},
        }
        for each in board.references
    ]
