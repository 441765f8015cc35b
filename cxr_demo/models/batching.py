"""Many radiographs through one model: prefilled some at a time, decoded side by side."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cxr_demo.decoding.engine import Prefix, State
from cxr_demo.decoding.many import SPARE, Ended, Plan, Table
from cxr_demo.decoding.slots import roomy
from cxr_demo.decoding.step import Step
from cxr_demo.models.base import Item, Reply, Seen, ShouldStop
from cxr_demo.records import BatchUse, Prompt, StopReason

TOGETHER = 8
"""Images that are encoded and prefilled at once: they fill a GPU and do not flood its memory."""


class Engine(Protocol):
    """What is needed of a decode path."""

    def prefill(self, prefix: Prefix, room: int) -> State:
        """See `decoding.engine.Engine`."""

    def steps(self, slots: int, room: int) -> Step:
        """A step for so many sequences of up to `room` positions."""


class Batchable(Protocol):
    """What is needed of a model."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Ids that end a reply."""

    def prefixes(self, seens: Sequence[Seen], prompts: Sequence[Prompt]) -> Prefix:
        """Images and prompts as rows."""

    def ids_of(self, prompt: Prompt) -> list[int]:
        """The prompt's ids."""

    def room_for(self, prompt: Prompt, most: int) -> int:
        """Positions of prompt and reply."""

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a reply."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    item: Item
    admitted: float


class Batch:
    """Up to `slots` items of `model` at a time."""

    def __init__(self, model: Batchable, engine: Engine, slots: int) -> None:
        if slots < 1:
            raise ValueError(f"a batch has at least one slot, got {slots}")
        self._model, self._engine, self._slots = model, engine, slots
        # A fourth of a small batch: the others would wait idle for the last of eight.
        self._worth_it = max(1, min(TOGETHER, slots // 4))
        self._table: Table[_Ticket] | None = None
        self._past = BatchUse(slots, 0, 0)

    @property
    def use(self) -> BatchUse:
        """How well the slots were used until now."""
        if self._table is None:
            return self._past
        now = self._table.use
        return BatchUse(self._slots, self._past.steps + now.steps, self._past.idle + now.idle)

    def replies(self, items: Iterable[Item], should_stop: ShouldStop) -> Iterator[Reply]:
        """Replies in the order of ending, until all are done or `should_stop()` is true."""
        queue = _Queue(items)
        while not should_stop() and (head := queue.head()) is not None:
            # The prompt's own bound, so that a later item with more to say fits, too.
            most = max(head.room, head.prompt.max_new_tokens)
            room = self._model.room_for(head.prompt, most) + SPARE
            self._table = Table(self._engine.steps(self._slots, roomy(room)))
            yield from self._until_idle(self._table, queue, should_stop)
            self._past, self._table = self.use, None  # the next item needs more room: a new table

    def _until_idle(
        self, table: Table[_Ticket], queue: "_Queue", should_stop: ShouldStop
    ) -> Iterator[Reply]:
        while not should_stop():
            if table.free >= self._worth_it:
                most = min(TOGETHER, table.free)
                items = queue.take(most, lambda item: table.fits(self._needed(item)))
                if items:
                    self._admit(table, items)
                    continue
            if table.idle:
                return
            for ended in table.advance():
                yield self._reply(ended)

    def _needed(self, item: Item) -> int:
        return self._model.room_for(item.prompt, item.room)

    def _admit(self, table: Table[_Ticket], items: Sequence[Item]) -> None:
        now = time.monotonic()
        prefix = self._model.prefixes(
            [each.seen for each in items], [each.prompt for each in items]
        )
        state = self._engine.prefill(prefix, 0)
        table.admit(state, [self._plan(each, now) for each in items])

    def _plan(self, item: Item, now: float) -> Plan[_Ticket]:
        stop_ids = self._model.stop_ids if item.force is None else frozenset[int]()
        return Plan(_Ticket(item, now), item.most, stop_ids)

    def _reply(self, ended: Ended[_Ticket]) -> Reply:
        item = ended.tag.item
        return Reply(
            key=item.key,
            text=self._model.text_of(ended.ids),
            ids=ended.ids,
            stop=StopReason.END if ended.stopped else StopReason.LENGTH,
            prompt_tokens=len(self._model.ids_of(item.prompt)),
            seconds=time.monotonic() - ended.tag.admitted,
        )


class _Queue:
    """Items one can look at before taking them."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._source = iter(items)
        self._head: Item | None = None

    def head(self) -> Item | None:
        """The next item, which stays; None at the end."""
        if self._head is None:
            self._head = next(self._source, None)
        return self._head

    def take(self, most: int, fits: Callable[[Item], bool]) -> list[Item]:
        """Up to `most` items, as long as they fit."""
        taken: list[Item] = []
        while len(taken) < most and (item := self.head()) is not None and fits(item):
            taken.append(item)
            self._head = None
        return taken
