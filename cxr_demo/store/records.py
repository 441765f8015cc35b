"""What the store of evaluations holds, as plain records. See `migrations` for the tables.

A *group* is one recipe over one manifest; an *arm run* is one model, precision, pipeline and prompt
of it with one signature (weights, prompt, preprocessing, engine); *position* is an image's place in
the manifest, which is the running order.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.metrics.f1 import CODES

Codes = NDArray[np.int8]
_OFFSET = -min(CODES.values())  # a code is stored as one digit


@dataclass(frozen=True)
class Group:
    """One started recipe. `recipe` is `Recipe.to_dict()`; `data` maps data sets to local folders
    (never exported); `state` is "running", "paused", "stopped", "finished" or "failed"."""

    id: str
    name: str
    recipe: dict[str, Any]
    manifest_sha256: str
    composition: str
    images: int
    synthetic: bool
    data: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    error: dict[str, Any] | None = None
    created: str = ""
    updated: str = ""


@dataclass(frozen=True)
class ArmRun:
    """One arm with what was measured of it (`facts`, the run's JSON). `state` is "waiting",
    "running", "finished", "stopped" or "failed"; `current`: no newer run of the same arm is there.
    """

    id: str
    group: str
    model: str
    precision: str
    pipeline: str
    total: int
    done: int
    failed: int
    state: str
    current: bool
    facts: dict[str, Any]
    created: str
    updated: str

    @property
    def prompt(self) -> str | None:
        """The id of what was asked, if the run says so."""
        asked = (self.facts.get("signature") or {}).get("prompt") or {}
        id = asked.get("id")
        return None if id is None else str(id)


@dataclass(frozen=True)
class SampleRow:
    """One image of a manifest; `targets` are 14 codes in the order of `FINDINGS`."""

    position: int
    key: str
    dataset: str
    file: str
    form: str
    patient: str
    study: str
    split: str | None
    view: str
    sex: str | None
    age: float | None
    fold: int | None
    targets: tuple[int, ...]


@dataclass(frozen=True)
class LabelRow:
    """What one labeler says of one output: 14 codes in the order of `FINDINGS`."""

    position: int
    labeler: str
    codes: tuple[int, ...]
    unparsed: bool = False


@dataclass(frozen=True)
class Row:
    """What a model made of one image. `error` is a code of `CxrError`, and then there is no report.
    `seconds` run from the admission into the batch to the end, `slots` is the batch's size;
    `row_key` is a hash of image bytes and the run's signature. None where it does not apply."""

    position: int
    report: str | None = None
    stop: str | None = None
    error: str | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    seconds: float | None = None
    slots: int | None = None
    image_sha256: str | None = None
    row_key: str | None = None
    notes: tuple[dict[str, Any], ...] = ()
    answers: dict[str, Any] | None = None
    labels: tuple[LabelRow, ...] = ()


@dataclass(frozen=True)
class Text:
    """A row's own text and facts, for examples."""

    position: int
    report: str | None
    stop: str | None
    error: str | None
    tokens: int | None
    seconds: float | None
    image_sha256: str | None
    row_key: str | None
    notes: tuple[dict[str, Any], ...]
    answers: dict[str, Any] | None


@dataclass(frozen=True)
class TimedImage:
    """One radiograph at batch 1, in seconds: decoding and what the model sees, generation to the
    model's own end, labeling."""

    position: int
    preprocessing: float
    generation: float
    labelling: float
    tokens: int

    @property
    def total(self) -> float:
        """End to end."""
        return self.preprocessing + self.generation + self.labelling


@dataclass(frozen=True, eq=False)
class ManifestArrays:
    """The N images of a group by position. Object arrays of str or None; `ages` (N,) float64 with
    NaN for unknown; `folds` (N,) int64 or None; `targets` (N, 14) int8 codes. `patients` are
    "data set/patient", unique over data sets."""

    keys: NDArray[np.object_]
    datasets: NDArray[np.object_]
    files: NDArray[np.object_]
    forms: NDArray[np.object_]
    patients: NDArray[np.object_]
    studies: NDArray[np.object_]
    splits: NDArray[np.object_]
    views: NDArray[np.object_]
    sexes: NDArray[np.object_]
    ages: NDArray[np.float64]
    folds: NDArray[np.int64] | None
    targets: Codes


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The M rows of a run, by position. Per labeler (M, 14) int8 codes, (M,) `unparsed` (true for
    failures too) and (M,) `present`: false where this labeler has not labelled the output yet.
    `tokens` is -1 where there are none."""

    positions: NDArray[np.int64]
    failed: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    labels: dict[str, Codes]
    unparsed: dict[str, NDArray[np.bool_]]
    present: dict[str, NDArray[np.bool_]]


def pack(codes: tuple[int, ...]) -> str:
    """14 codes as 14 digits. Raises ValueError for something else."""
    if len(codes) != len(FINDINGS) or not set(codes) <= set(CODES.values()):
        raise ValueError(f"need {len(FINDINGS)} codes, got {codes}")
    return "".join(str(code + _OFFSET) for code in codes)


def unpack(packed: list[str]) -> Codes:
    """N strings of 14 digits as (N, 14) int8 codes."""
    digits = np.frombuffer("".join(packed).encode("ascii"), np.uint8).reshape(-1, len(FINDINGS))
    return digits.astype(np.int8) - np.int8(ord("0") + _OFFSET)


def codes_of(labels: dict[Finding, Label]) -> tuple[int, ...]:
    """The codes of 14 labels by name."""
    return tuple(CODES[labels[each]] for each in FINDINGS)
