"""Spine, clavicles, shoulder blades and arms, and together with the ribs their shadow."""

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Layer
from cxr_demo.phantoms.picture import Picture
from cxr_demo.phantoms.plan import Grade, Side
from cxr_demo.phantoms.ribs import Points, mark_break, paint_ribs, placed

SIDES = (Side.RIGHT, Side.LEFT)


def paint_bones(picture: Picture) -> None:
    """All bones, added to `tissue`."""
    contrast = picture.plan.anatomy.rib_contrast
    front, back, faint = Layer(picture.grid), Layer(picture.grid), Layer(picture.grid)
    paint_ribs(picture, front, back)
    for side in SIDES:
        _shoulder_blade(picture, faint, side)
        _clavicle(picture, front, side)
    _spine(picture, faint)
    bones = back.array(blur=0.0009, scale=0.165 * contrast)
    bones += front.array(blur=0.0010, scale=0.185 * contrast)
    bones += faint.array(blur=0.0018, scale=0.15)
    # behind dense parts bones show less: scattered light
    shown = np.float32(-1.12) * picture.tissue
    shown += np.float32(1.22)
    np.maximum(shown, np.float32(0.30), out=shown)
    bones *= np.minimum(shown, np.float32(1), out=shown)
    picture.tissue += bones


def _clavicle(picture: Picture, layer: Layer, side: Side) -> None:
    a = picture.plan.anatomy
    t = np.linspace(0, 1, 25)
    offset = 0.030 + 0.335 * t
    height = a.apex + 0.072 + a.clavicle - 0.075 * t + 0.018 * np.sin(2 * np.pi * t)
    path = placed(picture, side, offset, height)
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
    mark_break(picture, 0.5 * (inner[-1] + outer[0]), 0.044)


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
    shape = placed(picture, side, offset, height)
    layer.polygon(shape, 0.22)
    layer.line(shape[:4], 0.004, 0.45)
    layer.line(shape[3:6], 0.007, 0.75)
    head = picture.chest.point(side, out + 0.135, a.apex + 0.095)
    layer.ellipse(head, (0.048, 0.050), 0.62)
    shaft = placed(
        picture, side, np.linspace(out + 0.14, out + 0.20, 5), a.apex + np.linspace(0.1, 0.5, 5)
    )
    layer.ribbon(shaft, 0.028, 0.55)
    rim = placed(
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
        layer.polygon(box, 0.42)
        layer.line(box[[0, 5]], 0.0045, 0.85)
        layer.line(box[[2, 3]], 0.0045, 0.85)
        for sign in (-1, 1):
            layer.ellipse((x + sign * 0.62 * size, middle - 0.1 * tall), (0.006, 0.010), 0.85)
        layer.ellipse((x, middle + 0.75 * tall), (0.006, 0.013), 0.85)
