"""What is said between the worker and its clients. Requests carry an `id` of the client's choosing.

client                                  worker
  |  <------------ Welcome ---------------  |   after authentication on both sides
  |  <------------ WorkerStatus ----------  |   every half second: the heartbeat, and at changes
  |  Load | Read | See | StartJob ... --->  |
  |  <--- Answer, or ReadingUpdate ... ---  |   the last update is a DoneEvent or FailedEvent
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo import fit
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.progress import ArmStatus, RunPhase
from cxr_demo.records import (
    FailedEvent,
    PipelineKind,
    Precision,
    Prompt,
    Radiograph,
    ReadingEvent,
    Telemetry,
)
from cxr_demo.worker.wire import GROUND_TYPES, Codec

PROTOCOL = 4
"""Raised with every change that an older program would not understand."""


class WorkerState(StrEnum):
    """What the worker is doing. STARTING and DEAD are the client's words: nobody answers yet, or
    nobody answers any more and the next start is being prepared."""

    STARTING = "starting"
    READY = "ready"
    LOADING = "loading"
    READING = "reading"
    EVALUATING = "evaluating"
    MEASURING = "measuring"
    DEAD = "dead"


class JobState(StrEnum):
    """What became of an evaluation."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class JobStatus:
    """An evaluation's progress. `rate` is images per second of this run, `remaining` seconds; both
    are None until they have been measured. `failed` counts images that ended in an error.

    A recipe has several `arms`: `run`, `model`, `done`, `rate` and so on are those of the one at
    work, `arms` tells of all. `swap_seconds` is what bringing its model back takes, if a reading
    with another model comes between: to be told before. `trial`: paused since a trial is over."""

    run: str
    kind: str
    model: str
    precision: Precision
    pipeline: PipelineKind
    state: JobState
    done: int
    total: int
    failed: int = 0
    rate: float | None = None
    remaining: float | None = None
    error: dict[str, Any] | None = None
    unparsed: int = 0
    group: str | None = None
    name: str = ""
    phase: RunPhase | None = None
    fraction: float | None = None
    arms: tuple[ArmStatus, ...] = ()
    swap_seconds: float | None = None
    trial: bool = False


@dataclass(frozen=True)
class WorkerStatus:
    """The worker at one moment.

    `fraction` in 0..1 while LOADING or MEASURING, where it is known. `device` is the device's name
    ("NVIDIA H200", "CPU"), None until it is known. `error` is the last error outside of a reading,
    as `CxrError.to_dict()`: why it died, or why a model could not be loaded. `since` is the time
    (seconds of the epoch) at which `state` was entered. `waiting` counts readings in the queue.
    `guest`: `model` stands beside the evaluation's, which is on the device too.
    """

    state: WorkerState
    model: str | None = None
    precision: Precision | None = None
    fraction: float | None = None
    device: str | None = None
    telemetry: Telemetry | None = None
    error: dict[str, Any] | None = None
    since: float = 0.0
    waiting: int = 0
    job: JobStatus | None = None
    pid: int | None = None
    guest: bool = False


@dataclass(frozen=True, eq=False)
class SeenImage:
    """What a model is given for a radiograph: `image` (H, W, 3) uint8, the name of the
    preprocessing that made it, the prompt, and `text`, the whole prompt as the model reads it
    (chat template included, with one placeholder where the image goes)."""

    image: NDArray[np.uint8]
    preprocessing: str
    prompt: Prompt
    text: str


# ---------------------------------------------------------------- from the client


@dataclass(frozen=True)
class Load:
    """Bring a model to the device. Without a model: the last one used, and only if idle."""

    id: int
    model: str | None = None
    precision: Precision | None = None


@dataclass(frozen=True, eq=False)
class Read:
    """Read one radiograph; answered by ReadingUpdates. `prompt`: the id of one of the card's."""

    id: int
    radiograph: Radiograph
    model: str
    precision: Precision
    kind: PipelineKind
    prompt: str | None = None


@dataclass(frozen=True)
class Stop:
    """End the reading `reading` (an id of this client) within one token."""

    reading: int


@dataclass(frozen=True, eq=False)
class See:
    """Answered by a SeenImage."""

    id: int
    radiograph: Radiograph
    model: str
    precision: Precision
    kind: PipelineKind
    prompt: str | None = None


@dataclass(frozen=True)
class Prove:
    """Self-test of a model, of the loaded one if none is named; answered by its ImageUse."""

    id: int
    model: str | None = None
    precision: Precision | None = None


@dataclass(frozen=True)
class MeasureFit:
    """What a model with random weights takes of this GPU; answered by MeasureUpdates, then by a
    `fit.Measured`, which is stored here. Ended by `Stop`."""

    id: int
    model: str
    precision: Precision


@dataclass(frozen=True)
class Unload:
    """Free the device."""

    id: int


@dataclass(frozen=True)
class StartJob:
    """Run, or go on with, an evaluation. `recipe` says what; answered by its JobStatus."""

    id: int
    kind: str
    recipe: dict[str, Any]


@dataclass(frozen=True)
class StopJob:
    """Stop the running evaluation at the next image; it can be started again later."""

    id: int


@dataclass(frozen=True)
class PauseJob:
    """Pause the running evaluation within one reply; it stays paused until `ResumeJob`."""

    id: int


@dataclass(frozen=True)
class ResumeJob:
    """Go on with an evaluation of a recipe, by its group: the last one, if none is named. Answered
    by its JobStatus."""

    id: int
    group: str | None = None


@dataclass(frozen=True)
class Shutdown:
    """End the worker, whoever else is attached."""

    id: int


Request = (
    Load
    | Read
    | See
    | Prove
    | MeasureFit
    | Unload
    | StartJob
    | StopJob
    | PauseJob
    | ResumeJob
    | Shutdown
)

# ---------------------------------------------------------------- from the worker


@dataclass(frozen=True)
class Welcome:
    """The first message: who answers."""

    pid: int
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Answer:
    """What became of a request: a value, or an error as `CxrError.to_dict()`."""

    id: int
    value: Any = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class MeasureProgress:
    """How far a measurement is: `stage` is "building" or "reading", `fraction` of the whole in
    0..1, `remaining` in seconds (None until it is known)."""

    stage: str
    fraction: float
    remaining: float | None


@dataclass(frozen=True)
class MeasureUpdate:
    """Progress of the measurement with this id."""

    id: int
    progress: MeasureProgress


@dataclass(frozen=True)
class ReadingUpdate:
    """One event of the reading with this id."""

    id: int
    event: ReadingEvent


CODEC = Codec(
    (
        *GROUND_TYPES,
        *(WorkerState, JobState, JobStatus, WorkerStatus, SeenImage),
        *(Load, Read, Stop, See, Prove, Unload, StartJob, StopJob, PauseJob, ResumeJob, Shutdown),
        *(RunPhase, ArmStatus),
        *(MeasureFit, MeasureUpdate, MeasureProgress, fit.Measured, fit.Need),
        *(Welcome, Answer, ReadingUpdate),
    )
)


def failed(error: CxrError, report: str = "") -> FailedEvent:
    """The event that ends a reading with `error`, keeping what was written before."""
    return FailedEvent(error=error.to_dict(), report=report)
