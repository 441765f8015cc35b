"""What a model takes of this very GPU: built here with random weights, read once, and forgotten."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from cxr_demo import fit, models
from cxr_demo.fit import measured
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.models.faults import not_offered
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.telemetry import Sampler
from cxr_demo.versions import installed
from cxr_demo.worker.desk import Task
from cxr_demo.worker.engine import Engine
from cxr_demo.worker.messages import MeasureFit, MeasureProgress, MeasureUpdate

BUILDING, READING = "building", "reading"
_SHARE = {BUILDING: (0.0, 0.6), READING: (0.6, 0.4)}
"""Where a stage begins in the whole, and how much of it it is: about, for the time that is left."""
_EVERY_S = 0.25
_KNOWN_FROM = 0.1

Progress = Callable[[str, float], None]
"""Stage, and fraction of that stage in 0..1; may raise, to stop."""


def check(model: str, precision: Precision) -> None:
    """Raises NotDescribed or PrecisionUnsupported for what cannot be measured anywhere."""
    if model not in ARCHITECTURES:
        raise fit.NotDescribed(model=model, known=", ".join(ARCHITECTURES))
    card = models.card(model)
    if precision not in card.precisions:
        raise not_offered(card.name, precision, card.precisions)


def take(
    device: str, model: str, precision: Precision, sampler: Sampler, progress: Progress
) -> fit.Measured:
    """Build `model` on `device`, read one radiograph for 512 tokens, free everything.

    Raises OutOfMemory, and NoGpu where the driver does not say what is used."""
    import torch

    from cxr_demo.models import random_weights
    from cxr_demo.models.measuring import Meter, full_reading, noise, ready

    card, place = models.card(model), torch.device(device)
    meter = Meter(sampler, place)
    meter.begin()
    built: Any = random_weights.build(
        card, precision, place, lambda fraction: progress(BUILDING, fraction)
    )
    try:
        load = meter.end()
        progress(READING, 0.0)
        image, prompt = noise(), card.prompts[PipelineKind.REPORT]
        meter.begin()
        ready(built, image, prompt)
        warm = meter.end()
        reading = full_reading(
            built, image, prompt, meter, lambda fraction: progress(READING, fraction)
        )
        engine, name = built.engine, built.device
    finally:
        built.close()
    pair = {"load": load, "warm_up": warm, "prefill": reading.prefill, "decode": reading.decode}
    if any(phase.device is None for phase in pair.values()):
        raise fit.NoGpu()
    return fit.Measured(
        model=model,
        precision=precision,
        gpu=name,
        need=measured.need_of({each: asdict(phase) for each, phase in pair.items()}),
        ttft=reading.ttft,
        tpot=reading.tpot,
        prompt=reading.prompt,
        tokens=reading.tokens,
        engine=engine,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=installed("torch", "transformers", "bitsandbytes"),
    )


def perform(
    task: Task,
    request: MeasureFit,
    engine: Engine,
    sampler: Sampler,
    show: Callable[..., None],
) -> fit.Measured:
    """`take`, alone on the device of `engine`, and stored; tells the asker of `task` how far it is,
    and everybody through `show(fraction=...)`. Raises NoGpu, OutOfMemory or MeasuringStopped."""
    device = engine.only_gpu()
    engine.unload()
    told = Told(lambda now: task.asker.send(MeasureUpdate(request.id, now)))

    def progress(stage: str, fraction: float) -> None:
        if task.stop.is_set():
            raise fit.MeasuringStopped()
        show(fraction=told(stage, fraction))

    found = take(device, request.model, request.precision, sampler, progress)
    measured.keep(found)
    return found


class Told:
    """Turns stages and fractions into what a client is told, a few times a second."""

    def __init__(self, tell: Callable[[MeasureProgress], None]) -> None:
        self._tell = tell
        self._began = time.monotonic()
        self._last = MeasureProgress("", 0.0, None)
        self._told_at = 0.0

    def __call__(self, stage: str, fraction: float) -> float:
        """Tell, unless that was done a moment ago; the fraction of the whole that was told last."""
        now = time.monotonic()
        if stage == self._last.stage and now - self._told_at < _EVERY_S:
            return self._last.fraction
        start, share = _SHARE[stage]
        done = start + share * fraction
        remaining = None
        if done >= _KNOWN_FROM:
            remaining = (now - self._began) * (1 - done) / done
        self._last = replace(self._last, stage=stage, fraction=done, remaining=remaining)
        self._told_at = now
        self._tell(self._last)
        return done
