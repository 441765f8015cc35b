"""The plain path: one forward pass per token from Python. Runs everywhere, compiles nothing."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from cxr_demo.decoding import masks
from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.engine import Network, Prefix, Request, ShouldStop, State, never
from cxr_demo.decoding.engine import Step as Decoded
from cxr_demo.decoding.sampling import Chooser, logprob
from cxr_demo.decoding.step import Step, through


class PlainEngine:
    """See `engine.Engine`."""

    name = "plain"

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._network.device

    @torch.no_grad()
    def prefill(self, prefix: Prefix, room: int) -> State:
        """Run all positions of `prefix`, with room for `room` more in the cache."""
        batch, length, _ = prefix.embeddings.shape
        net = self._network
        cache = self._cache(batch, length, room)
        positions = (prefix.valid.long().cumsum(1) - 1).clamp(min=0)
        cache.begin(positions, prefix.valid)
        hidden = self._run(prefix.embeddings, positions, cache, prefix.blocks)
        return State(cache, net.head(hidden[:, -1:])[:, 0], positions[:, -1] + 1)

    @torch.no_grad()
    def extend(self, state: State, endings: Sequence[Sequence[int]], room: int) -> State:
        """Continue one prefilled row with each of `endings` as a batch; `state` stays usable."""
        lengths = torch.tensor([len(each) for each in endings], device=self._network.device)
        longest = int(lengths.max())
        ids = torch.zeros(len(endings), longest, dtype=torch.long, device=self._network.device)
        for row, ending in enumerate(endings):
            ids[row, : len(ending)] = torch.tensor(ending, device=ids.device)
        steps = torch.arange(longest, device=ids.device)[None]
        positions = state.next[:1, None] + steps.expand(len(endings), -1)
        cache = state.cache.spread(len(endings), longest + room)
        cache.begin(positions, steps < lengths[:, None])
        hidden = self._run(self._network.embed(ids), positions, cache)
        rows = torch.arange(len(endings), device=ids.device)
        last = hidden[rows, lengths - 1][:, None]
        return State(cache, self._network.head(last)[:, 0], state.next[:1] + lengths)

    @torch.no_grad()
    def decode(
        self, state: State, request: Request, should_stop: ShouldStop = never
    ) -> Iterator[Decoded]:
        """Decode until all rows ended, the limit is reached or `should_stop()` is true."""
        choose = Chooser(request.sampling, state.logits.device)
        ended = [False] * state.cache.batch
        chosen: Tensor | None = None
        for _ in range(request.max_new_tokens):
            if should_stop():
                return
            if chosen is not None:
                self._step(state, chosen)
            chosen = choose(state.logits)
            probabilities = logprob(state.logits, chosen) if request.logprobs else None
            step = decoded(chosen.tolist(), ended, request.stop_ids, probabilities)
            yield step
            ended = list(step.ended)
            if all(ended):
                return

    @torch.no_grad()
    def force(self, state: State, ids: Tensor) -> Tensor:
        """Logits before, between and after given tokens: (B, n) int64 -> (B, n + 1, V)."""
        every = [state.logits]
        for column in ids.unbind(1):
            self._step(state, column)
            every.append(state.logits)
        return torch.stack(every, dim=1)

    def steps(self, slots: int, room: int) -> Step:
        """A step for `slots` sequences of up to `room` positions, as `many.Table` takes it."""
        return Step(self._network, slots, room, through(self._network))

    def _cache(self, batch: int, length: int, room: int) -> KeyValueCache:
        """Where a prefill of `length` positions, with `room` more, goes."""
        net = self._network
        return KeyValueCache(net.layers, batch, length + room, net.window, net.dtype, net.device)

    def _step(self, state: State, chosen: Tensor) -> None:
        positions = state.next[:, None]
        state.cache.begin(positions)
        hidden = self._run(self._network.embed(chosen[:, None]), positions, state.cache)
        state.logits = self._network.head(hidden)[:, 0]
        state.next = state.next + 1

    def _run(
        self,
        embeddings: Tensor,
        positions: Tensor,
        cache: KeyValueCache,
        blocks: Tensor | None = None,
    ) -> Tensor:
        return self._network.hidden(embeddings, positions, masks.build(cache, blocks), cache)


def decoded(
    chosen: list[int],
    ended: list[bool],
    stop_ids: frozenset[int],
    probabilities: list[float] | None,
) -> Decoded:
    """What a step gave: the `chosen` id of each row, unless it had `ended` before."""
    ids = tuple(None if gone else id for id, gone in zip(chosen, ended, strict=True))
    now = tuple(gone or id in stop_ids for id, gone in zip(chosen, ended, strict=True))
    if probabilities is None:
        return Decoded(ids, now)
    shown = tuple(None if gone else p for p, gone in zip(probabilities, ended, strict=True))
    return Decoded(ids, now, shown)
