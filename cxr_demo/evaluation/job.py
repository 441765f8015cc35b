"""What an evaluation is to the process that runs it: a model that it wants, and steps.

The worker calls `step` once per image between the readings of the screen. A step commits its row
before it returns, so a kill at any moment costs at most the image in work.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from cxr_demo.errors import CxrError
from cxr_demo.evaluation.answers import Answers
from cxr_demo.evaluation.faults import RecipeUnknown
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.progress import Progress
from cxr_demo.records import PipelineKind, Precision, Radiograph, ReadingEvent
from cxr_demo.store.place import store_path
from cxr_demo.store.runs import RunStore

__all__ = ["KINDS", "Answers", "DeviceJob", "Job", "Reader", "prepare", "store_path"]

KINDS: dict[str, str] = {"phantoms": "cxr_demo.evaluation.phantom_run"}
"""Evaluations by name; each module offers `prepare(recipe, store) -> Job`."""


class Reader(Protocol):
    """A model on the device. The worker's also measures memory beside a reading."""

    def __call__(
        self, radiograph: Radiograph, kind: PipelineKind, should_stop: Callable[[], bool]
    ) -> Iterator[ReadingEvent]:
        """`pipelines.read`."""

    def ask(self, radiograph: Radiograph) -> Answers:
        """All 14 questions about one radiograph. Raises PhantomsOnly and what the device raises."""


class Job(Protocol):
    """One evaluation at work. `run` is its id in the store."""

    run: str
    kind: str
    model: str
    precision: Precision
    pipeline: PipelineKind
    total: int

    def step(self, read: Reader, should_stop: Callable[[], bool]) -> bool:
        """Read one image with `read` and commit its row; false if none was left, or if stopped."""


class DeviceJob(Protocol):
    """An evaluation that takes the device as it needs it: `evaluation.recipe_run.RecipeRun`."""

    kind: str
    group: str | None
    paused_by_trial: bool

    def advance(self, host: Host, should_stop: Callable[[], bool]) -> bool:
        """Take one step; false when nothing is left, or after a stop. Raises CxrError."""

    def make_way(self, model: str, precision: Precision) -> None:
        """A reading with that model comes first."""

    def end(self, state: str, error: CxrError | None = None) -> None:
        """Leave off, noting `state`."""

    def progress(self) -> Progress:
        """How far it is."""


def prepare(kind: str, recipe: dict[str, Any], store: RunStore) -> Job:
    """The job that `recipe` asks for, opened in `store`. Raises RecipeUnknown."""
    if kind not in KINDS:
        raise RecipeUnknown(detail=f"{kind}; known: {', '.join(KINDS)}")
    job: Job = importlib.import_module(KINDS[kind]).prepare(recipe, store)
    return job
