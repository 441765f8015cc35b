"""The chest's outlines as functions of height or of distance from the midline.

Offsets are counted from the midline outwards, on either side. Findings that move an outline (a
large heart, a wide mediastinum, a raised diaphragm, fluid, a collapsed lung) move it here.
"""

from dataclasses import dataclass

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.canvas import Array, bump, curve
from cxr_demo.phantoms.plan import PhantomPlan, Side

_NORMAL_HEART = 0.455
"""Width of a normal heart as a share of the chest's."""


@dataclass(frozen=True)
class Chest:
    """Outlines of one phantom. `sign` is -1 for the patient's right and 1 for the left."""

    plan: PhantomPlan

    @staticmethod
    def sign(side: Side) -> int:
        """Direction in which offsets grow on the picture."""
        return -1 if side is Side.RIGHT else 1

    def centre(self, y: Array | float) -> Array:
        """`x` of the midline at `y`."""
        a = self.plan.anatomy
        return np.asarray(a.centre + a.tilt * (np.asarray(y) - 0.5), dtype=np.float32)

    def point(self, side: Side, offset: float, y: float) -> tuple[float, float]:
        """(x, y) of an offset on one side."""
        return float(self.centre(y) + self.sign(side) * offset), y

    def height(self, share: float) -> float:
        """`y` at a share of the way from apex (0) to dome (1)."""
        a = self.plan.anatomy
        return a.apex + share * (a.dome - a.apex)

    def wall(self, y: Array) -> Array:
        """Offset of the inner chest wall: a tall arch."""
        a = self.plan.anatomy
        t = np.clip((y - a.apex) / (a.dome + 0.06 - a.apex), 0, 1)
        arch = np.sqrt(np.clip(1 - (1 - t) ** 2.5, 0, 1))
        below = np.clip(y - a.dome - 0.06, 0, None)
        return np.asarray(a.half_width * arch - 0.25 * below, dtype=np.float32)

    def border(self, side: Side, y: Array, normal: bool = False) -> Array:
        """Offset of the mediastinum's and the heart's border. `normal` leaves out what makes
        them large."""
        a = self.plan.anatomy
        t = (y - a.apex) / np.float32(a.dome - a.apex)
        wide = 0.0 if normal else a.mediastinum
        heart = self._heart(side, normal)
        if side is Side.RIGHT:
            knots = [
                (-0.4, 0.075), (-0.1, 0.050), (0.1, 0.046), (0.3, 0.050), (0.42, 0.052),
                (0.52, 0.45 * heart + 0.026), (0.68, 0.88 * heart + 0.006), (0.84, heart),
                (0.98, 0.94 * heart), (1.1, 0.84 * heart), (1.5, 0.8 * heart),
            ]  # fmt: skip
        else:
            knob = a.knob
            knots = [
                (-0.4, 0.075), (-0.1, 0.050), (0.1, 0.048), (0.2, 0.052), (0.265, 0.062 + knob),
                (0.31, 0.062 + knob), (0.375, 0.056), (0.44, 0.074), (0.52, 0.074 + 0.08 * heart),
                (0.66, 0.56 * heart + 0.026), (0.8, 0.84 * heart), (0.94, heart),
                (1.03, 0.99 * heart), (1.12, 0.9 * heart), (1.5, 0.8 * heart),
            ]  # fmt: skip
        return np.asarray(curve(knots, t) + wide * bump(t, 0.22, 0.40), dtype=np.float32)

    def _heart(self, side: Side, normal: bool) -> float:
        a = self.plan.anatomy
        own = a.heart_right if side is Side.RIGHT else a.heart_left
        if not normal:
            return own
        return own * min(1.0, _NORMAL_HEART / ((a.heart_right + a.heart_left) / (2 * a.half_width)))

    def dome(self, side: Side, offset: Array, normal: bool = False) -> Array:
        """`y` of the diaphragm over `offset`: highest inwards, falling to the outer angle."""
        a = self.plan.anatomy
        right = side is Side.RIGHT
        peak = a.dome + (0.0 if right else 0.022) - (0.0 if normal else self.raised(side))
        reach = 0.42 * a.half_width
        outer = np.clip((offset - reach) / (a.half_width - reach), 0, 1.2)
        inner = np.clip((reach - offset) / reach, 0, 1)
        fall = a.dome + 0.128 - peak
        return np.asarray(
            peak + fall * (0.35 * outer**2 + 0.65 * outer**4) + 0.035 * inner**2, dtype=np.float32
        )

    def raised(self, side: Side) -> float:
        """How far lost volume has raised the diaphragm on this side."""
        loss = self.plan.find(Finding.ATELECTASIS)
        return 0.022 * loss.grade - 0.004 if loss and loss.side is side else 0.0

    def fluid(self, side: Side, offset: Array) -> Array | None:
        """`y` of the top of pleural fluid over `offset`, climbing along the wall; or None."""
        drawn = self.plan.find(Finding.PLEURAL_EFFUSION)
        if drawn is None or drawn.side is not side:
            return None
        a = self.plan.anatomy
        angle = a.dome + 0.128
        t = np.clip(offset / a.half_width, 0, 1.05)
        low = angle - drawn.extent + 0.040 * min(1.0, drawn.extent / 0.1)
        climb = min(0.11, 0.75 * drawn.extent) + 0.02
        return np.asarray(low + 0.02 - climb * t**5 - 0.02 * t, dtype=np.float32)

    def collapse(self, side: Side, y: Array) -> Array | None:
        """Offset of the visceral pleura where air has come between it and the wall; or None."""
        drawn = self.plan.find(Finding.PNEUMOTHORAX)
        if drawn is None or drawn.side is not side:
            return None
        a = self.plan.anatomy
        shifted = y - np.float32(1.5 * drawn.extent)
        share = 1 - np.clip((y - a.apex) / (a.dome + 0.1 - a.apex), 0, 1)
        gap = drawn.extent * (0.30 + 0.70 * share)
        return np.asarray(np.clip(self.wall(shifted) - gap, 0, None), dtype=np.float32)
