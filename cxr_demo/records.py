"""The records that every floor shares: frozen, plain data. Bytes, seconds and character offsets.

file bytes -> Radiograph -> (model, prompt) -> Token... -> Reading (report + FindingSet)
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, Finding, Label

# ---------------------------------------------------------------- imaging


class View(StrEnum):
    """Projection of a chest radiograph."""

    PA = "PA"
    AP = "AP"
    LATERAL = "LATERAL"
    UNKNOWN = "UNKNOWN"


class VoiFunction(StrEnum):
    """DICOM's VOI LUT functions (PS3.3 C.11.2.1.3), and TABLE for a VOI LUT sequence."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"
    TABLE = "TABLE"


@dataclass(frozen=True, eq=False)
class Window:
    """One way to map stored values to greys, in units of `Radiograph.pixels` and its polarity.

    `table` is given for TABLE only: (N,) uint16 greys over 0..65535 for the values from
    `first` on; values outside take the nearest end. `label` is "file", "full", or the file's own
    explanation when it is one of the well-known words (never free text, which may name a patient).
    """

    centre: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR
    label: str = "file"
    first: int = 0
    table: NDArray[np.uint16] | None = None


@dataclass(frozen=True)
class Notice:
    """Something true about a file or a reading that must stay visible; `code` names a sentence."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One radiograph with what is known of it; never a name, a date or a number of a patient.

    `pixels`: (H, W) uint16, after the modality LUT and in displayed polarity (larger is whiter).
    A value in the file's modality units is `slope * pixel + intercept` (for MONOCHROME1 the slope
    is negative, since the polarity was turned).
    `windows`: at least one; the first is what the screen and the models see by default.
    `spacing`: millimetres per pixel (rows, columns), or None if the file gives none.
    `sha256`: of the file's bytes; `source`: "DICOM", "PNG" or "JPEG".
    `declared_phantom`: the file's own tag says phantom. Only the code strip in the pixels decides
    whether it is one of ours (`cxr_demo.phantoms.strip`).
    """

    pixels: NDArray[np.uint16]
    bits: int
    view: View
    windows: tuple[Window, ...]
    source: str
    sha256: str
    spacing: tuple[float, float] | None = None
    slope: float = 1.0
    intercept: float = 0.0
    modality: str | None = None
    photometric: str | None = None
    syntax: str | None = None
    declared_phantom: bool = False
    notices: tuple[Notice, ...] = ()


# ---------------------------------------------------------------- models


class Precision(StrEnum):
    """How weights are stored and computed; `docs/architecture.md` explains each."""

    BF16 = "bf16"
    NF4 = "nf4"
    NF4_EMB = "nf4_emb"
    NF4_FP32 = "nf4_fp32"
    BNB4_DEFAULT = "bnb4_default"


class PipelineKind(StrEnum):
    """DIRECT asks for the findings; REPORT asks for a report, which a labeler then labels."""

    DIRECT = "direct"
    REPORT = "report"


@dataclass(frozen=True)
class PromptStep:
    """One question of a stepwise prompt, whose answer stands under `heading`. `aside`: the answer
    is no finding. Without `image` the text is asked alone, all findings in place of "{findings}".
    """

    heading: str
    text: str
    max_new_tokens: int
    image: bool = True
    aside: bool = False


@dataclass(frozen=True)
class Prompt:
    """A frozen prompt. `id` is printed on every result; `max_new_tokens` goes with it. With `steps`
    (`models.stepwise`), `text` and `max_new_tokens` are those of all of them together. Without
    `image` it is asked without one."""

    id: str
    text: str
    max_new_tokens: int
    system: str | None = None
    steps: tuple[PromptStep, ...] = ()
    image: bool = True


@dataclass(frozen=True)
class Token:
    """One decoded token. `text` is the new piece of the report (it may be empty inside a
    multi-byte character); `elapsed` is seconds since the request was submitted."""

    index: int
    id: int
    text: str
    elapsed: float


class StopReason(StrEnum):
    """Why a report ended. Only END is a complete report."""

    END = "end"
    LENGTH = "length"
    STOPPED = "stopped"


# ---------------------------------------------------------------- labels


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a report."""

    start: int
    end: int


@dataclass(frozen=True)
class FindingLabel:
    """A label and the places in the report that carry it (none for NOT_MENTIONED)."""

    finding: Finding
    label: Label
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class FindingSet:
    """All 14 labels of one report, in the order of `FINDINGS`; `labeler` is "rules", "chexbert",
    "chexbert_sentences" (those of the sentences taken together) or "direct". `unparsed` is true if
    no label could be read from the output at all."""

    labeler: str
    labels: tuple[FindingLabel, ...]
    unparsed: bool = False

    def __post_init__(self) -> None:
        if tuple(each.finding for each in self.labels) != FINDINGS:
            raise ValueError(f"a FindingSet holds all 14 findings in order, got {self.labels}")

    def __getitem__(self, finding: Finding) -> FindingLabel:
        return self.labels[FINDINGS.index(finding)]


@dataclass(frozen=True)
class Probabilities:
    """Calibrated probability of yes per finding, in 0..1 and the order of `FINDINGS`, None where
    the calibration has none. `images`: how many it was fitted on (drawn ones if `synthetic`), on
    the day `calibrated` (ISO date). `question` is the id of the question that was asked."""

    values: tuple[float | None, ...]
    question: str
    images: int
    synthetic: bool
    calibrated: str

    def __getitem__(self, finding: Finding) -> float | None:
        return self.values[FINDINGS.index(finding)]


# ---------------------------------------------------------------- measurements


@dataclass(frozen=True)
class GpuMemory:
    """One GPU as NVML (memory info version 2) sees it. Bytes; None where it cannot be had."""

    index: int
    name: str
    total: int | None
    used: int | None
    free: int | None
    load: float | None = None
    process_used: int | None = None


@dataclass(frozen=True)
class Telemetry:
    """One sample. Bytes; `load` in 0..1; None where the platform cannot give the value.

    `device_peak` is the largest `used` seen since the current request began, `device_baseline` the
    `used` before the worker started; both are of the GPU that the worker holds. `rss` is the
    worker process's own host memory, shown under that name where there is no NVIDIA GPU.
    """

    at: float
    gpus: tuple[GpuMemory, ...] = ()
    device_index: int | None = None
    device_peak: int | None = None
    device_baseline: int | None = None
    rss: int | None = None
    rss_peak: int | None = None

    @property
    def gpu(self) -> GpuMemory | None:
        """The GPU that the worker holds."""
        return next((each for each in self.gpus if each.index == self.device_index), None)


@dataclass(frozen=True)
class Memory:
    """Peaks of one reading, each of its own kind (docs/architecture.md, "Words"). Bytes or None."""

    vram_allocated_peak: int | None = None
    vram_reserved_peak: int | None = None
    vram_process_peak: int | None = None
    vram_device_peak: int | None = None
    vram_device_baseline: int | None = None
    rss_peak: int | None = None


@dataclass(frozen=True)
class Timings:
    """Seconds of one reading. `ttft` runs from submit to the first non-empty token, preprocessing
    included; `tpot` = (total - ttft) / (tokens - 1); None where it did not happen. `total` ends
    with the text; `labelling` (CheXbert) and `asking` (probabilities) come on top of it."""

    preprocessing: float | None = None
    prefill: float | None = None
    ttft: float | None = None
    total: float | None = None
    tokens: int = 0
    prompt_tokens: int = 0
    labelling: float | None = None
    asking: float | None = None

    @property
    def tpot(self) -> float | None:
        """Seconds per output token after the first, or None for fewer than two tokens."""
        if self.total is None or self.ttft is None or self.tokens < 2:
            return None
        return (self.total - self.ttft) / (self.tokens - 1)


@dataclass(frozen=True)
class BatchUse:
    """How well a batch was used: `steps` of `slots` rows each; `idle` counts the rows, over all
    steps, that computed nothing which was kept."""

    slots: int
    steps: int
    idle: int

    @property
    def idle_share(self) -> float | None:
        """Share of idle slots in 0..1, None before the first step."""
        return self.idle / (self.steps * self.slots) if self.steps else None


@dataclass(frozen=True)
class ImageUse:
    """What the self-test measured of one model on this machine (`models.selftest`): mean KL in
    nats to another image (`movement`), to the same one with noise (`floor`), to a black one and to
    itself mirrored. `passed`: the image is used. `created`: ISO time."""

    model: str
    precision: Precision
    movement: float
    floor: float
    blank: float
    flipped: float
    steps: int
    passed: bool
    created: str


@dataclass(frozen=True)
class Provenance:
    """What made a report: enough to make it again. `image_sha256` is of the file's bytes,
    `weights_sha256` of the checkpoint. `confirmed`: this port has met its real weights here."""

    model: str
    revision: str | None
    weights_sha256: str | None
    precision: Precision
    pipeline: PipelineKind
    prompt: Prompt
    preprocessing: str
    engine: str
    device: str
    image_sha256: str
    versions: dict[str, str]
    created: str
    confirmed: bool = False
    stand_in: bool = False
    image_use: ImageUse | None = None


@dataclass(frozen=True)
class Reading:
    """A finished, stopped or cut-off reading of one radiograph. `findings` holds one set per
    labeler that ran, the leading one first; `probabilities` only with a calibration."""

    report: str
    findings: tuple[FindingSet, ...]
    stop: StopReason
    timings: Timings
    memory: Memory
    provenance: Provenance
    notices: tuple[Notice, ...] = ()
    probabilities: Probabilities | None = None


# ---------------------------------------------------------------- the stream of one reading


class Phase(StrEnum):
    """Where a reading stands. LOADING brings the model to the device; READING covers
    preprocessing and prefill, until the first token."""

    QUEUED = "queued"
    LOADING = "loading"
    READING = "reading"


@dataclass(frozen=True)
class PhaseEvent:
    """A phase began or moved on; `fraction` in 0..1 where progress is known."""

    phase: Phase
    fraction: float | None = None


@dataclass(frozen=True)
class TokenEvent:
    """One more token."""

    token: Token


@dataclass(frozen=True)
class DoneEvent:
    """The last event of a reading that did not fail (it may have been stopped)."""

    reading: Reading


@dataclass(frozen=True)
class FailedEvent:
    """The last event of a reading that failed; `error` is `CxrError.to_dict()`. `report` keeps
    what was written before, which is never shown as complete."""

    error: dict[str, Any]
    report: str = ""


ReadingEvent = PhaseEvent | TokenEvent | DoneEvent | FailedEvent
