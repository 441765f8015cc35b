"""The legend of sizes: how long one image takes, told by the area of a mark."""

from math import sqrt

from cxr_demo.plots.look import SMALL, Look, Spec
from cxr_demo.results.records import Pair, said
from cxr_demo.units import format_seconds

TIME: Pair = ("size:<br>time per<br>image", "tamanho:<br>tempo por<br>imagem")
NO_TIME: Pair = ("time not<br>measured", "tempo não<br>medido")
_LARGEST = 44.0
_SMALLEST = 13.0
_KEYS = (0.5, 1, 2, 5, 10, 20, 60)
"""Seconds of which three make the legend."""


def pixels(seconds: float | None, slowest: float) -> float:
    """The width of a mark: its area grows with `seconds`; `slowest` has the largest."""
    if seconds is None or slowest <= 0:
        return _SMALLEST
    return max(_SMALLEST, _LARGEST * sqrt(seconds / slowest))


def _key_seconds(slowest: float) -> list[float]:
    fitting = [each for each in _KEYS if each <= slowest * 1.3] or list(_KEYS[:1])
    return list(fitting[-3:])


def marks(slowest: float, chosen: Look, language: str) -> list[Spec]:
    """Marks of known times in a strip of their own at the right."""
    if slowest <= 0:
        return []
    keys = _key_seconds(slowest)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "xaxis": "x2",
            "yaxis": "y2",
            "x": [0.2] * len(keys),
            "y": [1 + at for at in range(len(keys))],
            "showlegend": False,
            "hoverinfo": "skip",
            "marker": {
                "symbol": "circle-open",
                "size": [pixels(each, slowest) for each in keys],
                "color": chosen.text,
                "line": {"width": 2, "color": chosen.text},
            },
        }
    ]


def words_beside(slowest: float, chosen: Look, language: str) -> list[Spec]:
    """What the marks of the legend stand for, or that no time was measured."""
    if slowest <= 0:
        return [_strip(0.0, 3.0, said(NO_TIME, language), chosen)]
    keys = _key_seconds(slowest)
    texts = [
        _strip(0.45, 1 + at, format_seconds(each, language), chosen) for at, each in enumerate(keys)
    ]
    return [*texts, _strip(0.0, len(keys) + 1.1, said(TIME, language), chosen)]


def _strip(x: float, y: float, text: str, chosen: Look) -> Spec:
    return {
        "text": text,
        "xref": "x2",
        "yref": "y2",
        "x": x,
        "y": y,
        "xanchor": "left",
        "align": "left",
        "showarrow": False,
        "font": {"size": SMALL + 1, "color": chosen.text},
    }
