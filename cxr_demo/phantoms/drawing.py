"""A plan becomes a picture: attenuation is added up, then exposed, framed and marked."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cxr_demo.findings import Finding
from cxr_demo.phantoms import strip
from cxr_demo.phantoms.body import paint_airways, paint_body, paint_lungs, paint_vessels
from cxr_demo.phantoms.bones import paint_bones
from cxr_demo.phantoms.canvas import Array, Grid, step
from cxr_demo.phantoms.chest import Chest
from cxr_demo.phantoms.devices import paint_devices
from cxr_demo.phantoms.pathology import paint_lung_findings, paint_pleura
from cxr_demo.phantoms.picture import Part, Picture
from cxr_demo.phantoms.plan import PhantomPlan, Side

_AIR = np.float32(0.52)
"""How much darker the deepest lung is than the same body without air."""


def draw(plan: PhantomPlan, size: tuple[int, int]) -> NDArray[np.uint16]:
    """The phantom in `size` (height, width) pixels: (H, W) uint16 over 0..2**bits-1, larger is
    whiter, with the word SYNTHETIC and the code strip. A size of other proportions than
    `plan.native_size()` gives the same picture, pressed."""
    return _finish(_paint(plan, size))


def draw_masks(plan: PhantomPlan, size: tuple[int, int]) -> dict[Finding, NDArray[np.bool_]]:
    """Where each finding of the plan was drawn, (H, W) bool each; absent findings are left out."""
    return _paint(plan, size).masks


def draw_with_masks(
    plan: PhantomPlan, size: tuple[int, int]
) -> tuple[NDArray[np.uint16], dict[Finding, NDArray[np.bool_]]]:
    """`draw` and `draw_masks` for the price of one."""
    picture = _paint(plan, size)
    return _finish(picture), picture.masks


def _paint(plan: PhantomPlan, size: tuple[int, int]) -> Picture:
    grid = Grid(size, plan.anatomy.aspect)
    empty = np.zeros(size, dtype=np.float32)
    picture = Picture(plan, grid, Chest(plan), empty, empty.copy(), empty)
    paint_body(picture)
    paint_lungs(picture)
    paint_airways(picture)
    _stomach(picture)
    paint_vessels(picture)
    paint_lung_findings(picture)
    picture.vessels -= _AIR
    picture.vessels *= picture.air
    picture.tissue += picture.vessels
    paint_pleura(picture)
    paint_bones(picture)
    paint_devices(picture)
    return picture


def _stomach(picture: Picture) -> None:
    """The gas bubble under the left dome."""
    rng = picture.rng(Part.BODY)
    a = picture.plan.anatomy
    x, y = picture.chest.point(Side.LEFT, 0.17 + 0.03 * rng.normal(), a.dome + 0.075)
    across, down = rng.uniform(0.045, 0.075), rng.uniform(0.025, 0.036)
    where, dx, dy = picture.around(x, y, 0.12)
    inside = 1 - np.hypot(dx / np.float32(across), dy / np.float32(down))
    picture.tissue[where] -= np.float32(rng.uniform(0.08, 0.20)) * step(inside, 0.5)


# ---------------------------------------------------------------- exposure


def _finish(picture: Picture) -> NDArray[np.uint16]:
    plan, grid = picture.plan, picture.grid
    exposure = plan.exposure
    values = np.clip(picture.tissue, np.float32(0), np.float32(1.2))
    # the shoulder of a film: dense parts lose contrast, they do not burn out
    spare = np.float32(-0.36) * values
    spare += np.float32(1.28)
    values *= spare
    np.clip(values, np.float32(0), np.float32(1), out=values)
    np.subtract(np.float32(1), values, out=spare)
    spare *= values
    spare *= np.float32(exposure.tone)
    values += spare
    sigma = exposure.noise * grid.width / 2048
    noise = picture.rng(Part.NOISE).standard_normal(values.shape, dtype=np.float32)
    noise *= np.float32(sigma)
    values += noise
    values *= np.float32(exposure.high - exposure.low)
    values += np.float32(exposure.low)
    _collimate(values, exposure.collimation)
    white = 2**exposure.bits - 1
    np.clip(values, np.float32(0), np.float32(1), out=values)
    values *= np.float32(white)
    values += np.float32(0.5)
    pixels = values.astype(np.uint16)
    _letter(pixels, white, plan)
    return strip.embed(pixels, plan.seed, white=white)


def _collimate(values: Array, margins: tuple[float, float, float, float]) -> None:
    height, width = values.shape
    left, top, right, bottom = margins
    values[: round(top * height)] = 0.01
    values[height - round(bottom * height) :] = 0.01
    values[:, : round(left * width)] = 0.01
    values[:, width - round(right * width) :] = 0.01


def _letter(pixels: NDArray[np.uint16], white: int, plan: PhantomPlan) -> None:
    """The technician's side marker, and the word that this is no patient."""
    height, width = pixels.shape
    for text, left, top, size in (
        ("R", 0.045, 0.05, 0.045),
        ("SYNTHETIC", 0.70, 0.035, 0.042),
        (str(plan.exposure.view), 0.045, 0.105, 0.026),
    ):
        stamp = _stamp(text, size, height, width)
        rows, columns = round(top * height), round(left * width)
        area = pixels[rows : rows + stamp.shape[0], columns : columns + stamp.shape[1]]
        stamp = stamp[: area.shape[0], : area.shape[1]]
        area[:] = np.maximum(area, (stamp * np.float32(0.96 * white)).astype(np.uint16))


@lru_cache(maxsize=64)
def _stamp(text: str, size: float, height: int, width: int) -> Array:
    """`text` in letters `size` of the width high, pressed as the pixels are: (h, w) in 0..1."""
    font = ImageFont.load_default(64)
    box = font.getbbox(text)
    image = Image.new("L", (int(box[2]) + 2, int(box[3]) + 2))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    scale = size / 64
    small = image.resize(
        (max(1, round(image.width * scale * width)), max(1, round(image.height * scale * height)))
    )
    return np.asarray(small, dtype=np.float32) / np.float32(255)
