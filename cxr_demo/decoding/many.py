"""Many replies at once: sequences that end make room for new ones.

    prefilled rows -> admit -> advance, advance, ... -> Ended, in the order of ending

The host looks at the tokens of one step while the device computes the next, so a row that ended
computes one token too many, which is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from cxr_demo.decoding.engine import State
from cxr_demo.decoding.step import Outbox, Step
from cxr_demo.records import BatchUse

T = TypeVar("T")
SPARE = 2
"""Columns beyond the longest sequence: the token too many, and the next one's place."""


@dataclass(frozen=True)
class Plan(Generic[T]):
    """What to decode after a prefilled row: at most `limit` tokens, ending at one of `stop_ids`, or
    exactly `limit` tokens if there are none. `tag` is the caller's own."""

    tag: T
    limit: int
    stop_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Ended(Generic[T]):
    """A finished row: its ids without the stop id, and whether a stop id ended it."""

    tag: T
    ids: tuple[int, ...]
    stopped: bool


@dataclass(eq=False)
class _Row(Generic[T]):
    plan: Plan[T]
    ids: list[int] = field(default_factory=list)
    done: bool = False
    stopped: bool = False

    def take(self, id: int) -> None:
        """One more token."""
        if id in self.plan.stop_ids:
            self.done = self.stopped = True
            return
        self.ids.append(id)
        self.done = len(self.ids) >= self.plan.limit


class Table(Generic[T]):
    """The sequences at work in a `Step`."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._rows: list[_Row[T] | None] = [None] * step.slots
        self._outbox = Outbox(step.slots, step.ids.device)
        self._sent: tuple[int, list[_Row[T] | None]] | None = None
        self._ended: list[Ended[T]] = []
        self._steps = self._idle = 0

    @property
    def use(self) -> BatchUse:
        """How well the slots were used until now."""
        return BatchUse(self._step.slots, self._steps, self._idle)

    @property
    def free(self) -> int:
        """Slots without a sequence."""
        return self._rows.count(None)

    @property
    def idle(self) -> bool:
        """True if no sequence is at work and nothing is left to be told of."""
        return self._resting and self._sent is None and not self._ended

    @property
    def _resting(self) -> bool:
        return self.free == len(self._rows)

    def fits(self, positions: int) -> bool:
        """Whether a sequence of so many positions, prompt and reply, has room."""
        return positions + SPARE <= self._step.room

    @torch.no_grad()
    def admit(self, state: State, plans: Sequence[Plan[T]]) -> None:
        """Put the rows of a prefilled `state` to work. Raises ValueError if slots are short."""
        slots = [at for at, each in enumerate(self._rows) if each is None][: len(plans)]
        if len(slots) < len(plans):
            raise ValueError(f"{len(plans)} rows for {len(slots)} free slots")
        first = state.logits.argmax(-1)
        self._step.admit(state.cache, first, slots)
        for slot, plan, id in zip(slots, plans, first.tolist(), strict=True):
            self._rows[slot] = _Row(plan)
            self._give(slot, int(id))

    def advance(self) -> list[Ended[T]]:
        """Compute one token more for every sequence; what has ended by now."""
        sent, self._sent = self._sent, None
        if not self._resting:
            self._step.run()
            self._sent = (self._outbox.post(self._step.ids), list(self._rows))
            self._steps += 1
            self._idle += self.free
        if sent is not None:
            self._look(*sent)
        ended, self._ended = self._ended, []
        return ended

    def _look(self, turn: int, rows: list[_Row[T] | None]) -> None:
        for slot, (row, id) in enumerate(zip(rows, self._outbox.take(turn), strict=True)):
            if row is None:
                continue
            if row.done:  # it ended one step before: this is the token too many
                self._idle += 1
            else:
                self._give(slot, id)

    def _give(self, slot: int, id: int) -> None:
        row = self._rows[slot]
        assert row is not None
        row.take(id)
        if row.done:
            self._rows[slot] = None
            self._step.release(slot)
            self._ended.append(Ended(row.plan.tag, tuple(row.ids), row.stopped))
