"""Phantoms for training: drawn by all cores, preprocessed as the adapter does, kept in memory.

Drawing goes on in the background while training has begun on what is ready.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import Pool

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.embedded.recipe import Shape
from cxr_demo import phantoms
from cxr_demo.findings import FINDINGS

MAP_SHARE = 0.02
"""A patch shows a finding if at least this share of its pixels does."""
_WIDTHS, _LARGE_WIDTHS, _LARGE_SHARE = (400, 560), (560, 1152), 0.2


@dataclass(frozen=True, eq=False)
class Example:
    """One phantom as training needs it: `image` (S, S) uint8, `maps` (14, G, G) bool (where each
    finding is drawn), `truth` (14,) bool, and the two replies."""

    image: NDArray[np.uint8]
    maps: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    report: str
    direct: str


def to_grey(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W) uint16 to uint8 over the full range of values, as a radiograph without a window."""
    low, high = int(pixels.min()), int(pixels.max())
    return np.round((pixels.astype(np.float32) - low) * (255 / max(high - low, 1))).astype(np.uint8)


def to_square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) to (max, max): zeros on both sides of the shorter axis."""
    height, width = pixels.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side), np.uint8)
    square[top : top + height, left : left + width] = pixels
    return square


def resized(square: NDArray[np.uint8], side: int, method: Image.Resampling) -> NDArray[np.uint8]:
    """(N, N) to (side, side) with Pillow, as the image processor does."""
    return np.asarray(Image.fromarray(square).resize((side, side), method))


def make_example(seed: int, shape: Shape, width: int | None = None) -> Example:
    """Draws phantom `seed` with `width` columns, or as many as its seed says (files vary too)."""
    plan = phantoms.plan(seed)
    if width is None:
        rng = np.random.default_rng((seed, 1))
        width = int(rng.integers(*(_LARGE_WIDTHS if rng.random() < _LARGE_SHARE else _WIDTHS)))
    size = plan.native_size(width)
    pixels, masks = phantoms.draw_with_masks(plan, size)
    grey = to_square(to_grey(pixels))
    truth = phantoms.truth(plan)
    maps = np.zeros((len(FINDINGS), shape.grid, shape.grid), bool)
    for finding, mask in masks.items():
        square = to_square(mask.astype(np.uint8) * 255)
        small = resized(square, shape.grid, Image.Resampling.BOX)
        maps[FINDINGS.index(finding)] = small >= MAP_SHARE * 255
    return Example(
        resized(grey, shape.image_size, Image.Resampling.BILINEAR),
        maps,
        np.array([truth[finding] for finding in FINDINGS]),
        phantoms.write_report(plan),
        phantoms.direct_answer(plan),
    )


def _job(work: tuple[int, Shape]) -> Example:
    return make_example(*work)


class Cohort:
    """Examples of `seeds`, drawn in order by the processes of `pool`; the first `ready` are there.

    `images` (N, S, S) uint8, `maps` (N, 14, G, G) bool, `truth` (N, 14) bool, and the replies.
    """

    def __init__(self, seeds: Sequence[int], shape: Shape, pool: Pool) -> None:
        count = len(seeds)
        self.seeds = seeds
        self.images = np.zeros((count, shape.image_size, shape.image_size), np.uint8)
        self.maps = np.zeros((count, len(FINDINGS), shape.grid, shape.grid), bool)
        self.truth = np.zeros((count, len(FINDINGS)), bool)
        self.reports: list[str] = []
        self.directs: list[str] = []
        self.ready = 0
        self._failure: BaseException | None = None
        self._pool = pool
        self._work = [(seed, shape) for seed in seeds]
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def wait(self, count: int) -> None:
        """Until `count` examples are ready. Raises what drawing raised."""
        while self.ready < count and self._thread.is_alive():
            self._thread.join(0.05)
        if self._failure is not None:
            raise self._failure

    def _collect(self) -> None:
        try:
            for index, example in enumerate(self._pool.imap(_job, self._work, chunksize=8)):
                self.images[index] = example.image
                self.maps[index] = example.maps
                self.truth[index] = example.truth
                self.reports.append(example.report)
                self.directs.append(example.direct)
                self.ready = index + 1
        except Exception as failure:  # noqa: BLE001 - carried to the waiting thread
            self._failure = failure
