"""One decode step over buffers that stay where they are, so that it can be captured once as a CUDA
graph and replayed without a launch from Python. Without CUDA the same step runs directly: the twin
that tests on a processor look at.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cxr_demo.decoding import graphs
from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.engine import Network
from cxr_demo.decoding.slots import SlotCache

Forward = Callable[[Tensor, SlotCache], Tensor]
"""Ids (S,) of the newest tokens and the cache -> logits (S, V) of the next ones. Writes keys and
values to the column `lengths` of each row and leaves `lengths` alone."""


def through(network: Network) -> Forward:
    """The step through the network's own modules."""

    def forward(ids: Tensor, cache: SlotCache) -> Tensor:
        positions = cache.lengths[:, None]
        embeddings = network.embed(ids[:, None])
        # A SlotCache offers what the attention layers ask of a cache: `update`.
        hidden = network.hidden(embeddings, positions, cache.masks(), cache)  # type: ignore[arg-type]
        return network.head(hidden)[:, 0]

    return forward


class Step:
    """`slots` sequences that go on by one token at a time, greedily.

    `ids`: (S,) int64, in: the newest token of each; out: the next. `active`: (S,) int64, 1 for rows
    that move on and 0 for rows that stand still. `logits`: (S, V) of the last run. `pool`:
    memory of its graph, and of others that run in turn with it."""

    def __init__(self, network: Network, slots: int, room: int, forward: Forward) -> None:
        self.cache = SlotCache(
            network.layers, slots, room, network.window, network.dtype, network.device
        )
        self.ids = torch.zeros(slots, dtype=torch.long, device=network.device)
        self.active = torch.zeros_like(self.ids)
        self.logits = torch.empty(0, device=network.device)
        self._forward = forward
        self.pool = graphs.pool(network.device)
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def slots(self) -> int:
        """Rows."""
        return self.cache.slots

    @property
    def room(self) -> int:
        """Columns."""
        return self.cache.room

    @torch.no_grad()
    def run(self) -> None:
        """One token for every row; returns before a GPU has done it."""
        if self.ids.device.type != "cuda":
            self.once()
            return
        if self._graph is None:
            self._graph = self._captured()
        self._graph.replay()

    @torch.no_grad()
    def once(self) -> None:
        """The same, launch by launch."""
        self.logits = self._forward(self.ids, self.cache)
        self.ids.copy_(self.logits.argmax(-1))
        self.cache.lengths.add_(self.active)

    @torch.no_grad()
    def widen(self, room: int) -> None:
        """Make room for so many columns. What was captured led to the old ones and goes first, as
        whatever else was captured with `pool` must have gone."""
        graphs.settle(self.ids.device)
        self._graph = None
        self.pool = graphs.pool(self.ids.device)
        graphs.give_back(self.ids.device)
        self.cache.widen(room)

    def _captured(self) -> torch.cuda.CUDAGraph:
        kept = self.ids.clone(), self.active.clone()
        self.active.zero_()
        graph = graphs.record(self.once, self.ids.device, self.pool)
        self.ids.copy_(kept[0])
        self.active.copy_(kept[1])
        return graph

    def admit(self, cache: KeyValueCache, ids: Tensor, slots: Sequence[int]) -> None:
        """Put prefilled rows into `slots`, with the first token `ids` (n,) of each reply."""
        self.cache.adopt(cache, slots)
        where = torch.tensor(slots, device=self.ids.device)
        self.ids[where] = ids
        self.active[where] = 1

    def release(self, slot: int) -> None:
        """Let a row stand still; what it holds is overwritten by the next one."""
        self.active[slot] = 0
        self.cache.lengths[slot] = 0


class Outbox:
    """Ids on their way to the host while the device goes on: `post` after a run, `take` later."""

    def __init__(self, slots: int, device: torch.device) -> None:
        self._fast = device.type == "cuda"
        self._buffers = [
            torch.zeros(slots, dtype=torch.long, pin_memory=self._fast) for _ in range(2)
        ]
        self._events = [torch.cuda.Event() for _ in range(2)] if self._fast else []
        self._turn = 0

    def post(self, ids: Tensor) -> int:
        """Send a copy of `ids` as they are now; the number to `take` it by. Two are held."""
        turn, self._turn = self._turn, 1 - self._turn
        self._buffers[turn].copy_(ids, non_blocking=self._fast)
        if self._fast:
            self._events[turn].record()
        return turn

    def take(self, turn: int) -> list[int]:
        """Wait for what was posted under that number."""
        if self._fast:
            self._events[turn].synchronize()
        return [int(each) for each in self._buffers[turn].tolist()]
