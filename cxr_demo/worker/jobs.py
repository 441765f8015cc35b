"""The evaluation that the worker carries on between readings, and goes on with after a crash."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cxr_demo.errors import CxrError
from cxr_demo.evaluation import job as jobs
from cxr_demo.records import PipelineKind, Precision, Radiograph, ReadingEvent
from cxr_demo.store.runs import RunStore
from cxr_demo.worker.faults import JobRunning
from cxr_demo.worker.messages import JobState, JobStatus

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobReader:
    """The worker's `evaluation.job.Reader`."""

    read: Callable[[Radiograph, PipelineKind, Callable[[], bool]], Iterator[ReadingEvent]]
    ask: Callable[[Radiograph], jobs.Answers]

    def __call__(
        self, radiograph: Radiograph, kind: PipelineKind, should_stop: Callable[[], bool]
    ) -> Iterator[ReadingEvent]:
        """The events of one reading, with the memory that it took."""
        return self.read(radiograph, kind, should_stop)


class Jobs:
    """At most one evaluation. `stop`, `pause`, `status` and `active` are for any thread, the rest
    is for the main thread (which the store's connection belongs to)."""

    def __init__(self) -> None:
        self._store: RunStore | None = None
        self._job: jobs.Job | None = None
        self._status: JobStatus | None = None
        self._halt = threading.Event()
        self._stopped = False
        self._seconds = 0.0
        self._steps = 0

    @property
    def active(self) -> bool:
        """True while an evaluation has images left and was not stopped."""
        return self._job is not None

    def status(self) -> JobStatus | None:
        """Progress of the running or the last evaluation."""
        return self._status

    def start(self, kind: str, recipe: dict[str, Any]) -> JobStatus:
        """Begin, or go on with, the run of `recipe`. Raises JobRunning or RecipeUnknown."""
        if self._job is not None:
            raise JobRunning()
        job = jobs.prepare(kind, recipe, self._opened())
        self._halt.clear()
        self._stopped = False
        self._seconds, self._steps = 0.0, 0
        self._job = job
        return self._tell(JobState.RUNNING)

    def resume(self) -> None:
        """Go on with what was running when the last worker ended, if anything was."""
        if not jobs.store_path().exists():
            return
        for left in self._opened().runs("running"):
            if self._job is None:
                _log.info("going on with an evaluation")
                self.start(left.kind, left.recipe)

    def wants(self) -> tuple[str, Precision]:
        """The model that the evaluation needs on the device."""
        job = self._present()
        return job.model, job.precision

    def step(self, read: jobs.Reader) -> None:
        """Read one image with `read`; ends the evaluation after the last one, or if stopped."""
        began = time.monotonic()
        went_on = self._present().step(read, self._halt.is_set)
        if went_on:
            self._seconds += time.monotonic() - began
            self._steps += 1
        if self.settle():
            return
        if went_on or self._halt.is_set():
            self._tell(JobState.RUNNING)
        else:
            self._end(JobState.FINISHED)

    def settle(self) -> bool:
        """End the evaluation if somebody asked for it; true if so."""
        if self._stopped:
            self._end(JobState.STOPPED)
        return self._stopped

    def fail(self, error: CxrError) -> None:
        """End the evaluation: its model cannot be had, or the device refuses."""
        self._end(JobState.FAILED, error)

    def stop(self) -> None:
        """Stop at the next image, for good; the same recipe can be started again."""
        self._stopped = True
        self._halt.set()

    def pause(self) -> None:
        """Leave the image in work, because the process ends; the next worker goes on."""
        self._halt.set()

    def _end(self, state: JobState, error: CxrError | None = None) -> None:
        job = self._present()
        self._opened().set_state(job.run, str(state))
        self._tell(state, error)
        self._job = None

    def _tell(self, state: JobState, error: CxrError | None = None) -> JobStatus:
        job = self._present()
        done, failed = self._opened().counts(job.run)
        rate = self._steps / self._seconds if self._steps else None
        status = JobStatus(
            run=job.run,
            kind=job.kind,
            model=job.model,
            precision=job.precision,
            pipeline=job.pipeline,
            state=state,
            done=done,
            total=job.total,
            failed=failed,
            rate=rate,
            remaining=None if rate is None else (job.total - done) / rate,
            error=None if error is None else error.to_dict(),
        )
        self._status = status
        return status

    def _present(self) -> jobs.Job:
        if self._job is None:
            raise RuntimeError("no evaluation is running")
        return self._job

    def _opened(self) -> RunStore:
        if self._store is None:
            self._store = RunStore(jobs.store_path())
        return self._store
