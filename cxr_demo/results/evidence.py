"""What was measured on this machine, for advice and for marks beside a model's name.

Patients' images, complete runs and default prompts only; of the labelers of reports the leading one
counts. What is not in the store was not measured here.
"""

from dataclasses import dataclass
from functools import lru_cache

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.book import Book, shared
from cxr_demo.results.records import Arm, Board

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
_MICRO = FindingSetName.ALL_14


@dataclass(frozen=True)
class Quality:
    """An F1 that was measured: micro over 14, with the bounds of its 95 % interval (None while they
    are computed). `composition` names the test set; `origin`: None, or where it was imported from.
    """

    model: str
    precision: Precision
    pipeline: PipelineKind
    labeler: str
    policy: UncertaintyPolicy
    f1: float
    low: float | None
    high: float | None
    images: int
    recipe: str
    composition: str
    gpu: str | None
    origin: str | None


@dataclass(frozen=True)
class Paired:
    """4 bits less bf16 on the same images: difference in F1, its bounds and the margin that was set
    beforehand. `not_inferior` is None while the interval is computed."""

    model: str
    precision: Precision
    pipeline: PipelineKind
    labeler: str
    images: int
    difference: float
    low: float | None
    high: float | None
    margin: float
    not_inferior: bool | None
    recipe: str
    composition: str


@dataclass(frozen=True)
class Measured:
    """Device peak less baseline in bytes, on the GPU named. `stand_in`: with random weights, whose
    memory is as true as any."""

    vram: int
    gpu: str | None
    stand_in: bool
    origin: str | None
    created: str


def quality(model: str, book: Book | None = None) -> tuple[Quality, ...]:
    """Every F1 of `model`, the newest evaluation first."""
    found = []
    for board in _boards(book or shared()):
        for each in board.arms:
            if each.arm.model != model or each.figures is None or not each.complete:
                continue
            if each.arm.prompt is not None:
                continue  # the advice is about what the screen asks by itself
            micro = None if each.intervals is None else each.intervals.micro[_MICRO]
            found.append(
                Quality(
                    *(model, each.arm.precision, each.arm.pipeline, each.labeler, POLICY),
                    f1=each.figures.micro[_MICRO],
                    low=None if micro is None else float(micro.low),
                    high=None if micro is None else float(micro.high),
                    images=each.figures.images,
                    recipe=board.name.recipe,
                    composition=board.name.composition,
                    gpu=each.arm.cost.gpu,
                    origin=each.arm.origin,
                )
            )
    return tuple(found)


def paired(model: str, book: Book | None = None) -> Paired | None:
    """bf16 against 4 bits of `model` over the same images, both complete and of this machine, the
    newest pair, reports before direct answers; None: quality in 4 bits is not measured here."""
    found = [
        (board, each)
        for board in _boards(book or shared())
        for each in board.pairs
        if each.candidate.arm.model == model
        and each.candidate.arm.prompt is None
        and all(one.complete and one.arm.origin is None for one in (each.candidate, each.reference))
    ]
    if not found:
        return None
    board, pair = min(found, key=lambda one: one[1].candidate.arm.pipeline != PipelineKind.REPORT)
    estimate = None if pair.difference is None else pair.difference.estimate
    arm = pair.candidate.arm
    return Paired(
        *(model, arm.precision, arm.pipeline, pair.candidate.labeler, pair.images, pair.value),
        low=None if estimate is None else float(estimate.low),
        high=None if estimate is None else float(estimate.high),
        margin=pair.margin,
        not_inferior=None if pair.difference is None else pair.difference.not_inferior,
        recipe=board.name.recipe,
        composition=board.name.composition,
    )


def vram(model: str, precision: Precision, book: Book | None = None) -> Measured | None:
    """The newest measured memory of this pair, measured here before imported; None without any."""
    arms = [
        each.arm
        for board in _boards(book or shared(), synthetic=True)
        for each in (*board.arms, *board.stand_ins)
        if (each.arm.model, each.arm.precision, each.arm.prompt) == (model, precision, None)
        and each.arm.cost.vram is not None
    ]
    newest: Arm | None = max(arms, key=lambda arm: (arm.origin is None, arm.created), default=None)
    if newest is None or newest.cost.vram is None:
        return None
    return Measured(
        *(newest.cost.vram, newest.cost.gpu, newest.stand_in, newest.origin, newest.created)
    )


def _boards(book: Book, synthetic: bool = False) -> list[Board]:
    found = _all(book, book.token())
    return [each for each in found if synthetic or not each.name.synthetic]


@lru_cache(maxsize=2)
def _all(book: Book, token: str) -> list[Board]:
    """All boards under the leading labeler, as of `token`."""
    return [book.board(name.id, name.labelers[0], POLICY) for name in book.boards()]
