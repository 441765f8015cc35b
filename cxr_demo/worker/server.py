"""The worker's main loop: one thing at a time on the device, readings before an evaluation.

clients' threads --submit--> Desk --take--> main thread: load, read, see, evaluate one image
heartbeat thread: status and telemetry every half second; ends a worker that nobody needs
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cxr_demo.errors import CxrError, ModelError
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    Phase,
    PhaseEvent,
    Precision,
    ReadingEvent,
    TokenEvent,
)
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker import engine as engines
from cxr_demo.worker import measuring
from cxr_demo.worker.answers import answer, note, refuse
from cxr_demo.worker.desk import Desk, Task
from cxr_demo.worker.endpoint import Door
from cxr_demo.worker.engine import DeviceFault, Engine
from cxr_demo.worker.faults import JobRunning, ReadingStopped
from cxr_demo.worker.guests import Guests
from cxr_demo.worker.hall import Client, Hall
from cxr_demo.worker.host import DeviceHost, measured
from cxr_demo.worker.jobs import Jobs
from cxr_demo.worker.messages import (
    Answer,
    JobStatus,
    Load,
    MeasureFit,
    PauseJob,
    Prove,
    Read,
    ReadingUpdate,
    Request,
    ResumeJob,
    See,
    Shutdown,
    StartJob,
    Stop,
    StopJob,
    Unload,
    Welcome,
    WorkerState,
    WorkerStatus,
)
from cxr_demo.worker.shortage import explained

HEARTBEAT_S = 0.5
IDLE_S = 4.0
"""Seconds without clients and without an evaluation after which the worker ends."""

PATIENCE_S = 2.5
"""Seconds that the main thread gets to finish what it does before the process ends anyway."""

EXIT_FAULT = 70
_log = logging.getLogger(__name__)


class Server:
    """Owns the engine. `run` returns the process's exit status; it must be the main thread."""

    def __init__(
        self, engine: Engine, sampler: Sampler, neighbours: Neighbours, jobs: Jobs
    ) -> None:
        self._engine = engine
        self._host = DeviceHost(engine, sampler, neighbours, self._show_load)
        self._sampler = sampler
        self._jobs = jobs
        self._guests = Guests(engine, jobs, sampler)
        self._desk = Desk()
        self._ending = threading.Event()
        self._board = threading.Lock()
        self._status = WorkerStatus(WorkerState.READY, since=time.time(), pid=os.getpid())
        self._door = Door()
        self._hall = Hall(
            self._door,
            greeting=lambda: (Welcome(pid=os.getpid()), self._status),
            on_request=self._on_request,
            on_leave=self._desk.stop,
        )

    def run(self) -> int:
        """Serve until nobody needs this worker, `end` is called, or the device breaks."""
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            self._guard(self._jobs.resume)
            while not self._ending.is_set():
                task = self._desk.take(wait=not (self._jobs.active or self._engine.crowded))
                if task is not None:
                    self._host.rest()
                    self._perform(task)
                else:
                    self._go_on()
                self._show(state=self._idle_state(), fraction=None)
        except DeviceFault:
            _log.error("the device failed; a new process is needed")
            return EXIT_FAULT
        finally:
            self._guard(self._jobs.put_down)
            self._door.close()
            self._hall.deliver(0.5)
        return 0

    def end(self) -> None:
        """Leave the main loop at the next boundary; may be called from a signal handler."""
        self._ending.set()
        self._jobs.leave()
        # In a thread: a signal may have interrupted the main thread inside the desk.
        threading.Thread(target=self._desk.close, daemon=True).start()

    # ------------------------------------------------------------ in the clients' threads

    def _on_request(self, client: Client, request: Any) -> None:
        match request:
            case Stop(reading=reading):
                self._desk.stop(client, reading)
            case StopJob(id=id) | PauseJob(id=id):
                (self._jobs.stop if isinstance(request, StopJob) else self._jobs.pause)()
                self._desk.nudge()
                client.send(Answer(id))
            case Shutdown(id=id):
                client.send(Answer(id))
                self.end()
            case _ if isinstance(request, Request):  # all others wait for the device
                task = Task(client, request)
                try:
                    self._desk.submit(task)
                except CxrError as error:
                    refuse(task, error)

    # ------------------------------------------------------------ in the heartbeat's thread

    def _beat(self) -> None:
        while not self._ending.wait(HEARTBEAT_S):
            self._show(telemetry=self._sampler.sample())
            if self._hall.empty_for() > IDLE_S and not self._jobs.active:
                _log.info("nobody is attached and nothing runs: ending")
                self.end()
        time.sleep(PATIENCE_S)
        _log.warning("the main thread did not finish in time: ending anyway")
        self._door.close()
        os._exit(0)  # the driver frees the device's memory with the process

    def _show(self, **changes: Any) -> None:
        with self._board:
            old = self._status
            new = replace(old, waiting=self._desk.waiting(), job=self._jobs.status(), **changes)
            if new.state is not old.state:
                new = replace(new, since=time.time())
            self._status = new
            if new != old:
                self._hall.broadcast(new)  # under the lock, so that no older status comes later

    # ------------------------------------------------------------ in the main thread

    def _idle_state(self) -> WorkerState:
        return WorkerState.EVALUATING if self._jobs.active else WorkerState.READY

    def _go_on(self) -> None:
        """Nobody waits: a guest leaves the device, and an evaluation goes on."""
        if self._engine.bring_back():
            self._show_loaded()
        self._host.go_on()
        if not self._jobs.active:
            self._jobs.settle()
        elif not self._ending.is_set():
            self._evaluate()

    def _perform(self, task: Task) -> None:
        began = time.monotonic()
        request = task.request
        try:
            if task.stop.is_set():
                raise ReadingStopped()
            match request:
                case Read():
                    self._read(task, request)
                case See():
                    self._bring(request.model, request.precision, task)
                    answer(task, self._engine.see(request.radiograph, request.kind, request.prompt))
                case Prove():
                    self._prove(task, request)
                case MeasureFit():
                    self._measure(task, request)
                case Load():
                    self._load(task, request)
                case Unload():
                    self._engine.unload()
                    self._show(model=None, precision=None)
                    answer(task)
                case StartJob() | ResumeJob():
                    started = self._start(request)
                    self._show(state=WorkerState.EVALUATING)  # told before the answer
                    answer(task, started)
        except DeviceFault:
            raise
        except Exception as error:  # noqa: BLE001 - the worker outlives whatever a request does
            self._fail(task, error)
        _log.info("%s took %.3f s", type(request).__name__, time.monotonic() - began)

    def _start(self, request: StartJob | ResumeJob) -> JobStatus:
        if isinstance(request, ResumeJob):
            return self._jobs.go_on(request.group)
        return self._jobs.start(request.kind, request.recipe)

    def _load(self, task: Task, request: Load) -> None:
        if request.model is None or request.precision is None:
            model, precision = engines.recall()
            if self._desk.superseded(task) or self._jobs.active or self._engine.loaded:
                answer(task)
                return
        else:
            model, precision = request.model, request.precision
        self._bring(model, precision, task)
        answer(task)

    def _prove(self, task: Task, request: Prove) -> None:
        wanted = self._engine.loaded or engines.recall()
        if request.model is not None and request.precision is not None:
            wanted = request.model, request.precision
        self._bring(*wanted, task)
        self._show(state=WorkerState.READING)
        answer(task, self._engine.prove())

    def _measure(self, task: Task, request: MeasureFit) -> None:
        """Alone on the device: what is loaded leaves, and does not come back by itself."""
        measuring.check(request.model, request.precision)
        if self._jobs.active:
            raise JobRunning()
        self._show(
            state=WorkerState.MEASURING,
            model=request.model,
            precision=request.precision,
            device=None,
            fraction=0.0,
        )
        try:
            found = measuring.perform(task, request, self._engine, self._sampler, self._show)
        finally:
            self._sampler.end_request()
            self._engine.unload()
            self._show_loaded()
        answer(task, found)

    def _bring(
        self,
        model: str,
        precision: Precision,
        task: Task,
        emit: Callable[[ReadingEvent], None] = lambda event: None,
    ) -> bool:
        """Load unless loaded, telling everybody how far it is; stops when `task` is stopped.
        True if it had to be loaded."""

        def progress(fraction: float) -> None:
            if task.stop.is_set():
                raise ReadingStopped()
            self._show(fraction=fraction)
            emit(PhaseEvent(Phase.LOADING, fraction))

        if self._engine.loaded == (model, precision):
            if not self._engine.crowded:
                self._jobs.make_way(model, precision)
            return False
        self._show(state=WorkerState.LOADING, model=model, precision=precision, fraction=0.0)
        self._sampler.begin_request()
        try:
            self._guests.bring(model, precision, progress)
        finally:
            self._sampler.end_request()
            self._show_loaded()
        self._engine.prove_at_first()
        engines.remember(model, precision)
        self._show(error=None)
        return True

    def _show_loaded(self) -> None:
        model, precision = self._engine.loaded or (None, None)
        on = {"device": self._engine.device, "guest": self._engine.crowded}
        self._show(model=model, precision=precision, fraction=None, **on)

    def _show_load(self, fraction: float | None) -> None:
        """A model comes to the device, or leaves it, for an evaluation."""
        if fraction is None:
            self._show_loaded()
        else:
            self._show(fraction=fraction)

    def _read(self, task: Task, request: Read) -> None:
        def emit(event: ReadingEvent) -> None:
            task.asker.send(ReadingUpdate(request.id, event))

        loaded = self._bring(request.model, request.precision, task, emit)
        self._show(state=WorkerState.READING)
        self._sampler.begin_request()
        written: list[str] = []
        # Waiting for others and loading have phases of their own; they are no part of TTFT.
        submitted = time.monotonic() if loaded or task.queued else task.submitted
        events = self._engine.read(
            request.radiograph, request.kind, task.stop.is_set, submitted, request.prompt
        )
        try:
            for event in measured(events, self._engine, self._sampler):
                if isinstance(event, TokenEvent):
                    written.append(event.token.text)
                elif isinstance(event, DoneEvent):
                    event = DoneEvent(self._engine.complete(event.reading, request.radiograph))
                emit(event)
                if isinstance(event, DoneEvent | FailedEvent):
                    return
            raise ModelError(model=request.model, detail="no end")
        except Exception as error:  # noqa: BLE001 - what was written so far must not be lost
            if written or not self._guests.leave(error):
                self._fail(task, error, "".join(written))
                return
        finally:
            self._sampler.end_request()
        self._read(task, request)  # once more, with the device for itself

    def _evaluate(self) -> None:
        self._show(state=WorkerState.EVALUATING)
        try:
            if not self._jobs.settle():
                self._jobs.advance(self._host)
        except DeviceFault:
            raise  # the next process goes on
        except Exception as error:  # noqa: BLE001 - a broken evaluation must not take readings along
            note(error)
            status = self._jobs.status()
            model = "?" if status is None else status.model
            self._jobs.fail(self._engine.translate(error, model))
            self._show_loaded()

    def _fail(self, task: Task, error: Exception, report: str = "") -> None:
        """Answer `task` with `error`; a broken device ends the main loop."""
        note(error)
        model = getattr(task.request, "model", None) or "?"
        before = self._sampler.sample()
        if self._engine.is_full(error):
            self._jobs.release()  # its model leaves the device with all others
        try:
            translated = self._engine.translate(error, model)
        except DeviceFault as fault:
            refuse(task, explained(fault.told, task.request, before), report)
            raise
        translated = explained(translated, task.request, before)
        self._show_loaded()  # an out-of-memory has emptied the device
        if not isinstance(translated, ReadingStopped) and isinstance(task.request, Load):
            self._show(error=translated.to_dict())
        refuse(task, translated, report)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - readings must work without the store
            note(error)
            self._show(error=self._engine.translate(error, "?").to_dict())
