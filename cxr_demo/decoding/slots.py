"""Keys and values of sequences side by side, at addresses that nothing but `widen` changes: what a
captured graph needs. The n-th position of a sequence lies in column n of its row, without holes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cxr_demo.decoding.cache import KeyValueCache, LayerShape
from cxr_demo.decoding.masks import Masks

GRAIN = 64
"""Columns by which room is made, so that prompts of nearly one length share a graph."""


def roomy(columns: int) -> int:
    """At least so many columns, a multiple of GRAIN."""
    return -(-columns // GRAIN) * GRAIN


class SlotCache:
    """`slots` rows of `room` columns. `lengths`: (S,) int64, the columns in use, on the device;
    the next token of a row goes to the column of that number. Per layer keys and values
    (S, heads, room, width)."""

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        slots: int,
        room: int,
        window: int | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.shapes, self.slots, self.room, self.window = tuple(shapes), slots, room, window
        self.dtype, self.device = dtype, device
        self.keys = [self._empty(each, room) for each in self.shapes]
        self.values = [self._empty(each, room) for each in self.shapes]
        self.lengths = torch.zeros(slots, dtype=torch.long, device=device)
        self._rows = torch.arange(slots, device=device)
        self._columns = torch.arange(room, device=device)

    def widen(self, room: int) -> None:
        """Make it `room` columns. What the rows hold is kept, at other addresses: layer by layer,
        so that it is never there twice."""
        for kept in (self.keys, self.values):
            for layer, shape in enumerate(self.shapes):
                wider = self._empty(shape, room)
                wider[:, :, : self.room] = kept[layer]
                kept[layer] = wider
        self.room = room
        self._columns = torch.arange(room, device=self.device)

    def update(
        self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store (S, heads, 1, width) of one layer in each row's next column; returns the whole
        rows, of which `masks` hides what is not theirs."""
        self.keys[layer][self._rows, :, self.lengths] = keys[:, :, 0]
        self.values[layer][self._rows, :, self.lengths] = values[:, :, 0]
        return self.keys[layer], self.values[layer]

    def get_seq_length(self, layer: int = 0) -> int:
        """0: positions are always given (transformers asks by this name)."""
        return 0

    def masks(self) -> Masks:
        """Who sees what in the step that writes to column `lengths`: (S, 1, 1, room) bool."""
        last = self.lengths[:, None, None, None]
        full = self._columns <= last
        if self.window is None:
            return Masks(full, full)
        return Masks(full, full & (self._columns > last - self.window))

    def row(self, length: int) -> KeyValueCache:
        """The only row as a cache to prefill, with room for all columns; it shares the storage.
        `length` positions will be prefilled: the row's length from then on."""
        self.lengths.fill_(length)
        return KeyValueCache(
            self.shapes,
            1,
            self.room,
            self.window,
            self.dtype,
            self.device,
            (self.keys, self.values),
        )

    def adopt(self, cache: KeyValueCache, slots: Sequence[int]) -> None:
        """Copy the rows of a prefilled `cache` into `slots`; padding stays behind."""
        lengths = cache.valid[:, : cache.end].sum(1)
        where = torch.tensor(slots, device=self.device)
        self.lengths[where] = lengths
        if not cache.holes:
            for mine, theirs in self._pairs(cache):
                mine[where, :, : cache.end] = theirs[:, :, : cache.end]
            return
        for row, (slot, length) in enumerate(zip(slots, lengths.tolist(), strict=True)):
            for mine, theirs in self._pairs(cache):
                mine[slot, :, :length] = theirs[row, :, cache.end - length : cache.end]

    def _pairs(self, cache: KeyValueCache) -> list[tuple[Tensor, Tensor]]:
        mine, theirs = [*self.keys, *self.values], [*cache.keys, *cache.values]
        return list(zip(mine, theirs, strict=True))

    def _empty(self, shape: LayerShape, room: int) -> Tensor:
        size = (self.slots, shape.heads, room, shape.width)
        return torch.zeros(size, dtype=self.dtype, device=self.device)
