"""The decoding engine's interface: prefill once, continue, stream. All paths speak it.

    Prefix -> prefill -> State -> decode -> Step, Step, ...
                           └-> extend (one prefix, many endings) -> State -> decode / state.logits

`Network` is a causal language model as engines see it; each model family adapts its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from cxr_demo.decoding.cache import KeyValueCache, LayerShape
from cxr_demo.decoding.masks import Masks

ShouldStop = Callable[[], bool]


def never() -> bool:
    """The default `should_stop`."""
    return False


class Network(Protocol):
    """A decoder-only language model. B rows, T new positions, D hidden width, V vocabulary."""

    layers: tuple[LayerShape, ...]
    window: int | None
    positions: int
    device: torch.device
    dtype: torch.dtype

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, D), scaled as the model wants it."""

    def hidden(
        self, embeddings: Tensor, positions: Tensor, masks: Masks, cache: KeyValueCache
    ) -> Tensor:
        """(B, T, D) embeddings at (B, T) positions -> (B, T, D), after the last norm. Keys and
        values go through `cache.update(keys, values, layer)`."""

    def head(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> logits (B, T, V)."""


@dataclass(frozen=True, eq=False)
class Prefix:
    """Rows to prefill, shorter ones padded on the left. `embeddings`: (B, T, D); `valid`: (B, T)
    bool, False on padding; `blocks`: (B, T) int64, the number of the image whose positions see each
    other in both directions, -1 for text; None for a model whose images are causal, too."""

    embeddings: Tensor
    valid: Tensor
    blocks: Tensor | None

    def cut(self, length: int) -> "Prefix":
        """Its first `length` positions. Raises ValueError in the middle of an image whose positions
        see later ones."""
        if self.blocks is not None and bool((self.blocks[:, length:] >= 0).any()):
            raise ValueError(f"an image is not over after {length} positions")
        blocks = None if self.blocks is None else self.blocks[:, :length]
        return Prefix(self.embeddings[:, :length], self.valid[:, :length], blocks)

    @staticmethod
    def together(prefixes: Sequence["Prefix"]) -> "Prefix":
        """Prefixes of one length, of one model, as rows of a batch."""
        blocks = [each.blocks for each in prefixes if each.blocks is not None]
        return Prefix(
            torch.cat([each.embeddings for each in prefixes]),
            torch.cat([each.valid for each in prefixes]),
            torch.cat(blocks) if blocks else None,
        )


@dataclass(eq=False)
class State:
    """Where B sequences stand: `logits` (B, V) of the next token, `next` (B,) its position."""

    cache: KeyValueCache
    logits: Tensor
    next: Tensor


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. `temperature` 0 is greedy. `top_k` keeps the k likeliest tokens,
    `top_p` the smallest set of at least that probability; `seed` makes a run repeatable."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """What to decode. `stop_ids` end a row; `logprobs` asks for the natural logarithm of each
    chosen token's probability (of the model's own distribution, before any temperature)."""

    max_new_tokens: int
    stop_ids: frozenset[int] = frozenset()
    sampling: Sampling = field(default_factory=Sampling)
    logprobs: bool = False


@dataclass(frozen=True)
class Step:
    """One token per row: `ids[b]` is None for a row that ended before, `ended[b]` is True from the
    step on in which the row's token was a stop id."""

    ids: tuple[int | None, ...]
    ended: tuple[bool, ...]
    logprobs: tuple[float | None, ...] | None = None


class Engine(Protocol):
    """One way to run a network. `name` is reported with every result."""

    name: str

    def prefill(self, prefix: Prefix, room: int) -> State:
        """Run all positions of `prefix`, with room for `room` more in the cache."""

    def extend(self, state: State, endings: Sequence[Sequence[int]], room: int) -> State:
        """Continue one prefilled row (B = 1) with each of `endings` (ids, at least one each) as a
        batch. `state` itself stays as it is and can be extended again."""

    def decode(
        self, state: State, request: Request, should_stop: ShouldStop = never
    ) -> Iterator[Step]:
        """Decode until all rows ended, `max_new_tokens` are reached, or `should_stop()` is true,
        which is asked before each token. Consumes `state`."""

    def force(self, state: State, ids: Tensor) -> Tensor:
        """Logits before, between and after given tokens, through the decode path: (B, n) int64 ->
        (B, n + 1, V). Consumes `state`."""
