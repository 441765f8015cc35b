"""The store as boards: what may stand on one figure; points at once, intervals as they come.

One thread reads the store and computes points (`builder`); a child process computes intervals
(`desk`). Rows are kept in memory as long as they have not changed.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.paths import private_dir
from cxr_demo.results import names
from cxr_demo.results.builder import Builder, Kept
from cxr_demo.results.desk import Desk
from cxr_demo.results.records import ArmResult, Board, BoardName
from cxr_demo.results.twins import Twins
from cxr_demo.results.watch import Watch
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader

T = TypeVar("T")


class Book:
    """One per process; every method may be called from any thread."""

    def __init__(self, store: Path | None = None, kept: Path | None = None) -> None:
        """`store`: the file with the evaluations; `kept`: the folder for computed intervals."""
        self._path = store or store_path()
        self._desk = Desk(kept or private_dir() / "intervals")
        self._twins = Twins(self._path)
        self._kept = Kept(self._desk, self._twins)
        self._watch = Watch(self._path, (self._desk, self._twins))
        self._lane = ThreadPoolExecutor(1, "results")
        self._reader: StoreReader | None = None
        self.closed = False

    def token(self) -> str:
        """Changes when there is something new to show: rows, states, intervals. Cheap, for
        polling; while rows keep coming it changes only as often as boards may be built anew."""
        return self._watch.token()

    def boards(self) -> tuple[BoardName, ...]:
        """What there is to show, the newest first."""
        return self._in_lane(lambda reader: tuple(names.board_names(reader)))

    def board(self, name: str, labeler: str, policy: UncertaintyPolicy) -> Board:
        """The board of group `name` as it stands now. Raises KeyError for an unknown group."""
        begun = time.monotonic()
        found = self._in_lane(lambda reader: self._of(reader, name, labeler, policy).board())
        self._watch.took(time.monotonic() - begun)
        return found

    def with_answers(self, board: Board, run: str | None = None) -> Board:
        """The same board with answers to yes/no questions, of one run or of all that were asked.
        Up to a second for each of them, once."""
        name, labeler, policy = board.name.id, board.labeler, board.policy
        return self._in_lane(
            lambda reader: self._of(reader, name, labeler, policy).answered(board, run)
        )

    def slices(
        self, name: str, run: str, labeler: str, policy: UncertaintyPolicy
    ) -> dict[str, dict[str, ArmResult]]:
        """An arm's results by column ("dataset", "view", "sex", "age", "held_out") and value.
        Raises KeyError for an unknown group or run."""
        return self._in_lane(lambda reader: self._of(reader, name, labeler, policy).slices(run))

    def read(self, work: Callable[[StoreReader], T]) -> T:
        """Run `work` on the store, in the one thread that reads it."""
        return self._in_lane(work)

    def wait(self, seconds: float) -> bool:
        """Until all intervals that were asked for are there; false if it took longer."""
        end = time.monotonic() + seconds
        while self._twins.waiting and time.monotonic() < end:
            time.sleep(0.02)
        return self._desk.wait(max(0.0, end - time.monotonic())) and not self._twins.waiting

    def close(self) -> None:
        """End the threads and the child. A second time nothing happens."""
        if self.closed:
            return
        self.closed = True
        self._desk.close()
        self._twins.close()
        self._watch.close()
        self._lane.submit(self._close_reader).result()
        self._lane.shutdown()

    def _in_lane(self, work: Callable[[StoreReader], T]) -> T:
        def task() -> T:
            if self._reader is None:
                self._reader = StoreReader(self._path)
            return work(self._reader)

        return self._lane.submit(task).result()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _of(
        self, reader: StoreReader, name: str, labeler: str, policy: UncertaintyPolicy
    ) -> Builder:
        return Builder(reader, self._kept, name, labeler, policy)


@lru_cache(maxsize=1)
def _shared(path: Path) -> Book:
    return Book(path)


def shared() -> Book:
    """This process's book of the user's store: one for all screens, so that rows lie in memory
    once. After `close` there is a new one."""
    if _shared(store_path()).closed:
        _shared.cache_clear()
    return _shared(store_path())
