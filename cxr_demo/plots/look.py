"""How every figure looks: dark or light, legible on a projector, nothing told by colour alone.

Colours are Okabe and Ito's (2008), which people with colour-blindness can tell apart, brighter on
dark ground. Models have a colour and a symbol; precisions a fill and a pattern.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap
from typing import Any

from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.results import words
from cxr_demo.results.records import Board, said

FONT = '"IBM Plex Sans", system-ui, -apple-system, "Segoe UI", Arial, sans-serif'
SIZE = 17
"""Pixels of plain text at a width of 1280: what is read at three metres from a projected page."""
SMALL = 14
TITLE = 24
BOTTOM = 72
"""Pixels below the plot for ticks and the axis title."""
NOTE = 20
"""A line of remarks."""
LEGEND = 27
"""A line of the legend."""
_NARROWEST = 860
"""Pixels across of the narrowest plot at a width of 1280: plotly.js gives the legend as much."""
TOP = 78
LINES_ABOVE = 42
"""Room above the plot for the names of vertical lines."""

Spec = dict[str, Any]
"""A figure, or a part of one, as plotly.js takes it."""

_ORDER = ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b", "medgemma-1.5-4b-it", "embedded")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "hexagon", "star")
_PATTERNS = {
    Precision.BF16: "",
    Precision.NF4: "/",
    Precision.NF4_EMB: "x",
    Precision.NF4_FP32: "-",
    Precision.BNB4_DEFAULT: ".",
}


@dataclass(frozen=True)
class Look:
    """The colours of one theme. `models` are for bars and points, `amber` for what must be seen."""

    ground: str
    veil: str
    text: str
    dim: str
    line: str
    amber: str
    reference: str
    models: tuple[str, ...]

    def colour(self, model: str) -> str:
        """The colour of a model, the same in every figure."""
        return self.models[place(model) % len(self.models)]


DARK = Look(
    ground="#12161c",
    veil="rgba(18,22,28,0.78)",
    text="#e6eaf0",
    dim="#b4bfcc",
    line="#37414d",
    amber="#f5b54a",
    reference="#f0e442",
    models=("#56b4e9", "#e69f00", "#2fc79a", "#d68fbd", "#a9b4ff", "#e0805a", "#c8c8c8"),
)
LIGHT = Look(
    ground="#ffffff",
    veil="rgba(255,255,255,0.8)",
    text="#14181d",
    dim="#48525e",
    line="#cfd6de",
    amber="#9a5b00",
    reference="#6b5d00",
    models=("#0072b2", "#b86e00", "#00805d", "#a8477f", "#4a51c4", "#a8481f", "#5a5a5a"),
)


def look(dark: bool) -> Look:
    """The theme's colours."""
    return DARK if dark else LIGHT


def place(model: str) -> int:
    """A model's place among all: its colour and symbol. Unknown ones follow by their name."""
    known = (*_ORDER, *(each for each in CARDS if each not in _ORDER))
    return known.index(model) if model in known else len(known) + sum(map(ord, model)) % 5


def symbol(model: str, precision: Precision) -> str:
    """A marker: the model's shape, filled for bf16 and hollow for 4 bits."""
    shape = _SYMBOLS[place(model) % len(_SYMBOLS)]
    return shape if precision is Precision.BF16 else f"{shape}-open"


def bar_fill(board_look: Look, model: str, precision: Precision) -> Spec:
    """A bar: the model's colour, plain for bf16 and with a pattern for 4 bits."""
    colour = board_look.colour(model)
    if precision is Precision.BF16:
        return {"color": colour, "line": {"color": colour, "width": 2}}
    return {
        "color": colour,
        "line": {"color": colour, "width": 2},
        "pattern": {
            "shape": _PATTERNS[precision],
            "fgcolor": colour,
            "bgcolor": board_look.ground,
            "fillmode": "replace",
            "size": 9,
            "solidity": 0.35,
        },
    }


def figure(
    data: list[Spec],
    layout: Spec,
    board: Board,
    title: str,
    language: str,
    dark: bool,
    notes: Sequence[str] = (),
    room: int = 400,
) -> Spec:
    """A whole figure: what it says, on which images, and what it is not. From the bottom up: the
    legend, `notes`, the axis. All of it keeps its place in pixels, whatever the height. `room`:
    pixels that the plot itself needs; `layout.meta.least` is then what the whole figure needs."""
    chosen = look(dark)
    lines = [line for text in notes if text for line in wrapped(text)]
    legend = LEGEND * legend_lines(data)
    bottom = BOTTOM + 6 + legend + NOTE * (len(lines) + 1)
    base = base_layout(chosen, language)
    base["margin"] = base["margin"] | {"b": bottom}
    base["title"] = {
        "text": headline(board, title, language, chosen),
        "x": 0.012,
        "xanchor": "left",
        "yref": "container",
        "y": 1,
        "yanchor": "top",
        "pad": {"t": 12},
        "font": {"size": TITLE, "color": chosen.text},
        "subtitle": {
            "text": subtitle(board, language),
            "font": {"size": SMALL, "color": chosen.dim},
        },
    }
    layout = merged(base, layout)
    layout["meta"] = {"least": layout["margin"]["t"] + bottom + room}
    layout["annotations"] = [
        *layout.get("annotations", ()),
        remark(lines, chosen.dim, legend + NOTE + 6 - bottom),
        remark(
            [f"{said(words.DISCLAIMER, language)} · CXR Demo"], chosen.amber, legend + 6 - bottom
        ),
    ]
    return {"data": data, "layout": layout, "config": config()}


def wrapped(text: str) -> list[str]:
    """Lines that fit the width for which figures are made; plotly.js breaks none by itself."""
    return wrap(text, 150, break_long_words=False)


def remark(lines: Sequence[str], colour: str, shift: int) -> Spec:
    """Lines of text below the axis, `shift` pixels above the plot's lower edge."""
    return {
        "text": "<br>".join(lines),
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 0,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "yshift": shift,
        "showarrow": False,
        "visible": bool(lines),
        "font": {"size": SMALL, "color": colour},
    }


def disclaimer(language: str) -> str:
    """What stands on every screen and every export."""
    return f"{said(words.DISCLAIMER, language)} · CXR Demo"


def legend_lines(data: Sequence[Spec]) -> int:
    """How many lines the legend takes at the width for which figures are made: plotly.js sets it
    in one line, or in columns as wide as the longest name."""
    names = [each["name"] for each in data if each.get("name") and each.get("showlegend", True)]
    widths = [45 + 8 * len(name) for name in names]
    if sum(widths) <= _NARROWEST:
        return 1
    return ceil(len(names) / max(1, _NARROWEST // max(widths)))


def headline(board: Board, title: str, language: str, chosen: Look) -> str:
    """The title; phantoms' results begin with the words that they must carry."""
    if board.mark is None:
        return f"<b>{title}</b>"
    mark = said(board.mark, language)
    return f'<b><span style="color:{chosen.amber}">{mark}</span> · {title}</b>'


def subtitle(board: Board, language: str) -> str:
    """Evaluation, test set and policy: what a figure must never be shown without."""
    return escaped(
        " · ".join(
            (
                words.recipe(board, language),
                words.composition(board, language),
                said(words.POLICIES[board.policy], language),
            )
        )
    )


def base_layout(chosen: Look, language: str) -> Spec:
    """What all figures share."""
    return {
        "autosize": True,
        "paper_bgcolor": chosen.ground,
        "plot_bgcolor": chosen.ground,
        "font": {"family": FONT, "size": SIZE, "color": chosen.text},
        "separators": ",." if language == "pt" else ".,",
        "margin": {"l": 20, "r": 40, "t": TOP, "b": BOTTOM + LEGEND + NOTE},
        "hoverlabel": {"font": {"family": FONT, "size": SIZE}},
        "legend": {
            "orientation": "h",
            "xref": "container",
            "x": 0.012,
            "xanchor": "left",
            "yref": "container",
            "y": 0.0,
            "yanchor": "bottom",
            "font": {"size": SMALL + 1, "color": chosen.text},
            "bgcolor": "rgba(0,0,0,0)",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "showlegend": True,
    }


def axis(chosen: Look, title: str, **more: Any) -> Spec:
    """An axis with a title, thin grid lines and no zero line."""
    return {
        "title": {"text": title, "font": {"size": SIZE + 1}, "standoff": 10},
        "gridcolor": chosen.line,
        "linecolor": chosen.line,
        "zeroline": False,
        "tickfont": {"size": SIZE},
        "automargin": True,
        **more,
    }


def config() -> Spec:
    """What plotly.js is told beside data and layout: no logo, no cloud, no outside request."""
    return {
        "displaylogo": False,
        "responsive": True,
        "showSendToCloud": False,
        "showLink": False,
        "displayModeBar": False,
        "doubleClick": False,
        "scrollZoom": False,
    }


def merged(base: Spec, more: Spec) -> Spec:
    """`base` with `more` laid over it, at every depth."""
    found = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if both else value
    return found


def escaped(text: str) -> str:
    """Text from elsewhere, as plotly's own markup would otherwise take it apart."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
