"""The captured path: a decode step as one CUDA graph. No compiler is needed, only CUDA.

One sequence runs over a `Step` that is kept from one reading to the next: it ends where the next
one is prefilled. Its room is that of a usual reply, and becomes wider in the middle of the first
one that needs more. Everything else (several rows, endings of one prefix) takes the plain path.
A prefill that comes again and again can be captured as well (`set_up`, `open`).
"""

from collections.abc import Callable, Hashable, Iterator

import torch
from torch import Tensor

from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.engine import Network, Request, ShouldStop, State, never
from cxr_demo.decoding.engine import Step as Decoded
from cxr_demo.decoding.opening import Opening, Source
from cxr_demo.decoding.plain import PlainEngine, decoded
from cxr_demo.decoding.sampling import Chooser, logprob
from cxr_demo.decoding.slots import roomy
from cxr_demo.decoding.step import Forward, Outbox, Step, through

AT_ONCE = 192
"""New tokens for which room is made before they come. Most reports are shorter; to hold what the
longest would need takes up to 100 MiB that stand empty."""

Forwards = Callable[[int], Forward]
"""Number of sequences -> their step."""


class CapturedEngine(PlainEngine):
    """See `engine.Engine`. `forwards` compute a step; the network's own modules if not given."""

    name = "captured"

    def __init__(
        self, network: Network, forwards: Forwards | None = None, name: str = "captured"
    ) -> None:
        super().__init__(network)
        self.name = name
        self._forwards = forwards or (lambda slots: through(network))
        self._kept: Step | None = None
        self._user: KeyValueCache | None = None
        self._openings: dict[Hashable, Opening] = {}

    def steps(self, slots: int, room: int) -> Step:
        """A step for `slots` sequences of up to `room` positions, as `many.Table` takes it."""
        return Step(self._network, slots, room, self._forwards(slots))

    def _cache(self, batch: int, length: int, room: int) -> KeyValueCache:
        if batch > 1 or room == 0:
            return super()._cache(batch, length, room)
        self._user = self._place(length, room).cache.row(length)
        return self._user

    def _place(self, length: int, room: int) -> Step:
        return self._keep(length + min(room, AT_ONCE))

    def reserve(self, positions: int) -> None:
        """Hold room for so many positions, as after a reply that came to that length."""
        self._keep(positions)

    def _keep(self, positions: int) -> Step:
        needed = roomy(positions + 1)
        if self._kept is None:
            self._kept = self.steps(1, needed)
        elif self._kept.room < needed:
            self._widen(self._kept, needed)
        return self._kept

    def set_up(
        self, key: Hashable, source: Source, length: int, blocks: Tensor | None, room: int
    ) -> None:
        """Make `open(key)` prefill what `source` gives, as `prefill` does; see `Opening`."""
        step = self._place(length, room)
        self._openings[key] = Opening(self._network, step, source, length, blocks)

    def forget(self, key: Hashable) -> None:
        """Undo `set_up`."""
        self._openings.pop(key, None)

    def opens(self, key: Hashable) -> bool:
        """Whether `key` is set up: not for ever, since its place may have to grow."""
        return key in self._openings

    @property
    def openings(self) -> int:
        """How many keys are set up."""
        return len(self._openings)

    def open(self, key: Hashable) -> State:
        """Prefill what the buffers of `key` hold. Raises KeyError if it is not set up."""
        state = self._openings[key].run()
        self._user = state.cache
        return state

    def _step_of(self, state: State) -> Step | None:
        if state.cache is self._user:
            return self._kept
        if state.cache.lent:
            self._check(state)
        return None

    def _advance(self, step: Step, column: int, columns: int) -> None:
        """Run `step`, which writes to `column`; where that is not there, the place is made wide
        enough for `columns`."""
        if column >= step.room:
            self._widen(step, roomy(columns + 1))
        step.run()

    def _widen(self, step: Step, room: int) -> None:
        user, self._kept, self._user = self._user, None, None  # if memory ends in its middle
        self._openings.clear()  # they led to the old place, and held more than is needed now
        step.widen(room)
        self._kept, self._user = step, user

    def _check(self, state: State) -> None:
        if state.cache is not self._user:
            raise RuntimeError("another sequence has begun since: this one cannot go on")

    @torch.no_grad()
    def decode(
        self, state: State, request: Request, should_stop: ShouldStop = never
    ) -> Iterator[Decoded]:
        """Decode until the row ended, the limit is reached or `should_stop()` is true."""
        step = self._step_of(state)
        if step is None:
            yield from super().decode(state, request, should_stop)
        elif request.sampling.temperature > 0 or request.logprobs:
            yield from self._chosen(step, state, request, should_stop)
        else:
            yield from self._greedy(step, state, request, should_stop)

    def _greedy(
        self, step: Step, state: State, request: Request, should_stop: ShouldStop
    ) -> Iterator[Decoded]:
        # While the host looks at one token the device already computes the next.
        outbox = Outbox(1, step.ids.device)
        begun = state.cache.end
        step.active.fill_(1)
        step.ids.copy_(state.logits.argmax(-1))
        waiting = outbox.post(step.ids)
        for index in range(request.max_new_tokens):
            self._check(state)
            if should_stop():
                return
            turn = waiting
            if index + 1 < request.max_new_tokens:
                self._advance(step, begun + index, begun + request.max_new_tokens)
                waiting = outbox.post(step.ids)
            now = decoded(outbox.take(turn), [False], request.stop_ids, None)
            yield now
            if now.ended[0]:
                return

    def _chosen(
        self, step: Step, state: State, request: Request, should_stop: ShouldStop
    ) -> Iterator[Decoded]:
        choose = Chooser(request.sampling, state.logits.device)
        begun = state.cache.end
        step.active.fill_(1)
        for index in range(request.max_new_tokens):
            self._check(state)
            if should_stop():
                return
            if index:
                self._advance(step, begun + index - 1, begun + request.max_new_tokens)
            logits = step.logits if index else state.logits
            step.ids.copy_(choose(logits))
            chances = logprob(logits, step.ids) if request.logprobs else None
            now = decoded(step.ids.tolist(), [False], request.stop_ids, chances)
            yield now
            if now.ended[0]:
                return

    @torch.no_grad()
    def force(self, state: State, ids: Tensor) -> Tensor:
        """Logits before, between and after given tokens: (B, n) int64 -> (B, n + 1, V)."""
        step = self._step_of(state)
        if step is None:
            return super().force(state, ids)
        step.active.fill_(1)
        every, begun = [state.logits], state.cache.end
        for index, column in enumerate(ids.unbind(1)):
            step.ids.copy_(column)
            self._advance(step, begun + index, begun + ids.shape[1])
            every.append(step.logits.clone())
        return torch.stack(every, dim=1)
