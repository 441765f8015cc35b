"""Which prompts of a model have their prefill captured, image and all, and may be trusted.

A prompt that is asked a second time will be asked again: its way from the pixels to the first
logits becomes one graph (`decoding.opening`), if the GPU has memory to spare, and only if the
graph gives what the modules give, on this very machine, for an image it was not captured with.
"""

import logging
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Engine, Prefix, State
from cxr_demo.models import hardware
from cxr_demo.models.base import Seen
from cxr_demo.models.compiling import ALIKE
from cxr_demo.models.scaling import stacked
from cxr_demo.records import Prompt
from cxr_demo.units import GIB

SPARE = GIB
"""Bytes that must be free on the GPU. A graph keeps what one prefill needs, some hundred MiB, which
where memory is short is better left to the reports themselves."""
MOST = 2
"""Prompts that are captured: those of the two pipelines, as a rule. The first ones stay, so that
the many questions of a stepwise report do not drive each other out."""
_SEED = 0
_log = logging.getLogger(__name__)


class Opens(Protocol):
    """What is needed of a model."""

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""

    @property
    def decoder(self) -> Engine:
        """The decode path in use."""

    def ids_of(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`."""

    def prefix(self, seen: Seen, prompt: Prompt) -> Prefix:
        """Image and prompt as one row of embeddings."""

    def features(self, pixels: Tensor) -> Tensor:
        """Of (1, S, S, 3) uint8 on the device."""

    def embeddings(self, ids: Tensor, features: Tensor) -> Tensor:
        """(1, T, D)."""

    def blocks(self, ids: Tensor) -> Tensor | None:
        """(1, T)."""


class Openings:
    """The captured prefills of `model`. `reason` says why there are none any more."""

    def __init__(self, model: Opens) -> None:
        self._model = model
        self._asked: set[Prompt] = set()
        self._pixels: Tensor | None = None
        self.reason: str | None = None

    def open(self, seen: Seen, prompt: Prompt) -> State | None:
        """`seen` behind the captured prefill of `prompt`; None if that one is not captured."""
        engine = self._model.decoder
        if not isinstance(engine, CapturedEngine) or self.reason is not None or not prompt.image:
            return None
        if not engine.opens(prompt):
            if prompt not in self._asked:
                self._asked.add(prompt)
                return None
            if not self._set_up(engine, prompt):
                return None
        self._show(seen)
        return engine.open(prompt)

    def _set_up(self, engine: CapturedEngine, prompt: Prompt) -> bool:
        room = hardware.room(engine.device)
        if engine.openings >= MOST or (room is not None and room < SPARE):
            return False
        try:
            self.reason = self._differs(engine, prompt)
        except RuntimeError as error:  # also what torch raises for memory: reports go on without
            self.reason = f"{type(error).__name__}: {error}"
        if self.reason is not None:
            _log.warning("prefills are not captured: %s", self.reason)
            engine.forget(prompt)
            self._pixels = None
        if engine.device.type == "cuda":
            torch.cuda.empty_cache()  # what the modules' prefill took, the graph has of its own
        return self.reason is None

    @torch.no_grad()
    def _differs(self, engine: CapturedEngine, prompt: Prompt) -> str | None:
        """Capture with a black image, then compare for one of noise; what is wrong, if anything."""
        side = self._model.side
        noise = np.random.default_rng(_SEED).integers(0, 256, (side, side, 3), np.uint8)
        black, other = Seen(np.zeros_like(noise), "black"), Seen(noise, "noise")
        # In the place where the graph will do it, too: a cache of its own would stand beside that.
        eager = engine.prefill(self._model.prefix(other, prompt), prompt.max_new_tokens)
        expected = eager.logits.float()
        self._capture(engine, prompt)
        self._show(black)
        without = engine.open(prompt).logits.float()
        self._show(other)
        found = engine.open(prompt).logits.float()
        alike = float(torch.cosine_similarity(found, expected).min())
        if not alike > ALIKE:  # also for NaN
            return f"the logits differ from the modules' (cosine {alike:.3f})"
        if (found - expected).norm() > (found - without).norm() / 2:
            return "the image does not change the logits as it should"
        return None

    def _capture(self, engine: CapturedEngine, prompt: Prompt) -> None:
        model, side = self._model, self._model.side
        if self._pixels is None:
            self._pixels = torch.zeros(1, side, side, 3, dtype=torch.uint8, device=engine.device)
        pixels = self._pixels
        ids = torch.tensor([model.ids_of(prompt)], device=engine.device)
        engine.set_up(
            prompt,
            lambda: model.embeddings(ids, model.features(pixels)),
            ids.shape[1],
            model.blocks(ids),
            prompt.max_new_tokens,
        )

    def _show(self, seen: Seen) -> None:
        assert self._pixels is not None
        self._pixels.copy_(stacked([seen]))
