"""Keys and values at fixed addresses, with the position and validity of every column.

A column is one slot of the time axis, shared by all rows; a row may leave columns unused (padding),
so each row keeps which columns are `valid` and which position each stands for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class LayerShape:
    """One attention layer's cache: `heads` of `width`; `windowed` if it sees a window only."""

    heads: int
    width: int
    windowed: bool = False


class KeyValueCache:
    """Room for `room` columns of `batch` rows: per layer keys and values (B, heads, room, width).

    The engine calls `begin` before each forward pass; every attention layer then calls `update`.
    """

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        batch: int,
        room: int,
        window: int | None,
        dtype: torch.dtype,
        device: torch.device,
        storage: tuple[list[Tensor], list[Tensor]] | None = None,
    ) -> None:
        """`storage`: keys and values of each layer that already lie somewhere, to be written to in
        place of new ones; such a cache is `lent`: its owner may lend the place again."""
        self.lent = storage is not None
        self.shapes = tuple(shapes)
        self.batch, self.room, self.window = batch, room, window
        self.dtype, self.device = dtype, device
        if storage is None:
            keys, values = ([self._empty(each) for each in self.shapes] for _ in range(2))
            storage = keys, values
        self.keys, self.values = storage
        self.positions = torch.zeros(batch, room, dtype=torch.long, device=device)
        self.valid = torch.zeros(batch, room, dtype=torch.bool, device=device)
        self.holes = False
        self.start = 0
        self.end = 0

    def begin(self, positions: Tensor, valid: Tensor | None = None) -> None:
        """Reserve columns for (B, T) positions; `valid` None means that all of them are.

        Raises ValueError if the room does not suffice."""
        self.start, self.end = self.end, self.end + positions.shape[1]
        if self.end > self.room:
            raise ValueError(f"the cache holds {self.room} columns, {self.end} were needed")
        self.positions[:, self.start : self.end] = positions
        self.valid[:, self.start : self.end] = True if valid is None else valid
        if valid is not None and not bool(valid.all()):
            self.holes = True

    def update(
        self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store (B, heads, T, width) of one layer and return all that its attention may see; the
        further arguments that some versions of transformers pass are of no use here."""
        first = self._first_seen(layer)
        self.keys[layer][:, :, self.start : self.end] = keys
        self.values[layer][:, :, self.start : self.end] = values
        return self.keys[layer][:, :, first : self.end], self.values[layer][:, :, first : self.end]

    def get_seq_length(self, layer: int = 0) -> int:
        """Columns before the current pass (transformers asks by this name)."""
        return self.start

    def spread(self, batch: int, room: int) -> "KeyValueCache":
        """A copy of this one-row cache in `batch` rows, with `room` columns more than are used."""
        wide = KeyValueCache(
            self.shapes, batch, self.end + room, self.window, self.dtype, self.device
        )
        for mine, theirs in zip(
            [*self.keys, *self.values, self.positions, self.valid],
            [*wide.keys, *wide.values, wide.positions, wide.valid],
            strict=True,
        ):
            axis = 2 if mine.dim() == 4 else 1
            theirs.narrow(axis, 0, self.end).copy_(mine.narrow(axis, 0, self.end))
        wide.start, wide.end, wide.holes = self.start, self.end, self.holes
        return wide

    def _first_seen(self, layer: int) -> int:
        # Without holes columns are positions, so a single new token needs no mask, only a cut.
        if self.window is None or self.masked or not self.shapes[layer].windowed:
            return 0
        return max(0, self.end - self.window)

    @property
    def masked(self) -> bool:
        """True if this pass needs masks: several new positions, or columns that are not valid."""
        return self.holes or self.end - self.start > 1

    def _empty(self, shape: LayerShape) -> Tensor:
        size = (self.batch, shape.heads, self.room, shape.width)
        return torch.zeros(size, dtype=self.dtype, device=self.device)
