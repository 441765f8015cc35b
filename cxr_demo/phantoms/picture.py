"""The planes of one phantom while it is drawn, and the small helpers that all painters share."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Array, Grid, step
from cxr_demo.phantoms.chest import Chest
from cxr_demo.phantoms.plan import PHANTOM_VERSION, PhantomPlan, Side


class Part(IntEnum):
    """Streams of random numbers: one per part, so that one part never disturbs another."""

    BODY = 1
    VESSELS = 2
    RIBS = 3
    TEXTURE = 4
    NOISE = 5
    LESION = 6
    OPACITY = 7
    CONSOLIDATION = 8
    PNEUMONIA = 9
    ATELECTASIS = 10
    EDEMA = 11
    PLEURA = 12
    FRACTURE = 13
    DEVICES = 14


@dataclass
class Half:
    """One lung's side of the picture: its window, per pixel the offset from the midline, per
    row `y` and the wall's offset; how far a pixel lies within the rib cage above the diaphragm
    (`shape`, 0..1) and within the visible lung (`lung`); `held` is 0 where a collapsed lung has
    left only air."""

    side: Side
    where: tuple[slice, slice]
    offset: Array
    y: Array
    wall: Array
    shape: Array
    lung: Array
    held: Array | float = 1.0


@dataclass
class Picture:
    """`tissue` is what attenuates outside the lungs' air; `air` (0..1) is taken off it; `vessels`
    are added where there is air; all (H, W) float32 in shares of the full range. `masks` says
    where each finding was drawn."""

    plan: PhantomPlan
    grid: Grid
    chest: Chest
    tissue: Array
    air: Array
    vessels: Array
    halves: dict[Side, Half] = field(default_factory=dict)
    masks: dict[Finding, NDArray[np.bool_]] = field(default_factory=dict)

    def rng(self, part: Part) -> np.random.Generator:
        """The random numbers of one part of this phantom."""
        return np.random.default_rng((self.plan.seed, PHANTOM_VERSION, part))

    def mark(self, finding: Finding, where: tuple[slice, slice], mask: NDArray[np.bool_]) -> None:
        """Add `mask` over the window `where` to what `finding` covers."""
        if finding not in self.masks:
            self.masks[finding] = np.zeros(self.tissue.shape, dtype=bool)
        self.masks[finding][where] |= mask

    def fill(
        self, finding: Finding, where: tuple[slice, slice], share: Array, visible: float = 0.06
    ) -> None:
        """Replace `share` (0..1, over the window `where`) of the lung's air by something dense."""
        air = self.air[where]
        self.mark(finding, where, share * air > visible)
        air *= 1 - np.clip(share, 0, 1)

    def window(self, low: tuple[float, float], high: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of the rectangle from (x, y) `low` to `high`."""
        return self.grid.rows(low[1], high[1]), self.grid.columns(low[0], high[0])

    def around(self, x: float, y: float, radius: float) -> tuple[tuple[slice, slice], Array, Array]:
        """The window of `radius` around a point, with `x` and `y` relative to it."""
        where = self.window((x - radius, y - radius), (x + radius, y + radius))
        return (
            where,
            self.grid.x[:, where[1]] - np.float32(x),
            self.grid.y[where[0]] - np.float32(y),
        )


def soft(distance: Array, grid: Grid, width: float) -> Array:
    """`step`, never narrower than the pixels allow."""
    return step(distance, grid.edge(width))
