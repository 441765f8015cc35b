"""The embedded model's quality over phantoms that its training never saw; truth is what was drawn.

Each image is drawn from its seed, read through `pipelines.read` as on the screen, and stored.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from cxr_demo import models, phantoms
from cxr_demo.errors import CxrError, WorkerDied
from cxr_demo.evaluation import phantom_calibration
from cxr_demo.evaluation.faults import RecipeUnknown
from cxr_demo.evaluation.job import Reader
from cxr_demo.findings import Finding
from cxr_demo.phantoms.cohort import TEST_SEEDS
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    FindingSet,
    PipelineKind,
    Precision,
    Radiograph,
    Reading,
    StopReason,
    Window,
)
from cxr_demo.store.runs import Prediction, RunStore

SIZE = (1024, 1024)
"""Rows and columns at which the phantoms are drawn; the model's processor resizes them."""

MOST_TRIES = 2
"""How often an image may end the process before it is stored as failed and passed over."""


@dataclass(frozen=True)
class PhantomRecipe:
    """What to evaluate: the first `count` of the held-out seeds. With `probabilities`, the model is
    also asked a yes/no question per finding, and a calibration is written at the end."""

    count: int
    model: str = "embedded"
    precision: Precision = Precision.BF16
    pipeline: PipelineKind = PipelineKind.REPORT
    probabilities: bool = False

    @classmethod
    def of(cls, recipe: dict[str, Any]) -> "PhantomRecipe":
        """From JSON. Raises RecipeUnknown if something is missing, unknown or out of range."""
        try:
            made = cls(
                count=int(recipe["count"]),
                model=models.card(recipe.get("model", "embedded")).id,
                precision=Precision(recipe.get("precision", Precision.BF16)),
                pipeline=PipelineKind(recipe.get("pipeline", PipelineKind.REPORT)),
                probabilities=bool(recipe.get("probabilities", False)),
            )
        except (KeyError, ValueError, TypeError, CxrError) as error:
            raise RecipeUnknown(detail=type(error).__name__) from error
        if not 1 <= made.count <= len(TEST_SEEDS) or set(recipe) - set(asdict(made)):
            raise RecipeUnknown(detail=f"count 1..{len(TEST_SEEDS)}")
        return made


class PhantomRun:
    """A `Job` (see `evaluation.job`) over phantoms."""

    kind = "phantoms"

    def __init__(self, recipe: PhantomRecipe, store: RunStore) -> None:
        self.model = recipe.model
        self.precision = recipe.precision
        self.pipeline = recipe.pipeline
        self.total = recipe.count
        self._probabilities = recipe.probabilities
        self._store = store
        self.run = store.open_run(self.kind, _json(recipe), recipe.count).id
        done = store.keys(self.run)
        seeds = TEST_SEEDS[: recipe.count]
        self._todo: Iterator[int] = iter([seed for seed in seeds if str(seed) not in done])

    def step(self, read: Reader, should_stop: Callable[[], bool]) -> bool:
        """Read one phantom and commit its row; false when none was left or it was stopped."""
        seed = next(self._todo, None)
        if seed is None:
            if self._probabilities:
                phantom_calibration.conclude(self.run, self._store.predictions(self.run))
            return False
        key = str(seed)
        if self._store.begin(self.run, key) > MOST_TRIES:
            self._store.commit(self.run, Prediction(key, error=WorkerDied.code))
            return True
        prediction = predict(read, seed, self.pipeline, should_stop)
        if prediction is None:
            self._store.forget_try(self.run)
            return False
        if self._probabilities and prediction.error is None:
            prediction = replace(prediction, answers=asdict(read.ask(_drawn(seed))))
        self._store.commit(self.run, prediction)
        return True


def prepare(recipe: dict[str, Any], store: RunStore) -> PhantomRun:
    """The run of `recipe`: `PhantomRecipe`'s fields. Raises RecipeUnknown."""
    return PhantomRun(PhantomRecipe.of(recipe), store)


def radiograph(seed: int) -> Radiograph:
    """The phantom of `seed` as the models are given it."""
    plan = phantoms.plan(seed)
    pixels = phantoms.draw(plan, SIZE)
    low, high = int(pixels.min()), int(pixels.max())
    window = Window(centre=(low + high + 1) / 2, width=high - low + 1, label="full")
    return Radiograph(
        pixels=pixels,
        bits=16,
        view=plan.exposure.view,
        windows=(window,),
        source="PNG",
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        declared_phantom=True,
    )


_drawn = lru_cache(maxsize=1)(radiograph)
"""The last phantom again, for a second question about it."""


def predict(
    read: Reader, seed: int, kind: PipelineKind, should_stop: Callable[[], bool]
) -> Prediction | None:
    """One phantom through the path of the screen; None if it was stopped before its end. Errors
    of this image become part of its row; broken devices and full memory are raised."""
    key = str(seed)
    for event in read(_drawn(seed), kind, should_stop):
        if isinstance(event, FailedEvent):
            return Prediction(key, report=event.report or None, error=event.error["code"])
        if isinstance(event, DoneEvent):
            stopped = event.reading.stop is StopReason.STOPPED
            return None if stopped else _row(key, event.reading)
    return Prediction(key, error="no_end")


def _row(key: str, reading: Reading) -> Prediction:
    provenance = asdict(reading.provenance)
    return Prediction(
        key=key,
        report=reading.report,
        labels={each.labeler: _labels(each) for each in reading.findings},
        unparsed=any(each.unparsed for each in reading.findings[:1]),
        stop=str(reading.stop),
        tokens=reading.timings.tokens,
        ttft=reading.timings.ttft,
        seconds=reading.timings.total,
        vram_device_peak=reading.memory.vram_device_peak,
        provenance=provenance,
    )


def _labels(findings: FindingSet) -> dict[str, str]:
    return {str(Finding(each.finding)): str(each.label) for each in findings.labels}


def _json(recipe: PhantomRecipe) -> dict[str, Any]:
    given = asdict(recipe)
    if not recipe.probabilities:
        del given["probabilities"]  # so that runs from before this option go on under their names
    return {key: value if isinstance(value, int) else str(value) for key, value in given.items()}
