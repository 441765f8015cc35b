"""Spine, ribs, clavicles, shoulder blades and arms; and where one of them is broken."""

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Layer, bump, offset_outline
from cxr_demo.phantoms.picture import Part, Picture
from cxr_demo.phantoms.plan import Grade, Side

Points = NDArray[np.floating]

SIDES = (Side.RIGHT, Side.LEFT)
_RIB = 0.0105


def paint_bones(picture: Picture) -> None:
    """All bones, added to `tissue`."""
    contrast = np.float32(picture.plan.anatomy.rib_contrast)
    front, back = Layer(picture.grid), Layer(picture.grid)
    broken = _broken_ribs(picture)
    rng = picture.rng(Part.RIBS)
    for side in SIDES:
        for number in range(1, 12):
            _rib(picture, front, back, side, number, rng, broken.get((side, number)))
    faint = Layer(picture.grid)
    for side in SIDES:
        _shoulder_blade(picture, faint, side)
        _clavicle(picture, front, side)
    _spine(picture, faint)
    bones = np.float32(0.165) * contrast * back.array(blur=0.0009)
    bones += np.float32(0.185) * contrast * front.array(blur=0.0010)
    bones += np.float32(0.15) * faint.array(blur=0.0018)
    # behind dense parts bones show less: scattered light
    bones *= np.clip(np.float32(1.22) - picture.tissue, 0.32, 1)
    picture.tissue += bones


def _rib(
    picture: Picture,
    front: Layer,
    back: Layer,
    side: Side,
    number: int,
    rng: np.random.Generator,
    shift: float | None,
) -> None:
    half = _RIB * rng.uniform(0.9, 1.08) * (1.0 if number > 1 else 1.25)
    posterior, anterior = rib_path(picture, side, number)
    if shift is None:
        _bone(back, posterior, half, 0.50)
    else:
        _broken(picture, back, posterior, half, shift)
    if number <= 8:
        outline = offset_outline(anterior, half * 1.12)
        upper, lower = outline[:17], outline[17:][::-1]
        for part, value in ((slice(9, 17), 0.18), (slice(4, 11), 0.27), (slice(0, 6), 0.34)):
            front.polygon(np.concatenate((upper[part], lower[part][::-1])), value)
            front.line(upper[part], 0.0024, 1.5 * value)
            front.line(lower[part], 0.0024, 1.5 * value)


def _bone(layer: Layer, path: Points, half: float, value: float) -> None:
    """A tube of bone: dense edges around a paler middle."""
    outline = layer.ribbon(path, half, value)
    count = len(path)
    layer.line(outline[:count], 0.0024, min(1.0, value * 1.6))
    layer.line(outline[count:], 0.0024, min(1.0, value * 1.35))


def rib_path(picture: Picture, side: Side, number: int) -> tuple[Points, Points]:
    """(posterior, anterior) centre lines of rib `number` (1 to 11), from the spine to the wall and
    from the wall to the cartilage, (17, 2) each."""
    a, chest = picture.plan.anatomy, picture.chest
    spacing = (a.dome - a.apex) / 9.6
    start = a.apex - 0.012 + (number - 1) * spacing
    drop = a.rib_slope * (0.62 + 0.09 * number) if number > 1 else 0.05
    end = start + drop
    reach = float(chest.wall(np.array([[max(end, a.apex + 0.028)]], dtype=np.float32))[0, 0])
    reach = max(reach, 0.10) + 0.004
    t = np.linspace(0, 1, 17)
    offset = 0.032 + (reach - 0.032) * np.sin(t * np.pi / 2) ** 0.95
    height = start - 0.010 * np.sin(np.pi * t) + drop * (1 - np.cos(t * np.pi / 2))
    posterior = _placed(picture, side, offset, height)
    inner = 0.42 * reach + 0.02 * (number > 4)
    fall = 0.055 + 0.017 * min(number, 6)
    offset = inner + (reach - inner) * np.cos(t * np.pi / 2)
    height = end + fall * np.sin(t * np.pi / 2) * (1 + 0.25 * t)
    return posterior, _placed(picture, side, offset, height)


def _placed(picture: Picture, side: Side, offset: Points, height: Points) -> Points:
    x = picture.chest.centre(height) + picture.chest.sign(side) * offset
    return np.stack((x, height), axis=1)


# ---------------------------------------------------------------- fractures


def _broken_ribs(picture: Picture) -> dict[tuple[Side, int], float]:
    """How far the outer piece of each broken rib has slipped."""
    drawn = picture.plan.find(Finding.FRACTURE)
    if drawn is None or drawn.kind != "rib":
        return {}
    count = {Grade.SUBTLE: 1, Grade.MODERATE: 2, Grade.PLAIN: 3}[drawn.grade]
    slip = {Grade.SUBTLE: 0.018, Grade.MODERATE: 0.023, Grade.PLAIN: 0.028}[drawn.grade]
    return {(drawn.side, drawn.rib + each): slip for each in range(count)}


def _broken(picture: Picture, layer: Layer, path: Points, half: float, slip: float) -> None:
    """Two pieces with a gap, the outer one slipped down."""
    fine = _finer(path)
    cut = int(len(fine) * 0.60)
    gap = 5
    inner, outer = fine[: cut - gap], fine[cut + gap :].copy()
    outer[:, 1] += slip * np.linspace(1.15, 0.35, len(outer))
    for piece in (inner, outer):
        _bone(layer, piece, half, 0.78)
        end = piece[-1:] if piece is inner else piece[:1]
        upright = np.array([[0.0, half]])
        cap = np.concatenate((end - upright, end + upright))
        layer.line(cap, 0.0060, 1.0)
    _mark_break(picture, fine[cut], 0.040)


def _mark_break(picture: Picture, place: Points, radius: float) -> None:
    where, dx, dy = picture.around(float(place[0]), float(place[1]), radius)
    far = np.hypot(dx, dy)
    picture.mark(Finding.FRACTURE, where, far < 0.8 * radius)
    # the bruise around it
    picture.tissue[where] += np.float32(0.09) * bump(far, 0.0, radius)


def _finer(path: Points) -> Points:
    old = np.linspace(0, 1, len(path))
    new = np.linspace(0, 1, 6 * len(path))
    return np.stack([np.interp(new, old, path[:, axis]) for axis in (0, 1)], axis=1)


# ---------------------------------------------------------------- the others


def _clavicle(picture: Picture, layer: Layer, side: Side) -> None:
    a = picture.plan.anatomy
    t = np.linspace(0, 1, 25)
    offset = 0.030 + 0.335 * t
    height = a.apex + 0.072 + a.clavicle - 0.075 * t + 0.018 * np.sin(2 * np.pi * t)
    path = _placed(picture, side, offset, height)
    half = 0.0105 + 0.006 * (1 - t) ** 3 + 0.004 * t**3
    drawn = picture.plan.find(Finding.FRACTURE)
    if drawn is None or drawn.kind != "clavicle" or drawn.side is not side:
        _plain_clavicle(layer, path, half)
        return
    slip = {Grade.SUBTLE: 0.013, Grade.MODERATE: 0.020, Grade.PLAIN: 0.028}[drawn.grade]
    inner, outer = path[:13].copy(), path[13:].copy()
    inner[:, 1] -= 0.3 * slip * np.linspace(0, 1, 13)
    outer[:, 1] += slip
    outer[:, 0] -= picture.chest.sign(side) * (0.25 * slip - 0.004)
    _plain_clavicle(layer, inner, half[:13])
    _plain_clavicle(layer, outer, half[13:])
    _mark_break(picture, 0.5 * (inner[-1] + outer[0]), 0.044)


def _plain_clavicle(layer: Layer, path: Points, half: Points) -> None:
    outline = layer.ribbon(path, half, 0.66)
    closed = np.concatenate((outline, outline[:1]))
    layer.line(closed, 0.003, 0.95)


def _shoulder_blade(picture: Picture, layer: Layer, side: Side) -> None:
    a = picture.plan.anatomy
    out = a.half_width + a.scapula
    corners = [
        (out - 0.075, 0.07), (out - 0.035, 0.20), (out + 0.005, 0.335), (out + 0.035, 0.32),
        (out + 0.055, 0.19), (out + 0.095, 0.115), (out + 0.085, 0.06), (out + 0.01, 0.045),
    ]  # fmt: skip
    offset = np.array([each[0] for each in corners])
    height = a.apex + np.array([each[1] for each in corners])
    shape = _placed(picture, side, offset, height)
    layer.polygon(shape, 0.30)
    layer.line(shape[:4], 0.004, 0.55)
    layer.line(shape[3:6], 0.007, 0.75)
    head = picture.chest.point(side, out + 0.135, a.apex + 0.095)
    layer.ellipse(head, (0.048, 0.050), 0.62)
    shaft = _placed(
        picture, side, np.linspace(out + 0.14, out + 0.20, 5), a.apex + np.linspace(0.1, 0.5, 5)
    )
    layer.ribbon(shaft, 0.028, 0.55)
    rim = _placed(
        picture,
        side,
        np.array([out + 0.04, out + 0.10, out + 0.13]),
        a.apex + np.array([0.02, -0.002, 0.012]),
    )
    layer.ribbon(rim, 0.011, 0.75)


def _spine(picture: Picture, layer: Layer) -> None:
    a, chest = picture.plan.anatomy, picture.chest
    pitch = (a.dome - a.apex) / 9.6
    for index in range(-5, 18):
        middle = a.apex - 0.035 + index * pitch
        if not -0.1 < middle < a.aspect + 0.1:
            continue
        size = 0.034 + 0.0009 * max(index, 0)
        x = float(chest.centre(middle))
        tall = 0.42 * pitch
        box = np.array(
            [
                (x - size, middle - tall), (x - 0.92 * size, middle), (x - size, middle + tall),
                (x + size, middle + tall), (x + 0.92 * size, middle), (x + size, middle - tall),
            ]
        )  # fmt: skip
        layer.polygon(box, 0.34)
        layer.line(box[[0, 5]], 0.004, 0.62)
        layer.line(box[[2, 3]], 0.004, 0.62)
        for sign in (-1, 1):
            layer.ellipse((x + sign * 0.62 * size, middle - 0.1 * tall), (0.006, 0.010), 0.62)
        layer.ellipse((x, middle + 0.75 * tall), (0.006, 0.013), 0.55)
