"""Radiograph and model in, stream of events out: the one way for screen, terminal and evaluation.

phantom guard -> what the model sees -> Token, Token, ... -> labels -> Reading
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cxr_demo import weights
from cxr_demo.errors import PhantomsOnly
from cxr_demo.labelers import direct, rules
from cxr_demo.models import stepwise
from cxr_demo.models.base import Generation, Item, Model, Reply, Seen, ShouldStop
from cxr_demo.phantoms import strip
from cxr_demo.records import (
    DoneEvent,
    FindingSet,
    Phase,
    PhaseEvent,
    PipelineKind,
    Prompt,
    Provenance,
    Radiograph,
    Reading,
    ReadingEvent,
    StopReason,
    Timings,
    TokenEvent,
)
from cxr_demo.versions import installed

_PACKAGES = ("torch", "transformers", "bitsandbytes", "tokenizers", "pillow", "pydicom", "numpy")


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What the model saw: the exact image, and the full text with a placeholder for the image."""

    seen: Seen
    text: str


def admit(model: Model, radiograph: Radiograph) -> None:
    """The phantom guard. Raises PhantomsOnly if `model` reads synthetic images only and the code
    strip of ours is not in the pixels; what the file says of itself does not count."""
    if model.card.phantoms_only and not strip.is_phantom(radiograph.pixels):
        raise PhantomsOnly(model=model.card.name)


def model_input(
    model: Model, radiograph: Radiograph, kind: PipelineKind, prompt: str | None = None
) -> ModelInput:
    """What `read` would give to `model`. Raises PhantomsOnly and UnknownPrompt as `read` does."""
    admit(model, radiograph)
    text = stepwise.prompt_text(model, model.card.prompt(kind, prompt))
    return ModelInput(model.see(radiograph), text)


def read(
    model: Model,
    radiograph: Radiograph,
    kind: PipelineKind,
    should_stop: ShouldStop = lambda: False,
    submitted: float | None = None,
    prompt: str | None = None,
) -> Iterator[ReadingEvent]:
    """Read one radiograph: a phase, tokens, and a DoneEvent, also if it was stopped.

    `submitted` is a reading of `time.monotonic()`, from which all times count (now, if None);
    `prompt` is the id of one of the card's (its default, if None). Raises PhantomsOnly and other
    leaves of ModelError, also after some tokens. The device's own peaks are not known here; whoever
    samples the device adds them to `Reading.memory`.
    """
    begun = time.monotonic() if submitted is None else submitted
    admit(model, radiograph)
    yield PhaseEvent(Phase.READING)
    model.reset_peaks()
    asked = model.card.prompt(kind, prompt)
    seeing = time.monotonic()
    seen = model.see(radiograph)
    preprocessing = time.monotonic() - seeing
    generation = stepwise.generate(model, seen, asked, should_stop, submitted=begun)
    report, ttft = "", None
    for token in generation:
        report += token.text
        if ttft is None and token.text:
            ttft = token.elapsed
        yield TokenEvent(token)
    stop = generation.stop or StopReason.STOPPED
    yield DoneEvent(
        Reading(
            report=report.rstrip(),
            findings=_findings(report.rstrip(), kind, stop),
            stop=stop,
            timings=_timings(generation, preprocessing, ttft, time.monotonic() - begun),
            memory=model.peaks(),
            provenance=provenance(model, radiograph, kind, asked, seen.preprocessing),
        )
    )


def given(model: Model, radiograph: Radiograph) -> Seen:
    """What `model` is given of `radiograph`; any thread may call it. Raises PhantomsOnly."""
    admit(model, radiograph)
    return model.see(radiograph)


def read_many(
    model: Model,
    images: Iterable[tuple[str, Seen]],
    kind: PipelineKind,
    slots: int,
    should_stop: ShouldStop = lambda: False,
    force: Callable[[str], int | None] = lambda key: None,
    prompt: str | None = None,
) -> Iterator[Reply]:
    """Read images (a key, and what `given` made of one) in a batch of `slots`; replies come as they
    end. `images` is drawn from as slots get free. After a stop, unfinished replies are dropped; a
    single reading may run between two replies. `force` gives tokens per reply, for checkpoints
    with random weights only; `prompt` as in `read`. Raises OutOfMemory, after which the device is
    as full as before."""
    asked = model.card.prompt(kind, prompt)
    items = (Item(key, seen, asked, force=force(key)) for key, seen in images)
    return stepwise.generate_many(model, items, slots, should_stop)


def provenance(
    model: Model, radiograph: Radiograph, kind: PipelineKind, prompt: Prompt, preprocessing: str
) -> Provenance:
    """What made a report: enough to make it again."""
    return Provenance(
        model=model.card.id,
        revision=weights.revision(model.card),
        weights_sha256=model.weights_sha256,
        precision=model.precision,
        pipeline=kind,
        prompt=prompt,
        preprocessing=preprocessing,
        engine=model.engine,
        device=model.device,
        image_sha256=radiograph.sha256,
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        confirmed=model.confirmed,
        stand_in=model.stand_in,
    )


def versions() -> dict[str, str]:
    """Versions of what a report depends on: Python and the packages that are installed."""
    return {"python": platform.python_version(), **installed(*_PACKAGES)}


def _findings(report: str, kind: PipelineKind, stop: StopReason) -> tuple[FindingSet, ...]:
    if kind is PipelineKind.REPORT:
        return (rules.label(report, habits=False),)
    return (direct.parse(report, cut_off=stop is not StopReason.END),)


def _timings(
    generation: Generation, preprocessing: float, ttft: float | None, total: float
) -> Timings:
    return Timings(
        preprocessing=preprocessing,
        prefill=generation.prefill_seconds,
        ttft=ttft,
        total=total,
        tokens=generation.tokens,
        prompt_tokens=generation.prompt_tokens or 0,
    )
