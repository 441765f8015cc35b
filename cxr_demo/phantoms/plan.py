"""What a phantom will show, decided from its seed alone before anything is drawn."""

import numpy as np

from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.phantoms.findings_choice import between, choose
from cxr_demo.phantoms.plan_types import (
    MM_PER_WIDTH,
    PHANTOM_VERSION,
    Anatomy,
    Drawn,
    Exposure,
    Grade,
    PhantomPlan,
    Side,
    Zone,
)
from cxr_demo.records import View

__all__ = [
    "MM_PER_WIDTH",
    "PHANTOM_VERSION",
    "Anatomy",
    "Drawn",
    "Exposure",
    "Grade",
    "PhantomPlan",
    "Side",
    "Zone",
    "grade",
    "plan",
    "truth",
]


def plan(seed: int) -> PhantomPlan:
    """The phantom number `seed` (0 <= seed < 2**32): the same one on every machine."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"a phantom's seed lies in 0..2**32-1, got {seed}")
    rng = np.random.default_rng((seed, PHANTOM_VERSION))
    grade = Grade(int(rng.integers(1, 4)))
    findings = tuple(choose(rng, grade))
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
        cardiothoracic = between(rng, widening.grade, (0.545, 0.57), (0.59, 0.63), (0.65, 0.72))
    share = near(0.32, 0.02)
    mediastinum = near(0.0, 0.003)
    wide = present.get(Finding.ENLARGED_CARDIOMEDIASTINUM)
    if wide:
        mediastinum += between(rng, wide.grade, (0.022, 0.028), (0.036, 0.046), (0.056, 0.078))
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
        noise=between(rng, grade, (0.016, 0.024), (0.010, 0.017), (0.005, 0.010)),
        collimation=(float(margins[0]), float(margins[1]), float(margins[2]), float(margins[3])),
    )
