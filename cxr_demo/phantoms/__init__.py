"""Synthetic chest radiographs, drawn by code: pictures, reports and truth from a seed."""

from cxr_demo.phantoms.cohort import SAMPLE_SEEDS, TEST_SEEDS, TRAIN_SEEDS, VALIDATION_SEEDS
from cxr_demo.phantoms.drawing import draw, draw_masks, draw_with_masks
from cxr_demo.phantoms.plan import PHANTOM_VERSION, Drawn, Grade, PhantomPlan, grade, plan, truth
from cxr_demo.phantoms.reports import direct_answer, write_report

__all__ = [
    "PHANTOM_VERSION",
    "SAMPLE_SEEDS",
    "TEST_SEEDS",
    "TRAIN_SEEDS",
    "VALIDATION_SEEDS",
    "Drawn",
    "Grade",
    "PhantomPlan",
    "direct_answer",
    "draw",
    "draw_masks",
    "draw_with_masks",
    "grade",
    "plan",
    "truth",
    "write_report",
]
