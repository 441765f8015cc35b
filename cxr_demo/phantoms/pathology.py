"""What can be wrong inside the lungs and on the pleura, each with a look of its own.

- lung opacity: one faint, even haze without an edge
- consolidation: dense, lobe-shaped, one sharp border at a fissure, dark branching airways in it
- pneumonia: a cluster of fluffy patches of different size
- atelectasis: thin dense plates over a raised diaphragm (the diaphragm is moved in `chest`)
- edema: haze around both hila and short lines at the outer bases
- lung lesion: one round shadow with an edge
- pleural thickening and plaques: along the wall, over the apex, or calcified and sharp
(large heart, wide mediastinum and fluid are outlines, in `chest`; broken bones are in `bones`)
"""

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Array, Layer, bump, clouds, step
from cxr_demo.phantoms.picture import Part, Picture, soft
from cxr_demo.phantoms.plan import Drawn, Grade, Side, Zone

SIDES = (Side.RIGHT, Side.LEFT)


def paint_lung_findings(picture: Picture) -> None:
    """Fill the lungs' air where the plan says so."""
    painters = {
        Finding.EDEMA: _edema,
        Finding.LUNG_OPACITY: _opacity,
        Finding.PNEUMONIA: _pneumonia,
        Finding.CONSOLIDATION: _consolidation,
        Finding.ATELECTASIS: _atelectasis,
        Finding.LUNG_LESION: _lesion,
    }
    for finding, paint in painters.items():
        drawn = picture.plan.find(finding)
        if drawn is not None:
            paint(picture, drawn)


_HEIGHT = {Zone.UPPER: 0.24, Zone.MIDDLE: 0.52, Zone.LOWER: 0.80}


def _spot(
    picture: Picture, drawn: Drawn, rng: np.random.Generator, spread: float = 1.0
) -> tuple[float, float]:
    """(x, y) of a place in the finding's zone, between mediastinum and wall."""
    y = picture.chest.height(_HEIGHT[drawn.zone] + spread * rng.uniform(-0.05, 0.05))
    level = np.array([[y]], dtype=np.float32)
    wall = float(picture.chest.wall(level)[0, 0])
    inner = float(picture.chest.border(drawn.side, level)[0, 0])
    share = 0.52 + spread * rng.uniform(-0.13, 0.13)
    return picture.chest.point(drawn.side, inner + share * (wall - inner), y)


def _lesion(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.LESION)
    x, y = _spot(picture, drawn, rng, 1.5)
    radius = 0.5 * drawn.extent
    where, dx, dy = picture.around(x, y, 1.6 * radius)
    turn = np.arctan2(dy, dx)
    first, second = rng.uniform(0, 2 * np.pi, 2)
    lobed = 1 + 0.06 * np.cos(2 * turn + first) + 0.03 * np.cos(3 * turn + second)
    inside = radius * lobed - np.hypot(dx, dy)
    ball = soft(inside, picture.grid, 0.006 + 0.12 * radius)
    depth = np.sqrt(np.clip(inside / radius, 0, 1)).astype(np.float32)
    strength = np.float32((0.50, 0.68, 0.86)[drawn.grade - 1])
    picture.fill(
        Finding.LUNG_LESION, where, strength * ball * (np.float32(0.45) + np.float32(0.55) * depth)
    )


def _opacity(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.OPACITY)
    x, y = _spot(picture, drawn, rng)
    across = drawn.extent * rng.uniform(0.85, 1.1)
    where, dx, dy = picture.around(x, y, 1.3 * drawn.extent)
    reach = np.hypot(dx / np.float32(across), dy / np.float32(0.9 * drawn.extent))
    strength = np.float32((0.36, 0.48, 0.60)[drawn.grade - 1])
    picture.fill(Finding.LUNG_OPACITY, where, strength * step(1.1 - reach, 0.9))


def _pneumonia(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.PNEUMONIA)
    x, y = _spot(picture, drawn, rng)
    reach = drawn.extent
    where, dx, dy = picture.around(x, y, 1.35 * reach)
    strength = (0.42, 0.58, 0.74)[drawn.grade - 1]
    clear = np.ones(np.broadcast_shapes(dx.shape, dy.shape), dtype=np.float32)
    # a golden spiral spreads the patches evenly, whatever their number
    count = 7 + 3 * drawn.grade
    for index in range(count):
        turn = index * 2.39996 + rng.normal() * 0.3
        far = 0.82 * reach * np.sqrt((index + 0.5) / count)
        size = rng.uniform(0.016, 0.030) * (1 + 0.12 * drawn.grade)
        px, py = far * np.cos(turn), far * np.sin(turn)
        fluff = bump(np.hypot(dx - np.float32(px), dy - np.float32(py)), 0.0, size * 1.35)
        clear *= 1 - np.float32(strength * rng.uniform(0.7, 1.0)) * fluff
    picture.fill(Finding.PNEUMONIA, where, 1 - clear)


def _consolidation(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.CONSOLIDATION)
    x, y = _spot(picture, drawn, rng, 0.6)
    reach = 1.05 * drawn.extent
    sign = picture.chest.sign(drawn.side)
    where, dx, dy = picture.around(x, y, 1.4 * reach)
    slope = np.float32(sign * rng.uniform(-0.10, 0.22))
    # an upper lobe ends below at its fissure, a lower one above
    bow = (
        np.float32(rng.uniform(0.3, 0.9)) * np.square(dx) * np.float32(1 / reach) * np.float32(0.5)
    )
    line = slope * dx + bow
    edge = np.float32(0.45 * reach)
    fissure = dy - line + edge if drawn.zone is Zone.LOWER else edge - dy + line
    sharp = soft(fissure, picture.grid, 0.007)
    body = step(1.15 - np.hypot(dx / np.float32(1.15 * reach), dy / np.float32(reach)), 0.38)
    strength = np.float32((0.56, 0.74, 0.90)[drawn.grade - 1])
    share = strength * sharp * body
    share *= 1 - np.float32(0.62) * _airways(picture, drawn, (x, y), reach)[where]
    picture.fill(Finding.CONSOLIDATION, where, share)


def _airways(picture: Picture, drawn: Drawn, centre: tuple[float, float], reach: float) -> Array:
    """Air-filled bronchi, dark inside a dense lobe: one stem with branches, from the hilum out."""
    rng = picture.rng(Part.CONSOLIDATION)
    layer = Layer(picture.grid)
    sign = picture.chest.sign(drawn.side)
    hilum = np.array(picture.chest.point(drawn.side, 0.08, picture.chest.height(0.42)))
    away = np.array(centre) - hilum
    away /= np.hypot(*away) + 1e-6
    stem_end = np.array(centre) + 0.75 * reach * away
    start = np.array(centre) - 0.75 * reach * away
    for t, turn in ((0.25, 0.6), (0.45, -0.65), (0.65, 0.55)):
        origin = start + t * (stem_end - start)
        angle = np.arctan2(away[1], away[0]) + sign * turn + 0.1 * rng.normal()
        tip = origin + 0.5 * reach * np.array((np.cos(angle), np.sin(angle)))
        layer.line(np.stack((origin, tip)), 0.0060, 0.85)
    layer.line(np.stack((start, stem_end)), 0.0085, 1.0)
    return layer.array(blur=0.0016)


def _atelectasis(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.ATELECTASIS)
    layer = Layer(picture.grid)
    sign = picture.chest.sign(drawn.side)
    half = picture.halves[drawn.side]
    count = drawn.grade + (1 if drawn.grade is not Grade.SUBTLE else 0)
    for index in range(count):
        y = picture.chest.height(0.86 - 0.075 * index) - 0.012 * drawn.grade
        level = np.array([[y]], dtype=np.float32)
        inner = float(picture.chest.border(drawn.side, level)[0, 0])
        wall = float(picture.chest.wall(level)[0, 0])
        length = min(drawn.extent * rng.uniform(0.85, 1.05), 0.9 * (wall - inner))
        start = inner + rng.uniform(0.25, 0.75) * (wall - inner - length)
        t = np.linspace(0, 1, 9)
        rise = rng.uniform(-0.16, 0.22) * length
        offset = start + length * t
        height = y - rise * t - 0.006 * np.sin(np.pi * t)
        x = picture.chest.centre(height) + sign * offset
        thick = (0.0034, 0.0044, 0.0056)[drawn.grade - 1] * (0.5 + 0.5 * np.sin(np.pi * t) ** 0.5)
        layer.ribbon(np.stack((x, height), axis=1), thick, 1.0)
    strength = np.float32((0.52, 0.70, 0.88)[drawn.grade - 1])
    plates = layer.array(blur=0.0012)
    where = half.where
    picture.fill(Finding.ATELECTASIS, where, strength * plates[where])


def _edema(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.EDEMA)
    grid, chest = picture.grid, picture.chest
    strength = np.float32((0.36, 0.50, 0.66)[drawn.grade - 1])
    uneven = 1 + np.float32(0.20) * clouds(rng, grid, (9, 20, 44), 0.8)
    layer = Layer(grid)
    for side in SIDES:
        half = picture.halves[side]
        where = half.where
        hilum = chest.height(0.50)
        reach = np.hypot(
            (half.offset - np.float32(0.10)) * np.float32(1 / 0.20),
            (half.y - hilum) * np.float32(1 / 0.27),
        )
        wings = step(1.1 - reach, 0.85)
        picture.fill(
            Finding.EDEMA, where, strength * wings * half.held * uneven[where], visible=0.10
        )
        for index in range(5 + 3 * drawn.grade):
            y = chest.height(0.64) + 0.20 * (index + rng.uniform(-0.3, 0.3)) / (5 + 3 * drawn.grade)
            _kerley(picture, layer, side, y, rng)
    lines = layer.array(blur=0.0008)
    shade = np.float32((0.34, 0.46, 0.60)[drawn.grade - 1])
    for half in picture.halves.values():
        picture.fill(Finding.EDEMA, half.where, shade * lines[half.where] * half.held, visible=0.10)


def _kerley(picture: Picture, layer: Layer, side: Side, y: float, rng: np.random.Generator) -> None:
    """A thin short line that runs inwards from the wall."""
    wall = float(picture.chest.wall(np.array([[y]], dtype=np.float32))[0, 0])
    length = rng.uniform(0.026, 0.060)
    outer = wall - rng.uniform(0.004, 0.012)
    tilt = rng.uniform(-0.008, 0.012)
    ends = [
        picture.chest.point(side, outer, y),
        picture.chest.point(side, outer - length, y - tilt),
    ]
    layer.line(np.array(ends), 0.0030, 1.0)


# ---------------------------------------------------------------- pleura


def paint_pleura(picture: Picture) -> None:
    """Thickened or calcified pleura, added to `tissue`."""
    drawn = picture.plan.find(Finding.PLEURAL_OTHER)
    if drawn is None:
        return
    if drawn.kind == "plaque":
        _plaques(picture, drawn)
    else:
        _thickening(picture, drawn)


def _thickening(picture: Picture, drawn: Drawn) -> None:
    rng = picture.rng(Part.PLEURA)
    half = picture.halves[drawn.side]
    grid, chest = picture.grid, picture.chest
    where = half.where
    wave = 1 + 0.22 * np.sin(half.y * np.float32(38) + np.float32(rng.uniform(0, 6)))
    wave = wave + 0.08 * np.sin(half.y * np.float32(85) + np.float32(rng.uniform(0, 6)))
    if drawn.kind == "apical":
        a = picture.plan.anatomy
        thick = np.float32(1.7 * drawn.extent) * wave
        deep = chest.wall(half.y - thick * np.float32(1.2)) - half.offset
        fade = step(np.float32(a.apex + 0.115) - half.y, 0.05)
        cap = soft(-deep, grid, 0.006) * fade * half.lung
    else:
        top, low = chest.height(0.30), chest.height(0.86)
        fade = step(half.y - np.float32(top), 0.06) * step(np.float32(low) - half.y, 0.06)
        thick = np.float32(drawn.extent) * wave * fade
        cap = soft(thick - (half.wall - half.offset), grid, 0.005) * fade
    shown = cap * half.shape
    strength = np.float32((0.24, 0.32, 0.40)[drawn.grade - 1])
    picture.tissue[where] += strength * shown
    picture.mark(Finding.PLEURAL_OTHER, where, shown > 0.4)


def _plaques(picture: Picture, drawn: Drawn) -> None:
    """Calcified plaques: bright and sharp like spilt wax, at the wall and over the diaphragm."""
    rng = picture.rng(Part.PLEURA)
    layer = Layer(picture.grid)
    chest = picture.chest
    for index in range(2 + drawn.grade):
        if index % 2:
            offset = rng.uniform(0.40, 0.75) * picture.plan.anatomy.half_width
            level = np.array([[offset]], dtype=np.float32)
            y = float(chest.dome(drawn.side, level)[0, 0]) - 0.004
            run, rise = 1.0, 0.12
        else:
            y = chest.height(rng.uniform(0.36, 0.74))
            offset = float(chest.wall(np.array([[y]], dtype=np.float32))[0, 0]) - 0.020
            run, rise = 0.28, 1.0
        size = drawn.extent * rng.uniform(1.2, 1.7)
        turn = np.linspace(0, 2 * np.pi, 22, endpoint=False)
        ragged = 1 + 0.22 * np.sin(3 * turn + rng.uniform(0, 6)) + 0.10 * np.sin(6 * turn)
        x0, y0 = chest.point(drawn.side, offset, y)
        shape = np.stack(
            (x0 + run * size * ragged * np.cos(turn), y0 + rise * size * ragged * np.sin(turn)), 1
        )
        layer.polygon(shape, 0.62)
        layer.line(np.concatenate((shape, shape[:1])), 0.0030, 1.0)
    plaques = layer.array(blur=0.0008)
    half = picture.halves[drawn.side]
    where = half.where
    strength = np.float32((0.22, 0.30, 0.38)[drawn.grade - 1])
    picture.tissue[where] += strength * plaques[where]
    picture.mark(Finding.PLEURAL_OTHER, where, plaques[where] > 0.25)
