"""What results are made of: frozen, plain data for tables, figures and exports.

A board is what may stand on one figure: one recipe, one manifest, one labeler of reports, one
policy for uncertain labels. Shares and F1 in 0..1, bytes, seconds; None where something cannot be
had.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.bootstrap import Difference, Estimate
from cxr_demo.metrics.counts import Counts
from cxr_demo.metrics.mcnemar import McNemar
from cxr_demo.metrics.probabilities import Reliability
from cxr_demo.metrics.summary import Figures, Intervals, Rows
from cxr_demo.records import PipelineKind, Precision

Pair = tuple[str, str]
"""(English, Portuguese)."""

MARK: Pair = ("SYNTHETIC, NOT PATIENTS", "SINTÉTICO, NÃO SÃO PACIENTES")
"""In the title of everything that shows figures of phantoms."""

DIRECT = "direct"
"""The labeler of the direct pipeline: its answer is parsed, whatever labels the reports."""


def said(pair: Pair, language: str) -> str:
    """The words in `language` ("pt" or "en")."""
    return pair[1] if language == "pt" else pair[0]


@dataclass(frozen=True)
class BoardName:
    """One evaluation that may stand on one figure: a group of the store, by its `id`. `manifest` is
    the hash of the image list. `labelers`: those that its reports were labelled by, the leading one
    first. `images`: of the whole manifest. `created`: ISO time."""

    id: str
    recipe: str
    composition: str
    manifest: str
    synthetic: bool
    images: int
    labelers: tuple[str, ...]
    runs: tuple[str, ...]
    state: str
    created: str


@dataclass(frozen=True)
class Cost:
    """What an arm costs on the GPU named `gpu`. Bytes and seconds.

    `vram_peak` and `vram_baseline` are the device's, of a process that runs one image;
    `vram_batch_peak` is that of the evaluation's batches. `seconds` is the mean time of one
    radiograph at batch 1 over `seconds_images` images, `seconds_sd` its standard deviation over
    them, `tokens` their mean number; with random weights only `seconds_per_token` says anything."""

    gpu: str | None = None
    vram_peak: int | None = None
    vram_baseline: int | None = None
    vram_batch_peak: int | None = None
    seconds: float | None = None
    seconds_sd: float | None = None
    seconds_images: int | None = None
    tokens: float | None = None
    seconds_per_token: float | None = None
    images_per_second: float | None = None

    @property
    def vram(self) -> int | None:
        """Peak less baseline: what the study calls peak VRAM, and what figure 5 plots."""
        if self.vram_peak is None or self.vram_baseline is None:
            return None
        return self.vram_peak - self.vram_baseline


@dataclass(frozen=True)
class Reread:
    """What reading some images once more after each of `resumes` has shown: of `images` outputs
    `texts` were other ones; by labeler (how many it has labelled twice, how many differ)."""

    resumes: int
    images: int
    texts: int
    labels: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Arm:
    """One run as it stands: a model at one precision through one pipeline over one manifest.
    `prompt` is the id of what was asked, None for the pipeline's default.

    `done` of `total` images have a row, `failed` of these are failures. `confirmed`: this port has
    met its real weights. `origin`: None for a run of this machine, else where it was imported from.
    `reread`: None unless images were read again after a resume.
    `recipe` and `facts` (the run's JSON) are for its page."""

    run: str
    group: str
    model: str
    model_name: str
    precision: Precision
    pipeline: PipelineKind
    state: str
    done: int
    total: int
    failed: int
    created: str
    cost: Cost
    confirmed: bool = False
    stand_in: bool = False
    synthetic: bool = False
    origin: str | None = None
    notes: tuple[Pair, ...] = ()
    reread: Reread | None = None
    prompt: str | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every image of the manifest has its row."""
        return self.done >= self.total > 0

    @property
    def task(self) -> tuple[PipelineKind, str | None]:
        """Pipeline and prompt: arms that are set against each other have the same."""
        return self.pipeline, self.prompt


@dataclass(frozen=True, eq=False)
class ArmRows:
    """An arm's rows under one labeler, as arrays of N. `positions` are the images' places in the
    manifest, ascending."""

    positions: NDArray[np.int64]
    rows: Rows


@dataclass(frozen=True, eq=False)
class Answered:
    """A model's answers to one yes/no question per finding against the targets of the `images`
    that were asked.

    Per finding (14,): `counted` images, `present` among them, `auroc` (Platt's scaling keeps it),
    `brier`; NaN where not defined. `raw` has all findings' answers together. `brier_calibrated` and
    `calibrated` (of the `scaled` findings that have a scaling) are None unless a calibration is
    here that was fitted on other patients; `remark` says so, or why not."""

    images: int
    counted: NDArray[np.int64]
    present: NDArray[np.int64]
    auroc: Estimate
    brier: NDArray[np.float64]
    raw: Reliability
    remark: Pair
    scaled: int = 0
    brier_calibrated: NDArray[np.float64] | None = None
    calibrated: Reliability | None = None


@dataclass(frozen=True, eq=False)
class ArmResult:
    """An arm with its figures. `labeler` is DIRECT for the direct pipeline. `counts` (14, 4) are
    the whole confusion counts. `figures` is None without rows, and for random weights; `intervals`
    is None while they are computed and where there are too few patients. `answered` is None unless
    yes/no questions were asked, and `Book.with_answers` filled it in."""

    arm: Arm
    labeler: str
    policy: UncertaintyPolicy
    figures: Figures | None = None
    counts: Counts | None = None
    intervals: Intervals | None = None
    computing: bool = False
    answered: Answered | None = None

    @property
    def complete(self) -> bool:
        """Whether every image has its row, and its label by this labeler."""
        return self.arm.complete and (self.figures is None or self.figures.images >= self.arm.total)


@dataclass(frozen=True, eq=False)
class PairResult:
    """Two precisions of one model, pipeline and prompt over the images that both have done.

    `identical` is the share of images with the very same output (None while it is counted).
    `difference` is candidate less
    reference in micro F1 (None while it is computed); `points` are the F1 of reference and
    candidate on these images. `power` is the
    probability to see a true difference of `margin`, `detectable` the smallest one that is seen
    with probability 0.8."""

    reference: ArmResult
    candidate: ArmResult
    images: int
    patients: int
    points: tuple[float, float]
    margin: float
    mcnemar: McNemar
    identical: float | None = None
    difference: Difference | None = None
    power: float | None = None
    detectable: float | None = None
    computing: bool = False

    @property
    def value(self) -> float:
        """Candidate less reference in micro F1."""
        return self.points[1] - self.points[0]


@dataclass(frozen=True)
class Trivial:
    """Micro F1 of readers that look at nothing, over the largest set of images of a board."""

    everything_present: float
    no_finding_always: float


@dataclass(frozen=True)
class Reference:
    """A figure that the study published, beside ours. It was measured on another machine, under a
    policy and prompts that are not published."""

    model: str
    pipeline: PipelineKind
    f1: float
    words: Pair
    remark: Pair | None = None


@dataclass(frozen=True, eq=False)
class Board:
    """Everything that one figure may hold. `stand_ins` have random weights: VRAM and time per token
    only. `computing`: an interval is still on its way."""

    name: BoardName
    labeler: str
    policy: UncertaintyPolicy
    arms: tuple[ArmResult, ...]
    pairs: tuple[PairResult, ...] = ()
    trivial: Trivial | None = None
    references: tuple[Reference, ...] = ()
    stand_ins: tuple[ArmResult, ...] = ()
    remarks: tuple[Pair, ...] = ()
    computing: bool = False

    @property
    def mark(self) -> Pair | None:
        """The words that must stand in every title, or None for patients' images."""
        return MARK if self.name.synthetic else None
