"""What every loaded model offers, and how its reply streams; one shape for all families.

Radiograph -> see() -> Seen -> generate() -> Generation: Token, Token, ... and why it ended
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cxr_demo.models.cards import ModelCard
from cxr_demo.records import BatchUse, Memory, Precision, Prompt, Radiograph, StopReason, Token

ShouldStop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Seen:
    """Exactly what a model is given of a radiograph: `pixels` (H, W, 3) uint8, and the name of the
    preprocessing that made it."""

    pixels: NDArray[np.uint8]
    preprocessing: str


@dataclass(frozen=True, eq=False)
class Kept(Seen):
    """A `Seen` that is asked about several times: the model encodes it once and leaves the result
    in `encoded`, which goes with it."""

    encoded: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """One step of decoding: the token's id, its new text, and whether it ends the reply (the end
    token itself carries no text)."""

    id: int
    text: str
    ends: bool = False


@dataclass(frozen=True, eq=False)
class Item:
    """One radiograph to read in a batch. `key` is the caller's name for it; `limit` bounds the new
    tokens below the prompt's own bound. `force`, for benchmarks: reply with exactly that many
    tokens, whatever they are. `spare`: new tokens to make room for at least."""

    key: str
    seen: Seen
    prompt: Prompt
    limit: int | None = None
    force: int | None = None
    spare: int = 0

    @property
    def most(self) -> int:
        """New tokens at the most."""
        if self.force is not None:
            return self.force
        return min(self.limit or self.prompt.max_new_tokens, self.prompt.max_new_tokens)

    @property
    def room(self) -> int:
        """New tokens to make room for. Forced lengths differ from item to item; room for what the
        prompt allows lets them share a batch."""
        most = self.most if self.force is None else max(self.force, self.prompt.max_new_tokens)
        return max(most, self.spare)


@dataclass(frozen=True)
class Reply:
    """A whole reply from a batch. `stop` is END or LENGTH; `prompt_tokens` counts positions of
    image and text; `seconds` run from the admission to a slot, prefill included, to the end."""

    key: str
    text: str
    ids: tuple[int, ...]
    stop: StopReason
    prompt_tokens: int
    seconds: float


class Generation(Iterator[Token]):
    """A reply in the making: iterate over its tokens, then look at `stop`.

    `prompt_tokens` counts positions of image and text; `prefill_seconds` runs from the call to the
    first logits. Both are None until the first token. `run` yields the pieces and fills in these
    two; nothing runs before the first `next`. `submitted` is a reading of `time.monotonic()` (now,
    if None); tokens' `elapsed` counts from it.
    """

    def __init__(
        self,
        run: Callable[["Generation"], Iterator[Piece]],
        limit: int,
        submitted: float | None = None,
    ) -> None:
        self.stop: StopReason | None = None
        self.prompt_tokens: int | None = None
        self.prefill_seconds: float | None = None
        self.tokens = 0
        self._pieces = run(self)
        self._limit = limit
        self._submitted = time.monotonic() if submitted is None else submitted

    def __next__(self) -> Token:
        if self.stop is not None:
            raise StopIteration
        piece = next(self._pieces, None)
        if piece is None or piece.ends:
            self.stop = self._reason(piece)
            raise StopIteration
        token = Token(self.tokens, piece.id, piece.text, time.monotonic() - self._submitted)
        self.tokens += 1
        return token

    def _reason(self, last: Piece | None) -> StopReason:
        if last is not None:
            return StopReason.END
        return StopReason.LENGTH if self.tokens >= self._limit else StopReason.STOPPED


class Model(Protocol):
    """A model on a device. One request at a time; `close` frees the device's memory.

    `engine` names the decode path in use ("plain", "captured", "compiled"); `device` is the
    hardware's name, never a path. `stand_in`: the checkpoint holds random weights and says so.
    `batch_use`: how well the last `generate_many` used its slots.
    """

    card: ModelCard
    precision: Precision
    device: str
    engine: str
    confirmed: bool
    stand_in: bool
    batch_use: BatchUse | None

    @property
    def weights_sha256(self) -> str:
        """Hash of the checkpoint's tensors (`weights.digest`); waits for it if it still runs."""

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that this model is given."""

    def prompt_text(self, prompt: Prompt) -> str:
        """The whole prompt as the model reads it, with one placeholder where the image goes."""

    def generate(
        self,
        seen: Seen,
        prompt: Prompt,
        should_stop: ShouldStop = lambda: False,
        submitted: float | None = None,
    ) -> Generation:
        """Greedy reply to `prompt` about `seen`; `submitted` is a reading of `time.monotonic()`."""

    def generate_many(
        self, items: Iterable[Item], slots: int, should_stop: ShouldStop = lambda: False
    ) -> Iterator[Reply]:
        """Greedy replies to all `items`, up to `slots` at a time, in the order of ending. `items`
        is drawn from as slots get free; if it has none, it is asked again after a reply. After a
        stop, unfinished replies are dropped. A `generate` may run between two replies. Raises
        OutOfMemory and PromptTooLong."""

    def room_for(self, prompt: Prompt, most: int) -> int:
        """Positions of `prompt` and `most` new tokens. Raises PromptTooLong."""

    def settle(self) -> None:
        """Wait until the decode path is the one that stays; results are kept under its name."""

    def warm_up(self) -> None:
        """Read something short, so that the first report does not pay for the libraries' start."""

    def reset_peaks(self) -> None:
        """Start a new measurement of `peaks`."""

    def peaks(self) -> Memory:
        """torch's peaks since `reset_peaks`; fields that only NVML knows stay None."""

    def close(self) -> None:
        """Free the device's memory; the model cannot be used afterwards."""
