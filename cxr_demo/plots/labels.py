"""Names beside points so that none covers another name or a point, as far as there is room: where
points crowd, a name stands farther off, with a line to its point."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_demo.plots.look import SMALL, Look, Spec

_WIDTH, _HEIGHT = 1010.0, 426.0
"""Pixels of the plane at the size for which figures are made (1280 x 720)."""
_LETTER = 7.6
_LINE = 19.0
_TRIES = (
    ("left", "middle", 1, 0),
    ("right", "middle", -1, 0),
    ("center", "bottom", 0, 1),
    ("center", "top", 0, -1),
    ("left", "bottom", 1, 1),
    ("left", "top", 1, -1),
    ("right", "bottom", -1, 1),
    ("right", "top", -1, -1),
)
"""Where a name may stand: anchors, and on which side of its point."""
_RINGS = (0, 34, 68, 102)
"""Pixels farther off than beside the point."""
_FAR = 7
"""What a pixel of distance costs, in covered pixels; those of a mark count more than a name's."""
_MARK = 3

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Named:
    """A point in data units with two lines of text and the size of its mark in pixels."""

    x: float
    y: float
    text: tuple[str, str]
    size: float


@dataclass(frozen=True)
class Placed:
    """A name where it shall stand; shifts in pixels, upward positive. `far`: with a line."""

    named: Named
    xanchor: str
    yanchor: str
    right: float
    up: float
    far: bool = False


def placed(
    names: Sequence[Named],
    across: tuple[float, float],
    upward: tuple[float, float],
    lines: Sequence[float] = (),
) -> list[Placed]:
    """A place for each name; `across` and `upward` are the ranges of the axes. At the heights
    `lines` words stand at the right."""
    centres = [_pixels(each, across, upward) for each in names]
    taken: list[Box] = [
        (x - each.size / 2, y - each.size / 2, x + each.size / 2, y + each.size / 2)
        for each, (x, y) in zip(names, centres, strict=True)
    ]
    heights = [_pixels(Named(0, each, ("", ""), 0), across, upward)[1] for each in lines]
    taken += [(_WIDTH / 2, each - _LINE, _WIDTH, each + 2) for each in heights]
    found: list[Placed] = []
    boxes: list[Box] = []
    for number, (each, centre) in enumerate(zip(names, centres, strict=True)):
        marks = taken[:number] + taken[number + 1 :]
        options = [(ring, *_option(each, centre, *way, ring)) for ring in _RINGS for way in _TRIES]
        _, place, box = min(
            options,
            key=lambda option: (
                _FAR * option[0] + _cost(option[2], boxes) + _MARK * _covered(option[2], marks)
            ),
        )
        found.append(place)
        boxes.append(box)
    return found


def annotation(place: Placed, chosen: Look) -> Spec:
    """The name as plotly.js takes it."""
    first, second = place.named.text
    where: Spec = {"showarrow": False, "xshift": place.right, "yshift": place.up}
    if place.far:
        where = {
            "showarrow": True,
            "ax": place.right,
            "ay": -place.up,
            "arrowhead": 0,
            "arrowwidth": 1.5,
            "arrowcolor": chosen.dim,
            "standoff": place.named.size / 2 + 2,
        }
    return {
        "text": f"<b>{first}</b><br>{second}",
        "x": place.named.x,
        "y": place.named.y,
        "xanchor": place.xanchor,
        "yanchor": place.yanchor,
        "align": place.xanchor,
        **where,
        "borderpad": 1,
        "bgcolor": chosen.veil,
        "font": {"size": SMALL, "color": chosen.text},
    }


def _pixels(
    named: Named, across: tuple[float, float], upward: tuple[float, float]
) -> tuple[float, float]:
    x = (named.x - across[0]) / (across[1] - across[0]) * _WIDTH
    y = (upward[1] - named.y) / (upward[1] - upward[0]) * _HEIGHT
    return x, y


def _option(
    named: Named,
    centre: tuple[float, float],
    xanchor: str,
    yanchor: str,
    right: int,
    up: int,
    ring: int,
) -> tuple[Placed, Box]:
    away = named.size / 2 + 6 + ring
    shift = (
        (right * away, up * away) if not (right and up) else (right * away * 0.7, up * away * 0.7)
    )
    width = max(map(len, named.text)) * _LETTER
    height = 2 * _LINE
    left = centre[0] + shift[0] - {"left": 0.0, "center": 0.5, "right": 1.0}[xanchor] * width
    top = centre[1] - shift[1] - {"top": 0.0, "middle": 0.5, "bottom": 1.0}[yanchor] * height
    return Placed(named, xanchor, yanchor, *shift, far=ring > 0), (
        left,
        top,
        left + width,
        top + height,
    )


def _cost(box: Box, others: Sequence[Box]) -> float:
    """Pixels that are covered, or lie outside the plane."""
    outside = max(0.0, -box[0]) + max(0.0, box[2] - _WIDTH)
    outside += max(0.0, -box[1]) + max(0.0, box[3] - _HEIGHT)
    return _covered(box, others) + 60 * outside


def _covered(box: Box, others: Sequence[Box]) -> float:
    return sum(_common(box, each) for each in others)


def _common(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
