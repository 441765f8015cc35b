"""The thread that labels outputs and commits them, so that the device does not wait for the disk.

Every image is a commit of its own. A kill loses what is still in the queue, which holds no more
than a batch.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Row

Make = Callable[[], Row]
"""Makes the row, its labels included; called in the writer's thread."""


@dataclass
class Tally:
    """What the run has so far. `errors` holds the newest record of each code."""

    done: int = 0
    failed: int = 0
    unparsed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    errors: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def commonest(self) -> dict[str, Any] | None:
        """The record of the error that came most often since this process began."""
        if not self.codes:
            return None
        return self.errors[self.codes.most_common(1)[0][0]]


class Sink(Protocol):
    """Where a session's rows go: a `Writer`, or `again.Keeper`."""

    tally: Tally

    def put(self, make: Make, error: dict[str, Any] | None = None) -> None:
        """Take one row in the making; `error` is what it failed with."""

    def flush(self) -> None:
        """Wait until what was taken is durable."""


class Writer:
    """Writes rows of `run` into `path`. `put` waits when `room` rows are on their way, and raises
    what went wrong in the thread; `flush` returns when everything is on the disk."""

    def __init__(self, path: Path, run: str, room: int) -> None:
        self._path, self._run = path, run
        self._queue: queue.Queue[Make | None] = queue.Queue(room)
        self._broken: Exception | None = None
        self.tally = Tally()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._started = threading.Event()
        self._thread.start()
        self._started.wait()
        self._check()

    def put(self, make: Make, error: dict[str, Any] | None = None) -> None:
        """Hand over one row in the making; `error` is what it failed with."""
        self._check()
        if error is not None:
            self.tally.codes[error["code"]] += 1
            self.tally.errors[error["code"]] = error
        self._queue.put(make)

    def flush(self) -> None:
        """Wait until all rows are durable. Raises what the thread met."""
        self._queue.join()
        self._check()

    def close(self) -> None:
        """Finish what was handed over and end the thread. Raises what it met."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._check()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _work(self) -> None:
        try:
            store = EvaluationStore(self._path)
            done, failed, unparsed = store.counts(self._run)
            self.tally.done, self.tally.failed, self.tally.unparsed = done, failed, unparsed
        except Exception as error:  # noqa: BLE001 - raised by whoever made this writer
            self._broken = error
            return
        finally:
            self._started.set()
        with store:
            while (make := self._queue.get()) is not None:
                self._write(store, make)
                self._queue.task_done()

    def _write(self, store: EvaluationStore, make: Make) -> None:
        if self._broken is not None:
            return  # whoever waits is let go, and told by the next call
        try:
            row = make()
            if store.commit(self._run, row):
                self.tally.done += 1
                self.tally.failed += row.error is not None
                self.tally.unparsed += any(each.unparsed for each in row.labels)
        except Exception as error:  # noqa: BLE001 - raised in the thread that hands rows over
            self._broken = error
