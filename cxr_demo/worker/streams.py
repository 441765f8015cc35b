"""What a client waits for: the events of a reading, or one answer."""

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Protocol

from cxr_demo.errors import CxrError
from cxr_demo.fit import Measured
from cxr_demo.records import DoneEvent, FailedEvent, ReadingEvent, TokenEvent
from cxr_demo.worker import messages
from cxr_demo.worker.messages import MeasureProgress, MeasureUpdate


class Waiter(Protocol):
    """Somebody who waits for what the worker says about one request."""

    def receive(self, message: Any) -> bool:
        """Take a message; true if it was the last."""

    def fail(self, error: CxrError) -> None:
        """The answer will not come."""


class ReadingStream(Iterator[ReadingEvent]):
    """The events of one reading, as they happen; the last is a DoneEvent or a FailedEvent, also
    when the worker dies. May be iterated in another thread than the one that calls `stop`."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._events: queue.SimpleQueue[ReadingEvent] = queue.SimpleQueue()
        self._stop = stop
        self._written: list[str] = []
        self._ended = False

    def __next__(self) -> ReadingEvent:
        if self._ended:
            raise StopIteration
        event = self._events.get()
        self._ended = isinstance(event, DoneEvent | FailedEvent)
        return event

    def stop(self) -> None:
        """Ask for the end; the stream still delivers its last event, within one token's time."""
        self._stop()

    @property
    def report(self) -> str:
        """What has been written so far (it may be ahead of the events taken)."""
        return "".join(self._written)

    def receive(self, message: Any) -> bool:
        """Called by the client's thread for each update."""
        event: ReadingEvent = message.event
        if isinstance(event, TokenEvent):
            self._written.append(event.token.text)
        self._events.put(event)
        return isinstance(event, DoneEvent | FailedEvent)

    def fail(self, error: CxrError) -> None:
        """Called by the client's thread when the worker is gone."""
        self._events.put(messages.failed(error, self.report))


class Measuring:
    """A measurement of what a model takes of the GPU; see `WorkerClient.measure_fit`."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._reply = Reply()
        self._stop = stop
        self._progress: MeasureProgress | None = None

    @property
    def progress(self) -> MeasureProgress | None:
        """The newest; None while it waits for its turn."""
        return self._progress

    @property
    def done(self) -> bool:
        """True once there is a result or an error."""
        return self._reply.future.done()

    def result(self, timeout: float | None = None) -> Measured:
        """The figures, once they are there. Raises CxrError, or TimeoutError after `timeout` s."""
        found: Measured = self._reply.future.result(timeout)
        return found

    def stop(self) -> None:
        """Give up; nothing is stored."""
        self._stop()

    def receive(self, message: Any) -> bool:
        """Called by the client's thread for each update, and for the answer."""
        if isinstance(message, MeasureUpdate):
            self._progress = message.progress
            return False
        return self._reply.receive(message)

    def fail(self, error: CxrError) -> None:
        """Called by the client's thread when the worker is gone."""
        self._reply.fail(error)


class Reply:
    """One answer, as a future."""

    def __init__(self) -> None:
        self.future: Future[Any] = Future()

    def receive(self, message: Any) -> bool:
        """Called by the client's thread with the Answer."""
        if not self.future.cancelled():
            if message.error is not None:
                self.future.set_exception(CxrError.from_dict(message.error))
            else:
                self.future.set_result(message.value)
        return True

    def fail(self, error: CxrError) -> None:
        """Called by the client's thread when the worker is gone."""
        if not self.future.cancelled():
            self.future.set_exception(error)
