"""Drawing tools that know no anatomy: soft edges, layers of lines and polygons, cloudy noise.

Everything takes lengths in units of the image's width, so that a small drawing is the large one
made smaller. A canvas may have pixels that are not square (a portrait study pressed into a square).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[np.floating]


_SMOOTHING = np.hanning(27) / np.hanning(27).sum()


class Grid:
    """Pixel centres: `x` (1, W) in 0..1, `y` (H, 1) in 0..aspect, float32."""

    def __init__(self, size: tuple[int, int], aspect: float) -> None:
        self.height, self.width = size
        self.aspect = aspect
        self.x = ((np.arange(self.width, dtype=np.float32) + 0.5) / self.width)[None, :]
        self.y = ((np.arange(self.height, dtype=np.float32) + 0.5) * aspect / self.height)[:, None]
        self.pixel = max(1 / self.width, aspect / self.height)

    def columns(self, low: float, high: float) -> slice:
        """Columns whose centres lie between `low` and `high`."""
        return _slice(low * self.width, high * self.width, self.width)

    def rows(self, low: float, high: float) -> slice:
        """Rows whose centres lie between `low` and `high`."""
        scale = self.height / self.aspect
        return _slice(low * scale, high * scale, self.height)

    def edge(self, width: float) -> float:
        """`width`, or what it takes for an edge without steps."""
        return max(width, 1.5 * self.pixel)


def _slice(low: float, high: float, count: int) -> slice:
    start = int(np.clip(np.floor(low), 0, count))
    return slice(start, int(np.clip(np.ceil(high), start, count)))


def step(distance: Array, width: float) -> Array:
    """0 where `distance` <= 0, 1 where it is `width` or more, smooth between."""
    t = ramp(distance, width)
    smooth = np.float32(-2) * t  # in place from here: fresh memory costs more than arithmetic
    smooth += np.float32(3)
    smooth *= t
    smooth *= t
    return smooth


def ramp(distance: Array, width: float) -> Array:
    """`distance / width`, clipped to 0..1."""
    t = distance * np.float32(1 / width)
    np.maximum(t, np.float32(0), out=t)
    return np.minimum(t, np.float32(1), out=t)


def bump(values: Array, centre: float, width: float) -> Array:
    """A hill of height 1 around `centre`, gone at `width` to either side."""
    t = (values - np.float32(centre)) * np.float32(1 / width)
    np.square(t, out=t)
    np.subtract(np.float32(1), t, out=t)
    np.maximum(t, np.float32(0), out=t)
    return np.square(t, out=t)


def curve(knots: Sequence[tuple[float, float]], at: Array) -> Array:
    """A smooth function through about `knots` (position, value), at the positions `at`."""
    table = np.linspace(knots[0][0], knots[-1][0], 257)
    values = np.interp(table, [k[0] for k in knots], [k[1] for k in knots])
    padded = np.concatenate((np.full(13, values[0]), values, np.full(13, values[-1])))
    smooth = np.convolve(padded, _SMOOTHING, mode="valid")
    return np.interp(at, table, smooth).astype(np.float32)


def clouds(rng: np.random.Generator, grid: Grid, cells: Sequence[int], fall: float = 0.6) -> Array:
    """Smooth noise of about unit variance, (H, W): grids of `cells` across, each `fall` times as
    strong as the one before."""
    finest = max(cells)
    total = np.zeros((finest, finest), dtype=np.float32)
    weight, power = 1.0, 0.0
    for count in cells:
        coarse = rng.standard_normal((count, count), dtype=np.float32)
        total += np.float32(weight) * resized(coarse, (finest, finest), Image.Resampling.BICUBIC)
        power += (weight * 0.7) ** 2  # what interpolation leaves of the deviation
        weight *= fall
    total *= np.float32(1 / np.sqrt(power))
    return resized(total, (grid.height, grid.width))


def resized(
    values: Array, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BILINEAR
) -> Array:
    """`values` at (height, width) `size`."""
    image = Image.fromarray(values).resize((size[1], size[0]), how)
    return np.array(image, dtype=np.float32)


class Layer:
    """Lines and polygons in one plane of values 0..1, drawn larger and reduced. A later stroke
    covers an earlier one; layers are added to each other by the caller."""

    def __init__(self, grid: Grid) -> None:
        self.factor = 2 if grid.width < 1200 else 1
        self.grid = grid
        size = (grid.width * self.factor, grid.height * self.factor)
        self._image = Image.new("L", size)
        self._draw = ImageDraw.Draw(self._image)
        self._scale = np.array([size[0], size[1] / grid.aspect], dtype=np.float64)

    def line(self, points: NDArray[np.floating], width: float, value: float) -> None:
        """A line through `points` (N, 2); `width` in units of width, at least one fine pixel.
        What is thinner is drawn fainter instead."""
        pixels = width * self._scale[0]
        value *= min(1.0, pixels)
        self._draw.line(self._flat(points), fill=_grey(value), width=max(1, round(pixels)))

    def lines(
        self, paths: NDArray[np.floating], widths: NDArray[np.floating], value: float
    ) -> None:
        """Many lines at once: `paths` (N, P, 2), `widths` (N,)."""
        pixels = widths * self._scale[0]
        greys = np.rint(255 * value * np.minimum(1.0, pixels)).astype(int).tolist()
        thick = np.maximum(1, np.rint(pixels)).astype(int).tolist()
        flat = (paths * self._scale).reshape(len(paths), -1).tolist()
        draw = self._draw.line
        for points, width, grey in zip(flat, thick, greys, strict=True):
            draw(points, fill=grey, width=width)

    def polygon(self, points: NDArray[np.floating], value: float) -> None:
        """A filled polygon with corners `points` (N, 2)."""
        self._draw.polygon(self._flat(points), fill=_grey(value))

    def polygons(self, corners: NDArray[np.floating], value: float) -> None:
        """Many filled polygons at once: `corners` (N, P, 2)."""
        for points in (corners * self._scale).reshape(len(corners), -1).tolist():
            self._draw.polygon(points, fill=_grey(value))

    def ribbon(
        self, points: NDArray[np.floating], half: NDArray[np.floating] | float, value: float
    ) -> NDArray[np.floating]:
        """A band of half width `half` (scalar or (N,)) along `points` (N, 2); returns its outline,
        first one long side and then the other, (2 * N, 2)."""
        outline = offset_outline(points, half)
        self.polygon(outline, value)
        return outline

    def ellipse(
        self, centre: tuple[float, float], radii: tuple[float, float], value: float
    ) -> None:
        """A filled ellipse."""
        corners = np.array(
            [
                [centre[0] - radii[0], centre[1] - radii[1]],
                [centre[0] + radii[0], centre[1] + radii[1]],
            ]
        )
        self._draw.ellipse(self._flat(corners), fill=_grey(value))

    def array(
        self, blur: float = 0.0, where: tuple[slice, slice] | None = None, scale: float = 1.0
    ) -> Array:
        """The plane, or its window `where`, as (h, w) float32 in 0..`scale`, blurred by `blur`
        units of width."""
        image, factor = self._image, self.factor
        if where is not None:
            rows, columns = where
            box = (columns.start, rows.start, columns.stop, rows.stop)
            image = image.crop(tuple(factor * each for each in box))
        image = image.reduce(factor) if factor > 1 else image
        radius = blur * self.grid.width
        if radius > 0.9:  # below that, drawing larger and reducing has done it already
            image = image.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius))
        values = np.array(image, dtype=np.float32)
        values *= np.float32(scale / 255)
        return values

    def _flat(self, points: NDArray[np.floating]) -> list[float]:
        flat: list[float] = (points * self._scale).ravel().tolist()
        return flat


def offset_outline(
    points: NDArray[np.floating], half: NDArray[np.floating] | float
) -> NDArray[np.floating]:
    """The closed outlines (..., 2 * P, 2) of bands of half width `half` (scalar or (..., P)) along
    `points` (..., P, 2): first one long side and then the other, backwards."""
    along = np.empty_like(points)
    along[..., 1:-1, :] = points[..., 2:, :] - points[..., :-2, :]
    along[..., 0, :] = points[..., 1, :] - points[..., 0, :]
    along[..., -1, :] = points[..., -1, :] - points[..., -2, :]
    along /= np.hypot(along[..., :1], along[..., 1:]) + 1e-9
    normal = np.stack((-along[..., 1], along[..., 0]), axis=-1) * np.asarray(half)[..., None]
    return np.concatenate((points + normal, (points - normal)[..., ::-1, :]), axis=-2)


def _grey(value: float) -> int:
    return int(min(max(value, 0.0), 1.0) * 255 + 0.5)
