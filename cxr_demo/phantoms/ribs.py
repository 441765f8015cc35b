"""Eleven pairs of ribs, and where some of them are broken."""

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Layer, bump, offset_outline
from cxr_demo.phantoms.picture import Part, Picture
from cxr_demo.phantoms.plan import Drawn, Grade, Side

Points = NDArray[np.floating]

_SIDES = (Side.RIGHT, Side.LEFT)
_COUNT = 11
_IN_FRONT = 8
"""So many ribs have a front part that shows."""

_NUMBERS = np.arange(1, _COUNT + 1)[:, None]
_ALONG = np.linspace(0, 1, 17)
_SINE, _COSINE = np.sin(_ALONG * np.pi / 2), np.cos(_ALONG * np.pi / 2)
# towards the spine a rib narrows, and the lowest ones end in a point
_TAPER = 1 - 0.35 * (1 - _ALONG) ** 8 - (_NUMBERS > _IN_FRONT) * 0.75 * _ALONG**7
_HALF = 0.0105
_EDGE = 0.0024


def paint_ribs(picture: Picture, front: Layer, back: Layer) -> None:
    """All ribs, their back parts into the layer `back` and their front parts into `front`."""
    rng = picture.rng(Part.RIBS)
    drawn = picture.plan.find(Finding.FRACTURE)
    for side in _SIDES:
        posterior, anterior = rib_paths(picture, side)
        half = _HALF * rng.uniform(0.9, 1.08, (_COUNT, 1))
        half[0] *= 1.25
        broken = _broken_numbers(drawn, side)
        whole = np.array([each for each in range(_COUNT) if each + 1 not in broken])
        _bones(back, posterior[whole], (half * _TAPER)[whole], 0.50)
        for number in broken:
            assert drawn is not None
            _broken(picture, back, posterior[number - 1], float(half[number - 1, 0]), drawn.grade)
        _front(front, anterior[:_IN_FRONT], 1.12 * half[:_IN_FRONT])


def rib_paths(picture: Picture, side: Side) -> tuple[Points, Points]:
    """(back, front) centre lines of the ribs of one side, from the spine to the wall and from the
    wall to the cartilage, (11, 17, 2) each."""
    a, chest = picture.plan.anatomy, picture.chest
    start = a.apex - 0.012 + (_NUMBERS - 1) * (a.dome - a.apex) / 9.6
    drop = np.where(_NUMBERS > 1, a.rib_slope * (0.62 + 0.09 * _NUMBERS), 0.05)
    end = start + drop
    reach = np.maximum(chest.wall(np.maximum(end, a.apex + 0.028)), 0.10) + 0.004
    offset = 0.032 + (reach - 0.032) * _SINE**0.95
    height = start - 0.010 * np.sin(np.pi * _ALONG) + drop * (1 - _COSINE)
    posterior = placed(picture, side, offset, height)
    inner = 0.42 * reach + 0.02 * (_NUMBERS > 4)
    fall = 0.055 + 0.017 * np.minimum(_NUMBERS, 6)
    offset = inner + (reach - inner) * _COSINE
    height = end + fall * _SINE * (1 + 0.25 * _ALONG)
    return posterior, placed(picture, side, offset, height)


def placed(picture: Picture, side: Side, offset: Points, height: Points) -> Points:
    """(..., 2) points from offsets and heights on one side."""
    x = picture.chest.centre(height) + picture.chest.sign(side) * offset
    return np.stack((x, height), axis=-1)


def _bones(layer: Layer, paths: Points, half: Points, value: float) -> None:
    """Tubes of bone (N, P, 2): dense edges around a paler middle."""
    outlines = offset_outline(paths, half)
    count = paths.shape[1]
    edge = np.full(len(paths), _EDGE)
    layer.polygons(outlines, value)
    layer.lines(outlines[:, :count], edge, min(1.0, value * 1.6))
    layer.lines(outlines[:, count:], edge, min(1.0, value * 1.35))


def _front(layer: Layer, paths: Points, half: Points) -> None:
    """The front parts, fading into cartilage."""
    outlines = offset_outline(paths, half)
    upper, lower = outlines[:, :17], outlines[:, 17:][:, ::-1]
    edge = np.full(len(paths), _EDGE)
    for part, value in ((slice(9, 17), 0.18), (slice(4, 11), 0.27), (slice(0, 6), 0.34)):
        band = np.concatenate((upper[:, part], lower[:, part][:, ::-1]), axis=1)
        layer.polygons(band, value)
        layer.lines(upper[:, part], edge, 1.5 * value)
        layer.lines(lower[:, part], edge, 1.5 * value)


# ---------------------------------------------------------------- fractures


def _broken_numbers(drawn: Drawn | None, side: Side) -> list[int]:
    """Ribs counted from 1: one, two or three neighbours by grade."""
    if drawn is None or drawn.kind != "rib" or drawn.side is not side:
        return []
    return [drawn.rib + each for each in range(drawn.grade)]


_SLIP = {Grade.SUBTLE: 0.018, Grade.MODERATE: 0.023, Grade.PLAIN: 0.028}


def _broken(picture: Picture, layer: Layer, path: Points, half: float, grade: Grade) -> None:
    """Two pieces with a gap, the outer one slipped down."""
    fine = _finer(path)
    cut, gap = int(len(fine) * 0.60), 5
    inner, outer = fine[: cut - gap], fine[cut + gap :].copy()
    outer[:, 1] += _SLIP[grade] * np.linspace(1.15, 0.35, len(outer))
    upright = np.array([[0.0, half]])
    for piece, end in ((inner, inner[-1:]), (outer, outer[:1])):
        _bones(layer, piece[None], np.full((1, len(piece)), half), 0.78)
        layer.line(np.concatenate((end - upright, end + upright)), 0.0060, 1.0)
    mark_break(picture, fine[cut], 0.040)


def mark_break(picture: Picture, place: Points, radius: float) -> None:
    """Mark a fracture at the point `place` (2,), with the bruise around it."""
    where, dx, dy = picture.around(float(place[0]), float(place[1]), radius)
    far = np.hypot(dx, dy)
    picture.mark(Finding.FRACTURE, where, far < 0.8 * radius)
    picture.tissue[where] += np.float32(0.09) * bump(far, 0.0, radius)


def _finer(path: Points) -> Points:
    old = np.linspace(0, 1, len(path))
    new = np.linspace(0, 1, 6 * len(path))
    return np.stack([np.interp(new, old, path[:, axis]) for axis in (0, 1)], axis=1)
