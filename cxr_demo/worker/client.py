"""How the app and the command line speak with the worker. No torch; every method is thread-safe.

    with WorkerClient.start() as worker:
        for event in worker.read(radiograph, "embedded", Precision.NF4, PipelineKind.REPORT):
            ...

A thread keeps the connection: it starts the worker or attaches to a running one, notices its death
(by a closed connection or missing heartbeats), says so in `status()`, and starts it again.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from cxr_demo import calibration as _calibration
from cxr_demo.datasets import faults as _data_faults
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import WorkerDied, WorkerError
from cxr_demo.evaluation import faults as _evaluation_faults
from cxr_demo.labelers import faults as _labeler_faults
from cxr_demo.models import faults as _model_faults
from cxr_demo.records import (
    ImageUse,
    Phase,
    PhaseEvent,
    PipelineKind,
    Precision,
    Radiograph,
)
from cxr_demo.studies import errors as _study_faults
from cxr_demo.worker import launch, messages
from cxr_demo.worker.endpoint import Channel
from cxr_demo.worker.faults import ReadingStopped
from cxr_demo.worker.messages import (
    JobState,
    JobStatus,
    SeenImage,
    WorkerState,
    WorkerStatus,
)
from cxr_demo.worker.streams import Measuring, ReadingStream, Reply, Waiter
from cxr_demo.worker.wire import WireError

SILENCE_S = 30.0
"""Seconds without a heartbeat (sent every half second) after which the worker counts as stuck."""

LONGEST_PAUSE_S = 10.0
"""Seconds between two starts of a worker that dies again and again."""

ERRORS = (
    _evaluation_faults,
    _data_faults,
    _study_faults,
    _labeler_faults,
    _model_faults,
    _calibration,
)
"""Modules whose errors can arrive from the worker: importing them makes their words known."""

_log = logging.getLogger(__name__)


class WorkerClient:
    """A connection to the one worker of this private folder. See the head of this file."""

    def __init__(self, command: Sequence[str] | None = None, preload: bool = True) -> None:
        self._launcher = launch.Launcher(command or launch.COMMAND)
        self._preload = preload
        self._changed = threading.Condition()
        self._status = WorkerStatus(WorkerState.STARTING, since=time.time())
        self._channel: Channel | None = None
        self._waiters: dict[int, Waiter] = {}
        self._unsent: list[Any] = []
        self._last_id = 0
        self._closing = threading.Event()
        self._deaths = 0
        self._thread = threading.Thread(target=self._keep, name="worker-client", daemon=True)

    @classmethod
    def start(cls, command: Sequence[str] | None = None, preload: bool = True) -> Self:
        """Start the worker or attach to it, in the background; returns at once.

        `preload`: bring the last model used to the device as soon as the worker is ready.
        `command`: another program that speaks the worker's protocol (tests).
        """
        client = cls(command, preload)
        client._thread.start()
        return client

    def status(self) -> WorkerStatus:
        """The newest status, at most half a second old while the worker lives. Never blocks."""
        return self._status

    def wait(self, until: Callable[[WorkerStatus], bool], timeout: float) -> WorkerStatus:
        """Wait until `until(status)` is true. Raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: until(self._status), timeout):
                raise TimeoutError
            return self._status

    def load(self, model: str, precision: Precision) -> Future[None]:
        """Bring `model` to the device; progress is in `status()`. The future raises ModelError."""
        return self._ask(lambda id: messages.Load(id, model, precision))

    def unload(self) -> Future[None]:
        """Free the device."""
        return self._ask(messages.Unload)

    def read(
        self,
        radiograph: Radiograph,
        model: str,
        precision: Precision,
        kind: PipelineKind,
        prompt: str | None = None,
    ) -> ReadingStream:
        """Read one radiograph, loading the model first if another one is on the device. `prompt` is
        the id of one of the card's (its default, if None). Waits for the worker's start and in its
        queue; every error arrives as the stream's FailedEvent."""
        id = self._next_id()
        stream = ReadingStream(lambda: self._stop(id))
        stream.receive(messages.ReadingUpdate(id, PhaseEvent(Phase.QUEUED)))
        self._submit(messages.Read(id, radiograph, model, precision, kind, prompt), stream)
        return stream

    def see(
        self,
        radiograph: Radiograph,
        model: str,
        precision: Precision,
        kind: PipelineKind,
        prompt: str | None = None,
        timeout: float | None = 120.0,
    ) -> SeenImage:
        """Exactly what `model` is given for `radiograph`, loading the model first if need be.
        Raises CxrError, or TimeoutError after `timeout` seconds."""
        future: Future[SeenImage] = self._ask(
            lambda id: messages.See(id, radiograph, model, precision, kind, prompt)
        )
        return future.result(timeout)

    def prove(
        self, model: str | None = None, precision: Precision | None = None
    ) -> Future[ImageUse]:
        """Measure whether a model uses its image (of the loaded one, if none is named), and store
        the result on this machine. The future raises CxrError."""
        return self._ask(lambda id: messages.Prove(id, model, precision))

    def measure_fit(self, model: str, precision: Precision) -> Measuring:
        """Measure on this GPU what `model` takes of it, with random weights and no download; stored
        for `fit.answers`. The model that is loaded leaves. Its `result` raises NoGpu, OutOfMemory,
        MeasuringStopped or JobRunning."""
        id = self._next_id()
        measuring = Measuring(lambda: self._stop(id))
        self._submit(messages.MeasureFit(id, model, precision), measuring)
        return measuring

    def start_job(self, kind: str, recipe: dict[str, Any]) -> Future[JobStatus]:
        """Start the evaluation `kind`, or go on where the same recipe stopped. Its progress is in
        `status().job`. The future raises JobRunning or RecipeUnknown."""
        return self._ask(lambda id: messages.StartJob(id, kind, recipe))

    def start_evaluation(
        self, recipe: Recipe, data: dict[str, str], options: dict[str, Any] | None = None
    ) -> Future[JobStatus]:
        """Run `recipe` over the data sets in the folders `data` (by name; {"phantoms": "234"} draws
        as many phantoms), or go on where it stopped. `options`: `evaluation.plan.Options`. The
        future raises JobRunning, RecipeUnknown, DataFolderMissing or UnknownModel."""
        asked = {"recipe": recipe.to_dict(), "data": data, "options": options or {}}
        return self.start_job("recipe", asked)

    def stop_job(self) -> Future[None]:
        """Stop the running or paused evaluation within one reply; what is done stays."""
        return self._ask(messages.StopJob)

    def pause_job(self) -> Future[None]:
        """Pause the running evaluation of a recipe within one reply, also across restarts."""
        return self._ask(messages.PauseJob)

    def resume_job(self, group: str | None = None) -> Future[JobStatus]:
        """Go on with the evaluation of a recipe: with `group`, or with the last one. The future
        raises JobRunning, NothingToResume, and what starting raises."""
        return self._ask(lambda id: messages.ResumeJob(id, group))

    def shutdown(self) -> Future[None]:
        """End the worker, also for other clients (which start a new one). For IT staff."""
        return self._ask(messages.Shutdown)

    def close(self) -> None:
        """Let go of the worker: it stops this client's readings, and ends by itself within ten
        seconds if nobody else is attached and no evaluation runs."""
        self._closing.set()
        channel = self._channel
        if channel is not None:
            channel.hang_up()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ asking

    def _next_id(self) -> int:
        with self._changed:
            self._last_id += 1
            return self._last_id

    def _ask(self, request: Callable[[int], Any]) -> Future[Any]:
        id, reply = self._next_id(), Reply()
        self._submit(request(id), reply)
        return reply.future

    def _submit(self, request: Any, waiter: Waiter) -> None:
        with self._changed:
            if self._closing.is_set():
                waiter.fail(WorkerDied())
                return
            self._waiters[request.id] = waiter
            channel = self._channel
            if channel is None:
                self._unsent.append(request)  # goes out as soon as the worker answers
                return
        self._send(channel, request)

    def _stop(self, id: int) -> None:
        with self._changed:
            before = len(self._unsent)
            self._unsent = [each for each in self._unsent if each.id != id]
            if len(self._unsent) < before:
                self._waiters.pop(id).fail(ReadingStopped())
                return
            channel = self._channel
        if channel is not None:
            self._send(channel, messages.Stop(id))

    def _send(self, channel: Channel, message: Any) -> None:
        try:
            channel.send(message)
        except OSError:
            channel.hang_up()  # the receiving thread notices and fails everybody who waits

    # ------------------------------------------------------------ the client's thread

    def _keep(self) -> None:
        try:
            while not self._closing.is_set():
                began = time.monotonic()
                error = self._one_life()
                self._deaths = 0 if time.monotonic() - began > 30 else self._deaths + 1
                self._lost(error)
                self._closing.wait(min(LONGEST_PAUSE_S, 0.25 * 2 ** min(self._deaths, 6)))
        finally:
            self._lost(WorkerDied())

    def _one_life(self) -> WorkerError:
        """Attach, and pass messages on until the worker is gone; says why it is."""
        self._show(replace(self._status, state=WorkerState.STARTING, since=time.time()))
        try:
            channel, pid = self._launcher.attach(self._closing.is_set)
        except WorkerError as error:
            return error
        with self._changed:
            self._channel = channel
            waiting, self._unsent = self._unsent, []
        if self._preload and not waiting and self._deaths < 2:  # it may be what kills the worker
            self.load_last()
        for request in waiting:
            self._send(channel, request)
        try:
            while True:
                self._handle(_next(channel))
        except TimeoutError:
            launch.end_process(pid)
        except (OSError, EOFError, WireError, TypeError) as error:
            _log.info("worker connection ended: %s", type(error).__name__)
        finally:
            channel.close()
        return WorkerDied()

    def load_last(self) -> Future[None]:
        """Bring the model that was used last (at first, the embedded one) to an idle device."""
        return self._ask(messages.Load)

    def _handle(self, message: Any) -> None:
        if isinstance(message, WorkerStatus):
            self._show(message)
            return
        with self._changed:
            waiter = self._waiters.get(message.id)
        if waiter is not None and waiter.receive(message):
            with self._changed:
                self._waiters.pop(message.id, None)

    def _lost(self, error: WorkerError) -> None:
        with self._changed:
            self._channel = None
            self._unsent = []
            waiters, self._waiters = list(self._waiters.values()), {}
        for waiter in waiters:
            waiter.fail(error)
        job = self._status.job
        if job is not None and job.state is JobState.RUNNING:
            job = replace(job, rate=None, remaining=None)
        self._show(
            WorkerStatus(WorkerState.DEAD, error=error.to_dict(), since=time.time(), job=job)
        )

    def _show(self, status: WorkerStatus) -> None:
        with self._changed:
            self._status = status
            self._changed.notify_all()


def _next(channel: Channel) -> Any:
    """The next message. Raises TimeoutError after SILENCE_S, waited for in two halves: a machine
    that slept finds the first one over when it wakes, though the worker is well."""
    try:
        return channel.receive(SILENCE_S / 2)
    except TimeoutError:
        return channel.receive(SILENCE_S / 2)


__all__ = [
    "JobState",
    "JobStatus",
    "Measuring",
    "ReadingStream",
    "SeenImage",
    "WorkerClient",
    "WorkerState",
    "WorkerStatus",
]
