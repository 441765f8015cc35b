"""transformers' own `generate()`, for BNB4_DEFAULT: "library default" means its decode path too.

It runs in a thread of its own and hands over each token, so that a reply streams and can be stopped
like any other. One reply at a time; nothing here is fast, and nothing is meant to be.
"""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from cxr_demo.decoding.engine import ShouldStop, never
from cxr_demo.decoding.text import TextStream
from cxr_demo.models import hardware
from cxr_demo.models.base import Generation, Item, Piece, Reply, Seen
from cxr_demo.records import BatchUse, Prompt, StopReason

NAME = "stock"


class StockModel:
    """A loaded model (`models.base.Model`) that replies through `generate()`. All else is that of
    the model inside, whose decode path still serves what needs logits."""

    engine = NAME

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.batch_use: BatchUse | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

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

    def settle(self) -> None:
        """There is one path only."""

    def warm_up(self) -> None:
        """Nothing: evaluations do not show a first report."""

    def close(self) -> None:
        """Free the device's memory; the model cannot be used afterwards."""
        self._inner.close()

    def generate_many(
        self, items: Iterable[Item], slots: int, should_stop: ShouldStop = never
    ) -> Iterator[Reply]:
        """Greedy replies, one after the other whatever `slots` says: no batch changes a result."""
        self.batch_use = BatchUse(1, 0, 0)
        for item in items:
            ids: list[int] = []
            stopped, began = StopReason.LENGTH, time.monotonic()
            for token in self._ids(item.seen, item.prompt, item.most, should_stop, item.force):
                if item.force is None and token in self._inner.stop_ids:
                    stopped = StopReason.END
                    break
                ids.append(token)
            self.batch_use = BatchUse(1, self.batch_use.steps + len(ids), 0)
            if should_stop():
                return
            yield Reply(
                key=item.key,
                text=self._inner.text_of(ids),
                ids=tuple(ids),
                stop=stopped,
                prompt_tokens=len(self._inner.ids_of(item.prompt)),
                seconds=time.monotonic() - began,
            )

    def _pieces(
        self, seen: Seen, prompt: Prompt, should_stop: ShouldStop, generation: Generation
    ) -> Iterator[Piece]:
        if should_stop():
            return
        began = time.monotonic()
        generation.prompt_tokens = len(self._inner.ids_of(prompt))
        text = TextStream(self._inner.decode, self._inner.thought)
        for token in self._ids(seen, prompt, prompt.max_new_tokens, should_stop):
            if generation.prefill_seconds is None:
                generation.prefill_seconds = time.monotonic() - began
            ends = token in self._inner.stop_ids
            yield Piece(token, "" if ends else text.push(token), ends)
            if ends:
                return

    def _ids(
        self,
        seen: Seen,
        prompt: Prompt,
        most: int,
        should_stop: ShouldStop,
        least: int | None = None,
    ) -> Iterator[int]:
        self._inner.room_for(prompt, most)
        try:
            generator, inputs = self._inner.stock_inputs(seen, prompt)
            yield from tokens(generator, inputs, most, should_stop, least or 0)
        except torch.OutOfMemoryError:
            raise hardware.out_of_memory(self._inner.card, generator.device) from None


def tokens(
    generator: Any,
    inputs: dict[str, Any],
    limit: int,
    should_stop: ShouldStop = never,
    least: int = 0,
) -> Iterator[int]:
    """Ids that `generator.generate` chooses greedily, one by one, the end token among them, which
    is not chosen before `least`.

    What it raises is raised here. Leaving the iteration ends the generation."""
    handed = _Handed()
    left = threading.Event()

    def work() -> None:
        try:
            generator.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=limit,
                min_new_tokens=least or None,
                streamer=handed,
                stopping_criteria=StoppingCriteriaList([_Asked(should_stop, left)]),
            )
        except BaseException as error:  # noqa: BLE001  (raised again by `tokens`)
            handed.queue.put(error)
        else:
            handed.queue.put(None)

    thread = threading.Thread(target=work, name="stock-generate", daemon=True)
    thread.start()
    try:
        while (item := handed.queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()


class _Handed(BaseStreamer):
    """Takes what `generate()` streams; the prompt comes first and is left out."""

    def __init__(self) -> None:
        self.queue: queue.Queue[int | BaseException | None] = queue.Queue()
        self._prompt_seen = False

    def put(self, value: Tensor) -> None:
        """Ids of the prompt, then of one token at a time."""
        if self._prompt_seen:
            self.queue.put(int(value.flatten()[-1]))
        self._prompt_seen = True

    def end(self) -> None:
        """`tokens` sees the end by itself."""


class _Asked(StoppingCriteria):
    """Ends a generation that nobody wants any more."""

    def __init__(self, should_stop: ShouldStop, left: threading.Event) -> None:
        self._should_stop, self._left = should_stop, left

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Any:
        """Per row, whether to end."""
        stop = self._left.is_set() or self._should_stop()
        return torch.full((input_ids.shape[0],), stop, dtype=torch.bool, device=input_ids.device)
