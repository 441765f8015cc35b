"""What a phantom will show, decided from its seed alone before anything is drawn.

Lengths are in units of the image's width (about 400 mm), the origin is the upper left corner, and
`y` runs from 0 to `Anatomy.aspect`. "Right" is the patient's right, which is the image's left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from cxr_demo.findings import FINDINGS, Finding
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


def plan(seed: int) -> PhantomPlan:
    """The phantom number `seed` (0 <= seed < 2**32): the same one on every machine."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"a phantom's seed lies in 0..2**32-1, got {seed}")
    rng = np.random.default_rng((seed, PHANTOM_VERSION))
    grade = Grade(int(rng.integers(1, 4)))
    findings = tuple(_findings(rng, grade))
    present = {each.finding: each for each in findings}
    return PhantomPlan(seed, grade, _anatomy(rng, present), _exposure(rng, grade), findings)


def truth(plan: PhantomPlan) -> dict[Finding, bool]:
    """All 14 findings: was it drawn? As in CheXpert, No Finding is true where nothing else but
    support devices was drawn."""
    present = {each.finding for each in plan.findings}
    present_pathology = present - {Finding.SUPPORT_DEVICES}
    return {
        each: not present_pathology if each is Finding.NO_FINDING else each in present
        for each in FINDINGS
    }


def grade(plan: PhantomPlan) -> Grade:
    """How hard this phantom is to read: the grade of its most subtle finding. Where nothing was
    drawn, the grade that its noise was chosen for; so each grade is a third of all."""
    return min((each.grade for each in plan.findings), default=plan.grade)


# ---------------------------------------------------------------- findings

_NORMAL_SHARE = 0.30
_DEVICE_SHARE = 0.30
_COUNTS = (0.36, 0.36, 0.19, 0.09)
"""Shares of phantoms with one, two, three and four pathologies among those that have any."""

_WEIGHTS = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: 0.85,
    Finding.CARDIOMEGALY: 1.2,
    Finding.LUNG_LESION: 1.15,
    Finding.LUNG_OPACITY: 1.3,
    Finding.EDEMA: 1.0,
    Finding.CONSOLIDATION: 1.15,
    Finding.PNEUMONIA: 1.2,
    Finding.ATELECTASIS: 1.2,
    Finding.PNEUMOTHORAX: 0.9,
    Finding.PLEURAL_EFFUSION: 1.3,
    Finding.PLEURAL_OTHER: 0.85,
    Finding.FRACTURE: 0.85,
}

_SIDES = (Side.RIGHT, Side.LEFT)
_ZONES = (Zone.UPPER, Zone.MIDDLE, Zone.LOWER)
_Slot = tuple[Side, Zone]


def _findings(rng: np.random.Generator, grade: Grade) -> Iterator[Drawn]:
    free: set[_Slot] = {(side, zone) for side in _SIDES for zone in (*_ZONES, Zone.NONE)}
    if rng.random() >= _NORMAL_SHARE:
        names = list(_WEIGHTS)
        weights = np.array(list(_WEIGHTS.values()))
        count = int(rng.choice(4, p=_COUNTS)) + 1
        picked = rng.choice(len(names), size=count, replace=False, p=weights / weights.sum())
        # large findings first: they take the room that small ones then leave alone
        order = sorted((names[i] for i in picked), key=list(_ROOM).index)
        pinned = int(rng.integers(len(order)))
        for index, finding in enumerate(order):
            own = grade if index == pinned or rng.random() < 0.7 else _at_least(rng, grade)
            drawn = _place(rng, finding, own, free)
            if drawn is not None:
                yield drawn
    if rng.random() < _DEVICE_SHARE:
        yield _devices(rng, grade)


def _at_least(rng: np.random.Generator, grade: Grade) -> Grade:
    return Grade(int(rng.integers(grade, 4)))


_ROOM: dict[Finding, str] = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: "none",
    Finding.CARDIOMEGALY: "none",
    Finding.FRACTURE: "none",
    Finding.PNEUMOTHORAX: "lung",
    Finding.PLEURAL_EFFUSION: "base",
    Finding.EDEMA: "both",
    Finding.ATELECTASIS: "base",
    Finding.CONSOLIDATION: "zone",
    Finding.PNEUMONIA: "zone",
    Finding.LUNG_OPACITY: "zone",
    Finding.LUNG_LESION: "zone",
    Finding.PLEURAL_OTHER: "pleura",
}
"""What each finding occupies, so that no two are drawn over each other."""


def _place(
    rng: np.random.Generator, finding: Finding, grade: Grade, free: set[_Slot]
) -> Drawn | None:
    room = _ROOM[finding]
    if room == "none":
        return _fracture(rng, grade) if finding is Finding.FRACTURE else _silhouette(finding, grade)
    if room == "both":
        # the haze lies over all of both lungs but leaves nodules and dense lobes readable
        for side in _SIDES:
            free.discard((side, Zone.MIDDLE))
        return Drawn(finding, grade, Side.BOTH)
    slot = _slot(rng, room, grade, free)
    if slot is None:
        return None
    side, zone = slot
    kind, extent = _variant(rng, finding, grade)
    return Drawn(finding, grade, side, zone, kind, extent)


def _slot(rng: np.random.Generator, room: str, grade: Grade, free: set[_Slot]) -> _Slot | None:
    """A free place of the kind `room`, taken out of `free`."""
    wanted = {
        "lung": [Zone.UPPER, Zone.MIDDLE, Zone.LOWER, Zone.NONE],
        "base": [Zone.LOWER],
        "pleura": [Zone.NONE],
    }
    if room == "zone":
        open_zones = sorted(each for each in free if each[1] is not Zone.NONE)
        if not open_zones:
            return None
        slot = open_zones[int(rng.integers(len(open_zones)))]
        free.discard(slot)
        return slot
    sides = [side for side in _SIDES if all((side, zone) in free for zone in wanted[room])]
    if not sides:
        return None
    side = sides[int(rng.integers(len(sides)))]
    free -= {(side, zone) for zone in wanted[room]}
    if room == "base" and grade is Grade.PLAIN:
        free -= {(side, Zone.MIDDLE), (side, Zone.NONE)}
    return side, Zone.LOWER if room == "base" else Zone.NONE


def _between(rng: np.random.Generator, grade: Grade, *ranges: tuple[float, float]) -> float:
    low, high = ranges[grade - 1]
    return float(rng.uniform(low, high))


def _variant(rng: np.random.Generator, finding: Finding, grade: Grade) -> tuple[str, float]:
    """(kind, extent) of a finding that has a side."""
    if finding is Finding.LUNG_LESION:
        extent = _between(rng, grade, (0.034, 0.044), (0.044, 0.070), (0.080, 0.125))
        return ("mass" if extent > 0.075 else "nodule"), extent
    if finding is Finding.PNEUMOTHORAX:
        return "", _between(rng, grade, (0.026, 0.040), (0.050, 0.075), (0.090, 0.150))
    if finding is Finding.PLEURAL_EFFUSION:
        return "", _between(rng, grade, (0.065, 0.085), (0.120, 0.170), (0.230, 0.330))
    if finding is Finding.PLEURAL_OTHER:
        kind = ("apical", "lateral", "plaque")[int(rng.integers(3))]
        return kind, _between(rng, grade, (0.018, 0.022), (0.025, 0.031), (0.034, 0.044))
    if finding is Finding.ATELECTASIS:
        return "", _between(rng, grade, (0.12, 0.15), (0.15, 0.19), (0.18, 0.22))
    return "", _between(rng, grade, (0.10, 0.13), (0.12, 0.16), (0.15, 0.19))


def _silhouette(finding: Finding, grade: Grade) -> Drawn:
    return Drawn(finding, grade)


def _fracture(rng: np.random.Generator, grade: Grade) -> Drawn:
    side = _SIDES[int(rng.integers(2))]
    kind = "clavicle" if rng.random() < 0.3 else "rib"
    return Drawn(Finding.FRACTURE, grade, side, kind=kind, rib=int(rng.integers(4, 9)))


_DEVICES: dict[Grade, tuple[str, ...]] = {
    Grade.SUBTLE: ("picc", "nasogastric", "endotracheal"),
    Grade.MODERATE: (
        "jugular+endotracheal", "nasogastric+endotracheal", "jugular", "port", "chest_tube",
    ),
    Grade.PLAIN: (
        "pacemaker", "pacemaker+sternotomy", "sternotomy", "jugular+nasogastric+endotracheal",
        "jugular+electrodes+endotracheal",
    ),
}  # fmt: skip


def _devices(rng: np.random.Generator, grade: Grade) -> Drawn:
    kinds = _DEVICES[grade]
    side = _SIDES[int(rng.integers(2))]
    return Drawn(Finding.SUPPORT_DEVICES, grade, side, kind=kinds[int(rng.integers(len(kinds)))])


# ---------------------------------------------------------------- anatomy and exposure


def _anatomy(rng: np.random.Generator, present: dict[Finding, Drawn]) -> Anatomy:
    def near(mean: float, spread: float) -> float:
        return float(mean + spread * np.clip(rng.standard_normal(), -2, 2))

    female = bool(rng.random() < 0.5)
    aspect = float(rng.choice((1.0, 1.0, 1.1, 1.2)))
    half_width = near(0.386 - 0.01 * female, 0.010)
    apex = near(0.115 + 0.45 * (aspect - 1), 0.012)
    cardiothoracic = near(0.455, 0.016)
    widening = present.get(Finding.CARDIOMEGALY)
    if widening:
        cardiothoracic = _between(rng, widening.grade, (0.545, 0.57), (0.59, 0.63), (0.65, 0.72))
    share = near(0.32, 0.02)
    mediastinum = near(0.0, 0.003)
    wide = present.get(Finding.ENLARGED_CARDIOMEDIASTINUM)
    if wide:
        mediastinum += _between(rng, wide.grade, (0.022, 0.028), (0.036, 0.046), (0.056, 0.078))
    return Anatomy(
        aspect=aspect,
        female=female,
        centre=near(0.5, 0.008),
        tilt=near(0.0, 0.012),
        apex=apex,
        dome=apex + near(0.560, 0.020),
        half_width=half_width,
        heart_right=2 * half_width * cardiothoracic * share,
        heart_left=2 * half_width * cardiothoracic * (1 - share),
        mediastinum=mediastinum,
        knob=near(0.018, 0.005),
        fat=near(0.070, 0.020),
        breast=near(0.10, 0.035) if female else near(0.02, 0.01),
        rib_slope=near(0.13, 0.014),
        rib_contrast=near(1.0, 0.14),
        clavicle=near(0.0, 0.010),
        scapula=near(0.0, 0.014),
        vessels=near(1.0, 0.12),
    )


def _exposure(rng: np.random.Generator, grade: Grade) -> Exposure:
    margins = rng.uniform(-0.03, 0.022, size=4).clip(0)
    return Exposure(
        view=View.PA if rng.random() < 0.7 else View.AP,
        bits=int(rng.choice((12, 14, 15, 16))),
        low=float(rng.uniform(0.0, 0.05)),
        high=float(rng.uniform(0.90, 1.0)),
        tone=float(rng.uniform(-0.22, 0.16)),
        noise=_between(rng, grade, (0.016, 0.024), (0.010, 0.017), (0.005, 0.010)),
        collimation=(float(margins[0]), float(margins[1]), float(margins[2]), float(margins[3])),
    )
