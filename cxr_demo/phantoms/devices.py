"""Tubes, lines, wires and a pacemaker: metal and plastic over everything else."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Layer
from cxr_demo.phantoms.picture import Part, Picture
from cxr_demo.phantoms.plan import Drawn, Side

Points = NDArray[np.floating]


def paint_devices(picture: Picture) -> None:
    """Every device of the plan, added to `tissue`."""
    drawn = picture.plan.find(Finding.SUPPORT_DEVICES)
    if drawn is None:
        return
    layer = Layer(picture.grid)
    rng = picture.rng(Part.DEVICES)
    for kind in drawn.kinds:
        _PAINTERS[kind](picture, layer, drawn, rng)
    metal = layer.array(blur=0.0007, scale=0.50)
    picture.tissue += metal
    picture.mark(Finding.SUPPORT_DEVICES, (slice(None), slice(None)), metal > 0.06)


def _smooth(
    picture: Picture, side: Side, knots: list[tuple[float, float]], count: int = 60
) -> Points:
    """A bent line through about `knots` (offset, share of the lung's height) in picture units."""
    points = np.array(
        [picture.chest.point(side, offset, picture.chest.height(share)) for offset, share in knots]
    )
    gaps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate(((0.0,), np.cumsum(gaps)))
    at = np.linspace(0, along[-1], count)
    kernel = np.hanning(count // 6 * 2 + 1)
    kernel /= kernel.sum()
    smooth = []
    for axis in (0, 1):
        values = np.interp(at, along, points[:, axis])
        pad = len(kernel) // 2
        ends = np.concatenate(
            (2 * values[0] - values[pad:0:-1], values, 2 * values[-1] - values[-2 : -pad - 2 : -1])
        )
        smooth.append(np.convolve(ends, kernel, mode="valid"))
    return np.stack(smooth, axis=1)


def _tube(layer: Layer, path: Points, half: float, wall: float, core: float) -> None:
    outline = layer.ribbon(path, half, core)
    count = len(path)
    layer.line(outline[:count], 0.0022, wall)
    layer.line(outline[count:], 0.0022, wall)


def _endotracheal(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    tip = rng.uniform(0.20, 0.27)
    path = _smooth(picture, Side.LEFT, [(0.006, -0.45), (-0.002, -0.1), (-0.006, tip)])
    _tube(layer, path, 0.0085, 0.50, 0.16)
    layer.line(path + np.array([0.003, 0.0]), 0.0022, 0.70)


def _nasogastric(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    end = rng.uniform(0.15, 0.21)
    knots = [(0.014, -0.5), (0.012, 0.1), (0.010, 0.5), (0.022, 0.9), (0.05, 1.06), (end, 1.16)]
    path = _smooth(picture, Side.LEFT, knots)
    _tube(layer, path, 0.0046, 0.55, 0.22)


def _jugular(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    tip = rng.uniform(0.40, 0.50)
    if drawn.side is Side.LEFT:
        knots = [(0.10, -0.36), (0.075, -0.05), (0.040, 0.14), (-0.03, 0.24), (-0.040, tip)]
        path = _smooth(picture, Side.LEFT, knots)
    else:
        path = _smooth(
            picture, Side.RIGHT, [(0.095, -0.36), (0.06, -0.05), (0.040, 0.15), (0.038, tip)]
        )
    layer.line(path, 0.0056, 0.62)


def _picc(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    tip = rng.uniform(0.42, 0.50)
    end = [(0.040, tip)] if drawn.side is Side.RIGHT else [(-0.020, 0.24), (-0.040, tip)]
    knots = [(0.50, 0.42), (0.44, 0.16), (0.30, 0.06), (0.14, 0.05), (0.045, 0.14), *end]
    layer.line(_smooth(picture, drawn.side, knots), 0.0044, 0.62)


def _port(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    x, y = picture.chest.point(drawn.side, 0.235, picture.chest.height(0.27))
    tip = rng.uniform(0.42, 0.50)
    end = [(0.040, tip)] if drawn.side is Side.RIGHT else [(-0.020, 0.22), (-0.040, tip)]
    knots = [(0.215, 0.25), (0.16, 0.02), (0.10, -0.02), (0.045, 0.12), *end]
    layer.line(_smooth(picture, drawn.side, knots), 0.0046, 0.60)
    layer.ellipse((x, y), (0.026, 0.026), 0.55)
    layer.ellipse((x, y), (0.017, 0.017), 0.90)


def _pacemaker(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    side = drawn.side
    centre = np.array(picture.chest.point(side, 0.265, picture.chest.height(0.17)))
    sign = picture.chest.sign(side)
    tip = (0.12, 0.93) if side is Side.LEFT else (-0.12, 0.93)
    knots = [(0.22, 0.12), (0.13, 0.04), (0.045, 0.13)]
    knots += [(-0.03, 0.26), (-0.050, 0.55), (-0.030, 0.80)] if side is Side.LEFT else [
        (0.042, 0.45), (0.045, 0.72)
    ]  # fmt: skip
    path = _smooth(picture, side, [*knots, tip], count=90)
    layer.line(path, 0.0048, 0.85)
    layer.line(path[-4:], 0.0080, 1.0)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    round_box = np.stack(
        (
            0.043 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6,
            0.036 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6,
        ),
        axis=1,
    )
    lean = sign * rng.uniform(-0.3, 0.1)
    spin = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    layer.polygon(centre + round_box @ spin, 0.88)
    layer.polygon(centre + (0.62 * round_box + (0.0, 0.006)) @ spin, 1.0)


def _sternotomy(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    turn = np.linspace(0.25, 2 * np.pi - 0.05, 22)
    for index in range(6):
        share = 0.16 + 0.115 * index
        x, y = picture.chest.point(Side.LEFT, rng.normal() * 0.003, picture.chest.height(share))
        lean = rng.normal() * 0.12
        wide, tall = 0.017 * rng.uniform(0.85, 1.15), 0.012
        loop = np.stack(
            (
                x + wide * np.cos(turn) - lean * tall * np.sin(turn),
                y + tall * np.sin(turn) + lean * wide * np.cos(turn),
            ),
            axis=1,
        )
        layer.line(loop, 0.0040, 1.0)
        layer.line(np.array([[x + wide, y], [x + wide + 0.006, y + 0.008]]), 0.0040, 1.0)


def _chest_tube(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    top = rng.uniform(0.16, 0.30)
    knots = [(0.48, 0.92), (0.38, 0.80), (0.31, 0.66), (0.26, 0.45), (0.20, top)]
    path = _smooth(picture, drawn.side, knots)
    _tube(layer, path, 0.0090, 0.62, 0.16)
    layer.line(path[: len(path) * 3 // 4], 0.0026, 0.62)


def _electrodes(picture: Picture, layer: Layer, drawn: Drawn, rng: np.random.Generator) -> None:
    for side, offset, share in (
        (Side.RIGHT, 0.30, 0.10), (Side.LEFT, 0.30, 0.12), (Side.LEFT, 0.33, 0.86),
    ):  # fmt: skip
        jitter = rng.normal(size=2) * 0.012
        knots = [(offset, share), (offset + 0.05, share + 0.2), (offset + 0.13, share + 0.42)]
        layer.line(_smooth(picture, side, knots, 30) + jitter, 0.0028, 0.40)
        x, y = picture.chest.point(side, offset, picture.chest.height(share))
        layer.ellipse((x + jitter[0], y + jitter[1]), (0.015, 0.015), 0.45)
        layer.ellipse((x + jitter[0], y + jitter[1]), (0.007, 0.007), 0.95)


_PAINTERS: dict[str, Callable[[Picture, Layer, Drawn, np.random.Generator], None]] = {
    "endotracheal": _endotracheal,
    "nasogastric": _nasogastric,
    "jugular": _jugular,
    "picc": _picc,
    "port": _port,
    "pacemaker": _pacemaker,
    "sternotomy": _sternotomy,
    "chest_tube": _chest_tube,
    "electrodes": _electrodes,
}
