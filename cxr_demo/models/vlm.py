"""What the adapters share: a loaded model around a language model and the decoding engine. Each
family adds its images, its prompt and its prefix.
"""

import gc
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future

import numpy as np
import torch
from torch import Tensor, nn

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Engine, Prefix, Request, ShouldStop, State, never
from cxr_demo.decoding.plain import PlainEngine
from cxr_demo.decoding.text import TextStream
from cxr_demo.models import confirmations, hardware
from cxr_demo.models.base import Generation, Item, Kept, Piece, Reply, Seen
from cxr_demo.models.batching import Batch
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.compiling import Compiled
from cxr_demo.models.faults import PromptTooLong
from cxr_demo.models.networks import NativeNetwork
from cxr_demo.models.openings import Openings
from cxr_demo.models.scaling import stacked
from cxr_demo.records import BatchUse, Memory, Precision, Prompt, Radiograph

WARM_WAIT_S = 2.0
"""How long a warm-up waits for the compiled path: it is there at once if it lies on the disk."""
WARM_TOKENS = 2
PADDING = -2
"""In rows of ids: no position at all."""


class VisionLanguageModel(ABC):
    """A loaded model; see `models.base.Model`.

    `native` holds all weights, `network` is its language model. `digest` is the hash of the
    checkpoint, in the making. Replies end at one of `stop_ids`; text between the two ids of
    `thought` is not part of them. `sees_both_ways`: image positions see later ones of their image.
    """

    sees_both_ways = False

    def __init__(
        self,
        card: ModelCard,
        precision: Precision,
        native: nn.Module,
        network: NativeNetwork,
        digest: Future[str],
        stand_in: bool,
        stop_ids: frozenset[int],
        thought: tuple[int, int] | None = None,
    ) -> None:
        self.card, self.precision, self.stand_in = card, precision, stand_in
        self._native = native
        self._network = network
        self._engine = PlainEngine(network)
        self._compiled: Compiled | None = None
        if network.device.type == "cuda":
            self._engine = CapturedEngine(network)
            self._compiled = Compiled(network, network.describe)
            self._compiled.start()
        self._compiled_waits = self._compiled is not None
        self._prompts: dict[Prompt, list[int]] = {}
        self._openings = Openings(self)
        self.batch_use: BatchUse | None = None
        self._digest = digest
        self.stop_ids = stop_ids
        self.thought = thought
        self.device = hardware.name_of(network.device)

    @property
    @abstractmethod
    def side(self) -> int:
        """Pixels along each side of the image that the model is given."""

    @property
    @abstractmethod
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""

    @abstractmethod
    def see(self, radiograph: Radiograph) -> Seen:
        """The image that this model is given: (S, S, 3) uint8."""

    @abstractmethod
    def prompt_text(self, prompt: Prompt) -> str:
        """The whole prompt as the model reads it, with one placeholder where the image goes."""

    @abstractmethod
    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`, position for position, the image's placeholders included."""

    @abstractmethod
    def features(self, pixels: Tensor) -> Tensor:
        """What the vision side makes of images: (B, S, S, 3) uint8 on the device -> (B, positions,
        D). Waits for nothing."""

    @abstractmethod
    def image_places(self, ids: Tensor) -> Tensor:
        """(B, T) bool: which of `prompt_ids`, on the left filled up with `PADDING`, are the
        image's."""

    @abstractmethod
    def decode(self, ids: list[int]) -> str:
        """The text of `ids`, control tokens left out."""

    def prefix(self, seen: Seen, prompt: Prompt) -> Prefix:
        """Image and prompt as one row of embeddings, on the device."""
        return self.prefixes([seen], [prompt])

    @torch.no_grad()
    def image_features(self, seens: Sequence[Seen]) -> Tensor:
        """(B, positions, D), on the device."""
        return self.features(stacked(seens).to(self._network.device))

    @torch.no_grad()
    def prefixes(self, seens: Sequence[Seen], prompts: Sequence[Prompt]) -> Prefix:
        """Images and their prompts as rows of embeddings, on the device. An image that several rows
        ask about is encoded once."""
        rows = [self.ids_of(each) for each in prompts]
        longest = max(map(len, rows))
        padded = [[PADDING] * (longest - len(row)) + row for row in rows]
        ids = torch.tensor(padded).to(self._network.device)
        shown = [seen for seen, each in zip(seens, prompts, strict=True) if each.image]
        embeddings = self.embeddings(ids, self._features_of(shown) if shown else None)
        return Prefix(embeddings, ids != PADDING, self.blocks(ids))

    def _features_of(self, seens: Sequence[Seen]) -> Tensor:
        if len(seens) == 1 and isinstance(kept := seens[0], Kept):
            if not kept.encoded:
                kept.encoded.append(self.image_features(seens))
            features: Tensor = kept.encoded[0]
            return features
        distinct = list(dict.fromkeys(seens))
        found = self.image_features(distinct)
        if len(distinct) == len(seens):
            return found
        return found[[distinct.index(each) for each in seens]]

    def embeddings(self, ids: Tensor, features: Tensor | None) -> Tensor:
        """(B, T) `prompt_ids`, and what the images among them were made into -> (B, T, D)."""
        image = self.image_places(ids)
        text = self._network.embed(ids.where(~image, 0).clamp(min=0))
        if features is None:
            return text
        return text.masked_scatter(image[..., None], features.to(text.dtype))

    def blocks(self, ids: Tensor) -> Tensor | None:
        """(B, T): see `decoding.engine.Prefix`."""
        if not self.sees_both_ways:
            return None
        return self.image_places(ids).long() - 1

    def begin(self, seen: Seen, prompt: Prompt) -> State:
        """Image and prompt prefilled as for a reply, which has room to become its longest."""
        opened = self._openings.open(seen, prompt)
        if opened is not None:
            return opened
        return self._engine.prefill(self.prefix(seen, prompt), prompt.max_new_tokens)

    def ids_of(self, prompt: Prompt) -> list[int]:
        """`prompt_ids`; of questions on images, which are few, computed once. Raises ValueError for
        a stepwise prompt (see `stepwise`)."""
        if prompt.steps:
            raise ValueError(f"{prompt.id} is asked step by step")
        if not prompt.image:
            return self.prompt_ids(prompt)
        if prompt not in self._prompts:
            self._prompts[prompt] = self.prompt_ids(prompt)
        return self._prompts[prompt]

    @property
    def engine(self) -> str:
        """Name of the decode path in use."""
        return self._engine.name

    @property
    def paths(self) -> tuple[str, ...]:
        """Decode paths that this model has here, the fastest first; waits until that is known."""
        if self._compiled is None:
            return ("plain",)
        return (*(["compiled"] if self._compiled.wait() else []), "captured", "plain")

    def use(self, path: str) -> PlainEngine:
        """Take one of `paths` from now on. What the one before held is freed.

        Raises ValueError for another name."""
        if path not in self.paths:
            raise ValueError(f"no path {path!r}; there are {', '.join(self.paths)}")
        compiled, self._compiled_waits = self._compiled, False
        if path == "compiled" and compiled is not None:
            self._engine = CapturedEngine(self._network, compiled.forward, path)
        else:
            kind = CapturedEngine if path == "captured" else PlainEngine
            self._engine = kind(self._network)
        if self._compiled is not None:
            gc.collect()  # a reading that was left half way holds the path it began on
            torch.cuda.empty_cache()  # a graph's memory is of no use to anything else
        return self._engine

    def settle(self) -> None:
        """Wait for the fastest path and take it: from now on `engine` stays what it is."""
        if self._compiled is not None:
            self._compiled.wait()
        self._take_compiled()

    def _take_compiled(self) -> None:
        """Go over to the compiled path as soon as it is there and agrees with the modules."""
        if self._compiled_waits and self._compiled is not None and self._compiled.done:
            self._compiled_waits = False
            if self._compiled.reason is None and self._compiled.agrees():
                self.use("compiled")

    @property
    def decoder(self) -> Engine:
        """The decode path itself, for what needs logits (`probabilities`, `selftest`)."""
        return self._engine

    @property
    def confirmed(self) -> bool:
        """Whether this port has met these weights on this machine and passed; waits as
        `weights_sha256` does. The embedded model and its weights were made together."""
        if self.stand_in or self.card.hub is None:
            return not self.stand_in
        return confirmations.find(self.card.id, self.weights_sha256) is not None

    @property
    def weights_sha256(self) -> str:
        """Hash of the checkpoint's tensors; waits for it if it still runs."""
        return self._digest.result()

    def generate(
        self,
        seen: Seen,
        prompt: Prompt,
        should_stop: ShouldStop = never,
        submitted: float | None = None,
    ) -> Generation:
        """Greedy reply. The work happens while the result is iterated over."""

        def run(generation: Generation) -> Iterator[Piece]:
            return self._pieces(seen, prompt, should_stop, generation)

        return Generation(run, prompt.max_new_tokens, submitted)

    def generate_many(
        self, items: Iterable[Item], slots: int, should_stop: ShouldStop = never
    ) -> Iterator[Reply]:
        """Greedy replies in the order of ending; see `models.base.Model`."""
        self.settle()
        batch = Batch(self, self._engine, slots)
        try:
            for reply in batch.replies(items, should_stop):
                self.batch_use = batch.use
                yield reply
        except torch.OutOfMemoryError:
            raise hardware.out_of_memory(self.card, self._network.device) from None
        finally:
            self.batch_use = batch.use

    def warm_up(self) -> None:
        """Read a black image for two tokens, twice, so that the first report pays neither for the
        libraries' own start nor for capturing what comes again. In the room of the longest reply's
        beginning: what is set up once need not be set up again, larger, beside what the smaller one
        left."""
        if self._compiled is not None:
            self._compiled.wait(WARM_WAIT_S)
        black = Seen(np.zeros((self.side, self.side, 3), np.uint8), "black")
        longest = max(self.card.prompts.values(), key=lambda each: each.max_new_tokens)
        for _ in range(2 if self._compiled is not None else 1):
            self._begin_to_read(black, longest, WARM_TOKENS)

    def _begin_to_read(self, seen: Seen, prompt: Prompt, tokens: int) -> None:
        asked = itertools.count()
        list(self.generate(seen, prompt, lambda: next(asked) > tokens))

    def reset_peaks(self) -> None:
        """Start a new measurement of `peaks`."""
        hardware.reset_peaks(self._network.device)

    def peaks(self) -> Memory:
        """torch's peaks since `reset_peaks`, in bytes."""
        return hardware.peaks(self._network.device)

    def close(self) -> None:
        """Free the device's memory; the model cannot be used afterwards."""
        on_gpu = self._network.device.type == "cuda"
        if self._compiled is not None:
            self._compiled.wait()  # it holds the weights, too
        del self._native, self._network, self._engine, self._compiled, self._openings
        gc.collect()
        if on_gpu:
            torch.cuda.empty_cache()

    def _pieces(
        self, seen: Seen, prompt: Prompt, should_stop: ShouldStop, generation: Generation
    ) -> Iterator[Piece]:
        if should_stop():
            return
        self._take_compiled()
        device = self._network.device
        try:
            began = time.monotonic()
            self.room_for(prompt, prompt.max_new_tokens)
            state = self.begin(seen, prompt)
            generation.prompt_tokens = len(self.ids_of(prompt))
            generation.prefill_seconds = time.monotonic() - began
            request = Request(prompt.max_new_tokens, self.stop_ids)
            text = TextStream(self.decode, self.thought)
            for step in self._engine.decode(state, request, should_stop):
                token = int(step.ids[0] or 0)
                yield Piece(token, "" if step.ended[0] else text.push(token), step.ended[0])
        except torch.OutOfMemoryError:
            raise hardware.out_of_memory(self.card, device) from None

    def room_for(self, prompt: Prompt, most: int) -> int:
        """Positions of `prompt` and `most` new tokens. Raises PromptTooLong."""
        needed, limit = len(self.ids_of(prompt)) + most, self._network.positions
        if needed > limit:
            raise PromptTooLong(model=self.card.name, needed=needed, limit=limit)
        return needed

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a whole reply, thoughts left out."""
        stream = TextStream(self.decode, self.thought)
        return ("".join(map(stream.push, ids)) + stream.finish()).rstrip()
