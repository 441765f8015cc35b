"""The words in which a plan says what a phantom will show.

Lengths are in units of the image's width (about 400 mm), the origin is the upper left corner, and
`y` runs from 0 to `Anatomy.aspect`. "Right" is the patient's right, which is the image's left.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cxr_demo.findings import Finding
from cxr_demo.records import View

PHANTOM_VERSION = 1
"""Raised whenever the same seed would give another picture, report or truth."""

MM_PER_WIDTH = 400.0
"""A detector 400 mm wide: millimetres per unit of length."""


class Grade(IntEnum):
    """How plainly a finding is drawn."""

    SUBTLE = 1
    MODERATE = 2
    PLAIN = 3


class Side(StrEnum):
    """The patient's side."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "bilateral"
    NONE = ""


class Zone(StrEnum):
    """Height within the lung."""

    UPPER = "upper"
    MIDDLE = "mid"
    LOWER = "lower"
    NONE = ""


@dataclass(frozen=True)
class Drawn:
    """One finding as it will be drawn. `kind` names the variant (for support devices several,
    joined by "+"); `extent` is its leading length in units of width: a nodule's diameter, a fluid
    level's height, the gap beyond a pleural line; `rib` counts from 1."""

    finding: Finding
    grade: Grade
    side: Side = Side.NONE
    zone: Zone = Zone.NONE
    kind: str = ""
    extent: float = 0.0
    rib: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """The variants, one by one."""
        return tuple(self.kind.split("+"))


@dataclass(frozen=True)
class Anatomy:
    """One person, breathing in. Heights and half widths in units of width."""

    aspect: float
    female: bool
    centre: float
    tilt: float
    apex: float
    dome: float
    half_width: float
    heart_right: float
    heart_left: float
    mediastinum: float
    knob: float
    fat: float
    breast: float
    rib_slope: float
    rib_contrast: float
    clavicle: float
    scapula: float
    vessels: float


@dataclass(frozen=True)
class Exposure:
    """How the picture was taken: `noise` is the standard deviation at 2048 columns as a share of
    the full range, `low` and `high` the share of the range that air and bone reach, `collimation`
    the margins (left, top, right, bottom) as shares of width and height; `tone` bends the middle
    greys up (> 0) or down."""

    view: View
    bits: int
    low: float
    high: float
    tone: float
    noise: float
    collimation: tuple[float, float, float, float]


@dataclass(frozen=True)
class PhantomPlan:
    """Everything about one phantom; `findings` holds what is drawn, at most one of each. `grade` is
    what its noise was chosen for and what its findings are drawn at or above."""

    seed: int
    grade: Grade
    anatomy: Anatomy
    exposure: Exposure
    findings: tuple[Drawn, ...]

    def find(self, finding: Finding) -> Drawn | None:
        """The drawing of `finding`, or None where it is absent."""
        return next((each for each in self.findings if each.finding is finding), None)

    def native_size(self, width: int = 2048) -> tuple[int, int]:
        """(height, width) in pixels with square pixels."""
        return round(width * self.anatomy.aspect), width
