"""How far an evaluation is, as it travels to the screen. Seconds; None until it is known."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cxr_demo.records import PipelineKind, Precision


class RunPhase(StrEnum):
    """What an evaluation is doing: making its list of images, drawing phantoms, measuring memory
    and time in a process of its own, loading a model, reading some images again after a resume,
    reading images, labelling reports, or asking yes/no questions for a calibration."""

    PREPARING = "preparing"
    DRAWING = "drawing"
    MEASURING = "measuring"
    LOADING = "loading"
    COMPARING = "comparing"
    READING = "reading"
    LABELLING = "labelling"
    ASKING = "asking"


@dataclass(frozen=True)
class ArmStatus:
    """One arm. `state`: "waiting", "running", "finished", "stopped" or "failed". `estimate` is what
    the whole arm takes, from its first images; `remaining` what is left of it. `prompt` is an id,
    None for the default."""

    run: str | None
    model: str
    precision: Precision
    pipeline: PipelineKind
    state: str
    done: int
    total: int
    failed: int = 0
    unparsed: int = 0
    estimate: float | None = None
    remaining: float | None = None
    rate: float | None = None
    error: dict[str, Any] | None = None
    prompt: str | None = None


@dataclass(frozen=True)
class Progress:
    """All arms, the one at work (its place in `arms`) and what is being done. `swap_seconds`: what
    bringing this evaluation's model back takes, after a reading with another one."""

    group: str | None
    name: str
    arms: tuple[ArmStatus, ...]
    at: int | None = None
    phase: RunPhase | None = None
    fraction: float | None = None
    swap_seconds: float | None = None
