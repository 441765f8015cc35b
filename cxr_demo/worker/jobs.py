"""The evaluation that the worker carries on between readings, and goes on with after a crash."""

import logging
import threading
import time
from dataclasses import replace
from typing import Any

from cxr_demo.errors import CxrError
from cxr_demo.evaluation import rank_files
from cxr_demo.evaluation.faults import NothingToResume, RecipeUnknown
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.recipe_run import RecipeRun, resumed
from cxr_demo.records import Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.store.records import Group
from cxr_demo.worker.faults import JobRunning
from cxr_demo.worker.messages import JobState, JobStatus

TELL_S = 0.25
"""Seconds between two tellings of how far a batch is; a fast model ends many images a second."""
_log = logging.getLogger(__name__)


class Jobs:
    """At most one evaluation. `stop`, `pause`, `leave`, `status` and `active` are for any thread,
    the rest is for the main thread (which the stores' connections belong to)."""

    def __init__(self) -> None:
        self._store: EvaluationStore | None = None
        self._job: RecipeRun | None = None
        self._status: JobStatus | None = None
        self._halt = threading.Event()
        self._wanted: JobState | None = None
        self._told = 0.0

    @property
    def active(self) -> bool:
        """True while an evaluation has images left and was not stopped."""
        return self._job is not None

    def status(self) -> JobStatus | None:
        """Progress of the running or the last evaluation."""
        return self._status

    def start(self, kind: str, recipe: dict[str, Any]) -> JobStatus:
        """Begin, or go on with, the evaluation of `recipe`; what runs already runs on. Raises
        JobRunning, RecipeUnknown, DataFolderMissing and UnknownModel."""
        if kind != RecipeRun.kind:
            raise RecipeUnknown(detail=kind)
        if self._job is not None and not self._job.is_of(recipe):
            raise JobRunning()
        if self._job is not None:  # it was taken up when this process began, say
            return self._tell(JobState.RUNNING)
        return self._begin(RecipeRun(Plan.of(recipe), self._opened()))

    def go_on(self, group: str | None) -> JobStatus:
        """Go on with `group`, or with the last one that is not finished. Raises JobRunning,
        NothingToResume, and LeaseHeld if ranks are at work at it."""
        if self._job is not None:
            raise JobRunning()
        store = self._opened()
        left = [each for each in store.groups() if each.state != str(JobState.FINISHED)]
        last = max(left, key=lambda each: each.updated, default=None)
        found = last if group is None else store.group(group)
        if found is None:
            raise NothingToResume()
        rank_files.require_free(found.id)
        options = {**found.options, "trial": False}  # whoever goes on has seen what it said
        found = replace(found, options=options, state="running")
        store.put_group(found)
        return self._begin(RecipeRun(resumed(found), store, found.id, ask_fit=True))

    def resume(self) -> None:
        """Go on with what was running when the last worker ended, if anything was; tell of what was
        paused."""
        if not store_path().exists():
            return
        for group in self._opened().groups():
            try:
                self._take_up(group)
            except CxrError as error:  # its folders are gone, say: it is not tried for ever
                state = str(JobState.FAILED)
                self._opened().set_group_state(group.id, state, error.to_dict())

    def _take_up(self, group: Group) -> None:
        if group.state == "running" and rank_files.holder(group.id) is not None:
            return  # it is read by ranks, whose launch hands it over
        if self._job is None and group.state == "running":
            _log.info("going on with an evaluation of a recipe")
            self._begin(RecipeRun(resumed(group), self._opened(), group.id))
        elif self._status is None and group.state == "paused":
            self._tell_of_paused(group.id)

    def advance(self, host: Host) -> None:
        """Take one step of a recipe's evaluation; ends it after the last one, or if stopped."""
        job = self._present()
        went_on = job.advance(host, self._halt.is_set)
        if not went_on and job.paused_by_trial and self._wanted is None:
            self._end(JobState.PAUSED)
            return
        self._after(went_on)

    def make_way(self, model: str, precision: Precision) -> None:
        """A reading with that model comes first."""
        if self._job is not None:
            self._job.make_way(model, precision)

    def release(self) -> None:
        """The device is emptied: a batch that is on it is put down, and begun again later."""
        if self._job is not None:
            self._job.release()

    def at_work(self) -> tuple[str, Precision] | None:
        """The model of the arm that a recipe's evaluation is at."""
        return None if self._job is None else self._job.at_work

    def settle(self) -> bool:
        """End the evaluation if somebody asked for it; true if so."""
        wanted = self._wanted
        if wanted is not None and self._job is not None:
            self._end(wanted)
        elif wanted is JobState.STOPPED:
            self._stop_paused()
        return wanted is not None

    def fail(self, error: CxrError) -> None:
        """End the evaluation: its model cannot be had, or the device refuses."""
        self._end(JobState.FAILED, error)

    def stop(self) -> None:
        """Stop at the next image, for good; the same recipe can be started again."""
        self._wanted = JobState.STOPPED
        self._halt.set()

    def pause(self) -> None:
        """Stop at the next image; it says that it is paused until it goes on."""
        if self._job is not None:
            self._wanted = JobState.PAUSED
            self._halt.set()

    def leave(self) -> None:
        """Leave the image in work, because the process ends; the next worker goes on."""
        self._halt.set()

    def put_down(self) -> None:
        """Finish what is on its way to the disk, at the end of the process."""
        if self._job is not None:
            self._job.end("running")

    def _begin(self, job: RecipeRun) -> JobStatus:
        self._halt.clear()
        self._wanted = None
        self._job = job
        return self._tell(JobState.RUNNING)

    def _after(self, went_on: bool) -> None:
        if self.settle():
            return
        if not went_on and not self._halt.is_set():
            self._end(JobState.STOPPED if self._present().left_out else JobState.FINISHED)
        elif time.monotonic() - self._told > TELL_S:
            self._tell(JobState.RUNNING)

    def _end(self, state: JobState, error: CxrError | None = None) -> None:
        self._present().end(str(state), error)
        self._tell(state, error)
        self._job, self._wanted = None, None

    def _stop_paused(self) -> None:
        """What is paused has no job, only a word in the store."""
        self._wanted = None
        shown = self._status
        if shown is not None and shown.state is JobState.PAUSED and shown.group is not None:
            self._opened().set_group_state(shown.group, str(JobState.STOPPED))
            self._status = replace(shown, state=JobState.STOPPED)

    def _tell_of_paused(self, group: str) -> None:
        store = self._opened()
        found = store.group(group)
        assert found is not None
        paused = RecipeRun(resumed(found), store, group)
        paused.look_up()
        self._status = recipe_status(paused, JobState.PAUSED, None)

    def _tell(self, state: JobState, error: CxrError | None = None) -> JobStatus:
        self._told = time.monotonic()
        self._status = recipe_status(self._present(), state, error)
        return self._status

    def _present(self) -> RecipeRun:
        if self._job is None:
            raise RuntimeError("no evaluation is running")
        return self._job

    def _opened(self) -> EvaluationStore:
        if self._store is None:
            self._store = EvaluationStore(store_path())
        return self._store


def recipe_status(job: RecipeRun, state: JobState, error: CxrError | None) -> JobStatus:
    """A recipe's evaluation; between its arms it tells of the first one."""
    progress = job.progress()
    arm = progress.arms[progress.at or 0]
    return JobStatus(
        run=arm.run or "",
        kind=job.kind,
        model=arm.model,
        precision=arm.precision,
        pipeline=arm.pipeline,
        state=state,
        done=arm.done,
        total=arm.total,
        failed=arm.failed,
        rate=arm.rate,
        remaining=arm.remaining,
        error=arm.error if error is None else error.to_dict(),
        unparsed=arm.unparsed,
        group=progress.group,
        name=progress.name,
        phase=progress.phase if state is JobState.RUNNING else None,
        fraction=progress.fraction,
        arms=progress.arms,
        swap_seconds=progress.swap_seconds,
        trial=job.paused_by_trial,
    )
