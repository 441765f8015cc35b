"""The healthy chest: body, lungs, vessels and bones."""

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Array, Layer, bump, clouds, curve, step
from cxr_demo.phantoms.picture import Half, Part, Picture, soft
from cxr_demo.phantoms.plan import Side

SIDES = (Side.RIGHT, Side.LEFT)


def paint_body(picture: Picture) -> None:
    """Skin, muscle, fat, breasts, mediastinum and abdomen into `tissue`."""
    plan, grid, chest = picture.plan, picture.grid, picture.chest
    a = plan.anatomy
    y = grid.y
    across = np.abs(grid.x - chest.centre(y))
    t = (y - a.apex).astype(np.float32)
    skin = curve(
        [(-0.6, 0.13), (-0.14, 0.125), (-0.09, 0.16), (-0.03, 0.34), (0.02, 0.47), (0.1, 0.58),
         (0.25, 0.57), (0.34, 0.46), (0.42, a.half_width + a.fat), (0.7, a.half_width + a.fat),
         (1.3, a.half_width + a.fat - 0.02)], t,
    )  # fmt: skip
    depth = np.clip((skin - across) * np.float32(1 / 0.15), 0, 1)
    thickness = curve(
        [(-0.6, 0.44), (-0.1, 0.48), (0.0, 0.50), (0.12, 0.56), (0.3, 0.60), (0.55, 0.66),
         (0.72, 0.80), (1.3, 0.84)], t,
    )  # fmt: skip
    tissue = np.sqrt(depth) * thickness
    tissue += (
        np.float32(0.17) * bump(across, 0.0, 0.20) * curve([(-0.6, 0.7), (0.0, 0.8), (0.6, 1.0)], t)
    )
    picture.tissue = tissue.astype(np.float32)
    _breasts(picture)


def _breasts(picture: Picture) -> None:
    a = picture.plan.anatomy
    if a.breast <= 0.0:
        return
    lift = picture.rng(Part.BODY).uniform(0.16, 0.22)
    for side in SIDES:
        x, y = picture.chest.point(side, 0.56 * a.half_width, a.dome - lift + 0.5 * a.breast)
        radius = 0.19
        where, dx, dy = picture.around(x, y, radius * 1.2)
        reach = np.hypot(dx * np.float32(1 / radius), np.where(dy > 0, dy / 0.16, dy / 0.21))
        picture.tissue[where] += np.float32(0.8 * a.breast) * step(1 - reach, 0.35)


def paint_lungs(picture: Picture) -> None:
    """The lungs' air, with fluid and collapse where the plan has them, into `air`."""
    for side in SIDES:
        _lung(picture, side)


def _lung(picture: Picture, side: Side) -> None:
    plan, grid, chest = picture.plan, picture.grid, picture.chest
    a = plan.anatomy
    sign = chest.sign(side)
    limit = a.centre - sign * 0.03
    columns = grid.columns(0, limit) if side is Side.RIGHT else grid.columns(limit, 1)
    y = grid.y
    offset = np.float32(sign) * (grid.x[:, columns] - chest.centre(y))
    flat = offset[grid.height // 2][None, :]
    wall, border = chest.wall(y), chest.border(side, y)
    inside = wall - offset
    lateral = soft(inside, grid, 0.005)
    near_wall = np.clip(inside * np.float32(1 / 0.10), 0, 1)
    depth = np.float32(0.52) + np.float32(0.48) * near_wall * (2 - near_wall)
    depth *= curve([(-1, 0.5), (0.0, 0.60), (0.12, 0.86), (0.3, 1.0), (0.7, 0.92)], y - a.apex)
    medial = soft(offset - border, grid, 0.007)
    # behind the heart and the great vessels there still is some lung
    behind = step(offset - np.float32(0.035), 0.03) * np.float32(0.16)
    medial = medial + (1 - medial) * behind
    dome = chest.dome(side, flat)
    above = soft(dome - y, grid, 0.006)
    recess = step(dome + np.float32(0.10) - y, 0.10) * np.float32(0.10)
    bottom = above + (1 - above) * recess
    shape = lateral * bottom
    air = shape * medial * depth
    fluid = chest.fluid(side, flat)
    if fluid is not None:
        wet = step(y - fluid, 0.035) * np.float32(0.97)
        mask = (wet > 0.3) & (lateral * above > 0.5) & (medial > 0.3)
        picture.mark(Finding.PLEURAL_EFFUSION, (slice(None), columns), mask)
        air *= 1 - wet
        shape = shape * (1 - wet)
    if plan.find(Finding.CARDIOMEGALY) or plan.find(Finding.ENLARGED_CARDIOMEDIASTINUM):
        _mark_silhouette(picture, side, columns, offset, border, shape)
    if chest.raised(side):
        old = chest.dome(side, flat, normal=True)
        mask = (y > dome) & (y < old) & (offset < wall) & (offset > border)
        picture.mark(Finding.ATELECTASIS, (slice(None), columns), mask)
    picture.air[:, columns] = np.maximum(picture.air[:, columns], air)
    picture.halves[side] = Half(side, columns, offset, wall, shape)


def _mark_silhouette(
    picture: Picture, side: Side, columns: slice, offset: Array, border: Array, shape: Array
) -> None:
    normal = picture.chest.border(side, picture.grid.y, normal=True)
    gained = (offset < border) & (offset > normal) & (shape > 0.3)
    upper = picture.grid.y < picture.chest.height(0.5)
    where = (slice(None), columns)
    if picture.plan.find(Finding.ENLARGED_CARDIOMEDIASTINUM):
        picture.mark(Finding.ENLARGED_CARDIOMEDIASTINUM, where, gained & upper)
    if picture.plan.find(Finding.CARDIOMEGALY):
        picture.mark(Finding.CARDIOMEGALY, where, gained & ~upper)


# ---------------------------------------------------------------- airways and vessels


def paint_airways(picture: Picture) -> None:
    """Trachea and main bronchi as a dark band through the mediastinum."""
    chest, grid = picture.chest, picture.grid
    a = picture.plan.anatomy
    carina = chest.height(0.36)
    layer = Layer(grid)
    heights = np.linspace(a.apex - 0.16, carina, 14)
    bend = -0.006 * np.clip((heights - a.apex) / (carina - a.apex), 0, 1)
    middle = np.stack((chest.centre(heights) + bend, heights), axis=1)
    layer.ribbon(middle, 0.0185, 0.85)
    for side, fall, half in ((Side.RIGHT, 0.075, 0.014), (Side.LEFT, 0.055, 0.012)):
        t = np.linspace(0, 1, 8)
        path = np.stack(
            (
                chest.centre(carina) - 0.006 + chest.sign(side) * (0.004 + 0.075 * t),
                carina - 0.008 + fall * t**0.9,
            ),
            axis=1,
        )
        layer.ribbon(path, half * (1 - 0.3 * t), 0.6)
    picture.tissue -= np.float32(0.115) * layer.array(blur=0.004)


def paint_vessels(picture: Picture) -> None:
    """Hila, branching vessels and fine markings, where there is lung that holds them."""
    grid, chest = picture.grid, picture.chest
    a = picture.plan.anatomy
    rng = picture.rng(Part.VESSELS)
    layer = Layer(grid)
    edema = picture.plan.find(Finding.EDEMA)
    fullness = a.vessels * (1.0 + (0.10 * edema.grade if edema else 0.0))
    for side in SIDES:
        for points, width, value in _branches(picture, side, rng, fullness):
            layer.line(points, width, value)
    vessels = layer.array(blur=0.0011)
    texture = clouds(picture.rng(Part.TEXTURE), grid, (24, 56, 120), 0.85)
    vessels += np.float32(0.045) * texture
    for side in SIDES:
        half = picture.halves[side]
        kept = _inside_pleura(picture, half)
        if kept is not None:
            vessels[:, half.columns] *= kept
        hilum = chest.point(side, 0.088, chest.height(0.43 if side is Side.RIGHT else 0.39))
        where, dx, dy = picture.around(*hilum, 0.11)
        glow = bump(np.hypot(dx * np.float32(1.5), dy), 0.0, 0.105)
        vessels[where] += np.float32(0.34 * fullness) * glow
    picture.tissue += np.float32(0.30) * vessels * picture.air


def _inside_pleura(picture: Picture, half: Half) -> Array | None:
    edge = picture.chest.collapse(half.side, picture.grid.y)
    if edge is None:
        return None
    inside: Array = soft(edge - half.offset, picture.grid, 0.004)
    beyond = (1 - inside) * (half.shape > 0.3)
    where = (slice(None), half.columns)
    picture.mark(Finding.PNEUMOTHORAX, where, (beyond > 0.5) & (half.offset < half.wall))
    drawn = picture.plan.find(Finding.PNEUMOTHORAX)
    assert drawn is not None
    air = picture.air[where]
    # free air is darker than lung, and the lung it presses on is denser than before
    air += np.float32(0.10 + 0.05 * drawn.grade) * beyond * (air > 0.05)
    air *= 1 - np.float32(0.05 * drawn.grade) * inside
    line = bump(half.offset - edge, 0.0, max(0.0045, 1.6 * picture.grid.pixel))
    reach = half.shape * step(picture.grid.y - np.float32(picture.plan.anatomy.apex + 0.01), 0.02)
    picture.tissue[where] += np.float32(0.05 + 0.025 * drawn.grade) * line * reach
    return inside


_Branch = tuple[NDArray[np.floating], float, float]


def _branches(
    picture: Picture, side: Side, rng: np.random.Generator, fullness: float
) -> list[_Branch]:
    """Three generations of vessels, fanning out of the hilum and bending down; thickest last."""
    chest = picture.chest
    sign = chest.sign(side)
    root = np.array(chest.point(side, 0.072, chest.height(0.43 if side is Side.RIGHT else 0.39)))
    angles = np.deg2rad(np.linspace(-78, 84, 11) + rng.uniform(-7, 7, 11))
    lengths = 0.24 * (1 + 0.15 * rng.standard_normal(11)) * (1 + 0.5 * np.sin(angles).clip(0))
    found: list[_Branch] = []
    for angle, length in zip(angles, lengths, strict=True):
        start = root + np.array((sign * 0.012, 0.045 * np.sin(angle)))
        main = _path(start, angle, length, 0.5 * rng.standard_normal(), sign)
        width = 0.0085 * fullness * rng.uniform(0.8, 1.15)
        found += _tapered(main, width, 0.85)
        for place in rng.uniform(0.25, 0.9, 5):
            turn = angle + rng.choice((-1, 1)) * rng.uniform(0.35, 0.8)
            origin = main[int(place * 7)]
            child = _path(origin, turn, length * rng.uniform(0.3, 0.5), rng.normal() * 0.5, sign)
            found += _tapered(child, width * 0.5, 0.6)
            if rng.random() < 0.6:
                twig = _path(child[3], turn + rng.normal() * 0.6, length * 0.22, 0.0, sign)
                found += _tapered(twig, width * 0.3, 0.45)
    return sorted(found, key=lambda each: each[2])


def _path(
    start: NDArray[np.floating], angle: float, length: float, bend: float, sign: int
) -> NDArray[np.floating]:
    t = np.linspace(0, 1, 8)
    heading = angle + bend * t
    step_length = length / 7
    x = start[0] + sign * np.concatenate(((0.0,), np.cumsum(np.cos(heading[1:])))) * step_length
    y = start[1] + np.concatenate(((0.0,), np.cumsum(np.sin(heading[1:])))) * step_length
    return np.stack((x, y), axis=1)


def _tapered(points: NDArray[np.floating], width: float, value: float) -> list[_Branch]:
    return [
        (points[0:4], width, value),
        (points[3:6], width * 0.7, value * 0.8),
        (points[5:8], width * 0.45, value * 0.62),
    ]
