"""The healthy chest: body, lungs, vessels and bones."""

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Array, Layer, bump, clouds, curve, ramp, step
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
    tissue = ramp(skin - across, 0.15)
    np.sqrt(tissue, out=tissue)
    thickness = curve(
        [(-0.6, 0.44), (-0.1, 0.48), (0.0, 0.50), (0.12, 0.56), (0.3, 0.60), (0.55, 0.66),
         (0.72, 0.78), (1.3, 0.82)], t,
    )  # fmt: skip
    tissue *= thickness
    tissue += (
        np.float32(0.17) * bump(across, 0.0, 0.20) * curve([(-0.6, 0.7), (0.0, 0.8), (0.6, 1.0)], t)
    )
    loose = clouds(picture.rng(Part.BODY), grid, (6, 14, 34), 0.7)
    loose *= np.float32(0.022)
    loose += np.float32(1)
    tissue *= loose
    picture.tissue = tissue
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
    rows = grid.rows(a.apex - 0.02, a.dome + 0.24)
    where = (rows, columns)
    y = grid.y[rows]
    offset = np.float32(sign) * (grid.x[:, columns] - chest.centre(y))
    flat = offset[len(offset) // 2][None, :]
    wall, border = chest.wall(y), chest.border(side, y)
    inside = wall - offset
    lateral = soft(inside, grid, 0.005)
    near_wall = ramp(inside, 0.10)
    air = np.float32(2) - near_wall
    air *= near_wall
    air *= np.float32(0.48)
    air += np.float32(0.52)
    air *= curve([(-1, 0.5), (0.0, 0.60), (0.12, 0.86), (0.3, 1.0), (0.7, 0.92)], y - a.apex)
    medial = soft(offset - border, grid, 0.009)
    # behind the heart and the great vessels there still is some lung
    behind = step(offset - np.float32(0.035), 0.03)
    behind *= np.float32(0.16)
    behind *= 1 - medial
    medial += behind
    dome = chest.dome(side, flat)
    above = soft(dome - y, grid, 0.006)
    bottom = step(dome + np.float32(0.10) - y, 0.10)
    bottom *= np.float32(0.10)
    bottom *= 1 - above
    bottom += above
    shape = lateral * bottom
    fluid = chest.fluid(side, flat)
    if fluid is not None:
        dry = 1 - step(y - fluid, 0.035) * np.float32(0.97)
        covered = (dry < 0.7) & (lateral * above > 0.5) & (medial > 0.3)
        picture.mark(Finding.PLEURAL_EFFUSION, where, covered)
        shape *= dry
    air *= shape
    air *= medial
    half = Half(side, where, offset, y, wall, shape, shape * medial)
    _mark_silhouette(picture, half, border)
    if chest.raised(side):
        old = chest.dome(side, flat, normal=True)
        risen = (y > dome) & (y < old) & (offset < wall) & (offset > border)
        picture.mark(Finding.ATELECTASIS, where, risen)
    np.maximum(picture.air[where], air, out=picture.air[where])
    picture.halves[side] = half


def _mark_silhouette(picture: Picture, half: Half, border: Array) -> None:
    wide = picture.plan.find(Finding.ENLARGED_CARDIOMEDIASTINUM)
    large = picture.plan.find(Finding.CARDIOMEGALY)
    if not wide and not large:
        return
    normal = picture.chest.border(half.side, half.y, normal=True)
    gained = (half.offset < border) & (half.offset > normal) & (half.shape > 0.3)
    upper = half.y < picture.chest.height(0.5)
    if wide:
        picture.mark(Finding.ENLARGED_CARDIOMEDIASTINUM, half.where, gained & upper)
    if large:
        picture.mark(Finding.CARDIOMEGALY, half.where, gained & ~upper)


# ---------------------------------------------------------------- airways and vessels


def paint_airways(picture: Picture) -> None:
    """Trachea and main bronchi as a dark band through the mediastinum."""
    chest, grid = picture.chest, picture.grid
    a = picture.plan.anatomy
    carina = chest.height(0.36)
    layer = Layer(grid)
    heights = np.linspace(a.apex - 0.4, carina, 18)
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
    x = a.centre
    where = picture.window((x - 0.14, 0.0), (x + 0.14, carina + 0.12))
    picture.tissue[where] -= layer.array(0.004, where, scale=0.115)


def paint_vessels(picture: Picture) -> None:
    """Hila, branching vessels and fine markings, where there is lung that holds them; and where a
    lung has collapsed, the line of its pleura and the air beyond."""
    grid, chest = picture.grid, picture.chest
    a = picture.plan.anatomy
    rng = picture.rng(Part.VESSELS)
    layer = Layer(grid)
    edema = picture.plan.find(Finding.EDEMA)
    fullness = a.vessels * (1.0 + (0.10 * edema.grade if edema else 0.0))
    for side in SIDES:
        _draw_branches(picture, layer, side, rng, fullness)
    vessels = layer.array(blur=0.0008)
    texture = clouds(picture.rng(Part.TEXTURE), grid, (26, 66, 150), 0.85)
    texture *= np.float32(0.06)
    vessels += texture
    for side in SIDES:
        hilum = chest.point(side, 0.090, chest.height(0.43 if side is Side.RIGHT else 0.39))
        where, dx, dy = picture.around(*hilum, 0.11)
        lobes = np.float32(0.16) * np.sin(dy * np.float32(95)) * np.sin(dx * np.float32(80))
        glow = bump(np.hypot(dx * np.float32(1.75), dy) * (1 + lobes), 0.0, 0.092)
        vessels[where] += np.float32(1.05 * fullness) * glow
        half = picture.halves[side]
        kept = _inside_pleura(picture, half)
        if kept is not None:
            vessels[half.where] *= kept
            half.held = kept
    vessels *= np.float32(0.29)
    picture.vessels = vessels


def _inside_pleura(picture: Picture, half: Half) -> Array | None:
    edge = picture.chest.collapse(half.side, half.y)
    if edge is None:
        return None
    inside: Array = soft(edge - half.offset, picture.grid, 0.004)
    beyond = (1 - inside) * (half.shape > 0.3)
    where = half.where
    picture.mark(Finding.PNEUMOTHORAX, where, (beyond > 0.5) & (half.offset < half.wall))
    drawn = picture.plan.find(Finding.PNEUMOTHORAX)
    assert drawn is not None
    air = picture.air[where]
    # free air is darker than lung, and the lung it presses on is denser than before
    air += np.float32(0.10 + 0.05 * drawn.grade) * beyond * (air > 0.05)
    air *= 1 - np.float32(0.05 * drawn.grade) * inside
    line = bump(half.offset - edge, 0.0, max(0.0045, 1.6 * picture.grid.pixel))
    reach = half.lung * step(half.y - np.float32(picture.plan.anatomy.apex + 0.01), 0.02)
    picture.tissue[where] += np.float32(0.05 + 0.025 * drawn.grade) * line * reach
    return inside


def _draw_branches(
    picture: Picture, layer: Layer, side: Side, rng: np.random.Generator, fullness: float
) -> None:
    """Three generations of vessels, fanning out of the hilum and bending down; thickest last."""
    chest = picture.chest
    sign = chest.sign(side)
    root = np.array(chest.point(side, 0.046, chest.height(0.43 if side is Side.RIGHT else 0.39)))
    count = 12
    angles = np.deg2rad(np.linspace(-82, 86, count) + rng.uniform(-8, 8, count))
    down = np.sin(angles)
    lengths = 0.30 * rng.uniform(0.75, 1.2, count) * (1 + 0.45 * down.clip(0))
    starts = root + np.stack((sign * 0.016 * np.cos(angles), 0.06 * down), axis=1)
    bends = rng.normal(0.0, 0.40, count) + 0.60 * np.cos(angles)
    mains = _paths(rng, sign, starts, angles, lengths, bends)
    widths = 0.0072 * fullness * rng.uniform(0.7, 1.2, count)
    parents = np.repeat(np.arange(count), 5)
    places = rng.integers(2, 8, len(parents))
    turns = rng.choice((-1.0, 1.0), len(parents)) * rng.uniform(0.30, 0.75, len(parents))
    child_angles = angles[parents] + bends[parents] * places / 7 + turns
    child_lengths = lengths[parents] * rng.uniform(0.25, 0.5, len(parents))
    children = _paths(rng, sign, mains[parents, places], child_angles, child_lengths, -0.6 * turns)
    # three of five branches split once more
    chosen = np.flatnonzero(np.arange(len(parents)) % 5 < 3)
    ends = rng.integers(3, 7, len(chosen))
    twig_turns = rng.normal(0.0, 0.6, len(chosen))
    twig_angles = child_angles[chosen] + twig_turns
    origins = children[chosen, ends]
    twigs = _paths(rng, sign, origins, twig_angles, 0.5 * child_lengths[chosen], -0.5 * twig_turns)
    layer.lines(twigs[:, :5], 0.30 * widths[parents[chosen]], 0.34)
    layer.lines(children, 0.44 * widths[parents], 0.46)
    layer.lines(mains[:, 4:], 0.5 * widths, 0.52)
    layer.lines(mains[:, 2:5], 0.75 * widths, 0.66)
    layer.lines(mains[:, :3], widths, 0.80)


def _paths(
    rng: np.random.Generator, sign: int, starts: Array, angles: Array, lengths: Array, bends: Array
) -> Array:
    """(N, 8, 2): bent paths from `starts` (N, 2); angle 0 points outwards, larger ones down."""
    t = np.linspace(0, 1, 8)
    heading = angles[:, None] + bends[:, None] * t
    heading += rng.normal(0.0, 0.13, heading.shape).cumsum(axis=1)
    stride = lengths[:, None] / 7
    x, y = np.cos(heading) * stride * sign, np.sin(heading) * stride
    x[:, 0] = y[:, 0] = 0.0
    return starts[:, None, :] + np.stack((x.cumsum(axis=1), y.cumsum(axis=1)), axis=2)
