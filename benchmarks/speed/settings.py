"""What is measured, how much of it, and what must be reached: plain tables."""

from dataclasses import dataclass

from cxr_demo.models.cards import REPORT_TOKENS
from cxr_demo.records import Precision

PRECISIONS = (Precision.BF16, Precision.NF4)


@dataclass(frozen=True)
class Size:
    """How much is measured. `new_tokens` at batch 1, `longest` as long as a report may be,
    `plain_tokens` of the plain path (which takes as long as stock and serves comparison only),
    `repeats` of each time after one warm-up; `forced` tokens and `rows` of the comparison of
    logits; `images` of the evaluation, the numbers of `slots` that are tried, and the static
    `batches` of stock."""

    new_tokens: int = 128
    longest: int = REPORT_TOKENS
    plain_tokens: int = 32
    repeats: int = 5
    forced: int = 64
    rows: int = 64
    images: int = 1024
    slots: tuple[int, ...] = (64, 128, 192)
    batches: tuple[int, ...] = (32, 64, 128, 256)
    lengths: tuple[int, int, int] = (30, 220, 110)
    copied: int = 2 * 1024**3


TRUE = Size()
TINY = Size(
    new_tokens=6,
    longest=9,
    plain_tokens=6,
    repeats=2,
    forced=4,
    rows=2,
    images=6,
    slots=(2, 4),
    batches=(2, 3),
    lengths=(2, 9, 5),
    copied=1024**2,
)

SECONDS = {"batch1": 110, "fidelity": 60, "throughput": 190, "start": 180, "kernels": 60}
"""Stages in the order in which they run, and about how long each takes for one precision of
MedGemma on an H200: a stage that would end after the budget is not begun."""

INSIDE = ("batch1", "fidelity", "throughput", "kernels")
"""Stages that share one process; the others start fresh ones."""
