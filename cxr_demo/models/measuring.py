"""One reading at full length, phase by phase: what memory and time it really takes.

The reply is forced to its full length, so that a model with random weights does not end early.
Memory and speed do not depend on the weights' values.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Engine, Request, State
from cxr_demo.models import hardware, stock
from cxr_demo.models.base import Seen
from cxr_demo.records import Prompt, Radiograph, View, Window
from cxr_demo.telemetry import Sampler


@dataclass(frozen=True)
class Phase:
    """Peaks of one phase in bytes (`device` less what was used before this process began) and its
    seconds; None for what cannot be had, which without CUDA is all memory."""

    seconds: float
    allocated: int | None
    reserved: int | None
    device: int | None


@dataclass(frozen=True)
class FullReading:
    """A whole reply of `tokens` ids behind a prompt of `prompt` positions. `ttft` runs from the
    radiograph to the first id, `tpot` is the mean over those after it; seconds."""

    prefill: Phase
    decode: Phase
    ttft: float
    tpot: float
    prompt: int
    tokens: int


class Readable(Protocol):
    """What is needed of a loaded model."""

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that the model is given."""

    def begin(self, seen: Seen, prompt: Prompt) -> State:
        """Image and prompt prefilled as for a reply."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Decode paths, the fastest first."""

    def warm_up(self) -> None:
        """Read something short."""

    def ids_of(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`."""

    def stock_inputs(self, seen: Seen, prompt: Prompt) -> tuple[Any, dict[str, Any]]:
        """Whose `generate()`, and its arguments."""

    @property
    def engine(self) -> str:
        """Name of the decode path in use."""

    @property
    def decoder(self) -> Engine:
        """The decode path itself, unless it is transformers' own."""


class Meter:
    """Peaks of phases on `device`, one after the other. `sampler` watches the GPU, from before this
    process used it."""

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        self._sampler, self._device = sampler, device
        self._began = time.monotonic()

    def begin(self) -> None:
        """Begin a phase."""
        hardware.reset_peaks(self._device)
        self._sampler.begin_request()
        self._began = time.monotonic()

    def end(self) -> Phase:
        """End the phase, once the device has done what it was given."""
        self.settle()
        seconds = time.monotonic() - self._began
        seen, ours = self._sampler.end_request(), hardware.peaks(self._device)
        device = seen.vram_device_peak
        if device is not None:
            device -= seen.vram_device_baseline or 0
        beside = outside(self._sampler, self._device)
        if device is not None and beside is not None and ours.vram_reserved_peak is not None:
            # A short peak falls between two samples; torch's own count misses none.
            device = max(device, ours.vram_reserved_peak + beside)
        return Phase(seconds, ours.vram_allocated_peak, ours.vram_reserved_peak, device)

    def settle(self) -> None:
        """Wait until the device has done what it was given, so that clocks are true."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def forget(self) -> None:
        """Give what the allocator keeps back to the driver, so that the next peak is its own."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def outside(sampler: Sampler, device: torch.device) -> int | None:
    """Bytes of `device` that this process takes now beside what torch's allocator has reserved, if
    nobody else has begun there since `sampler` did; None without CUDA or where the driver does not
    say what is used."""
    if device.type != "cuda":
        return None
    now = sampler.sample()
    if now.gpu is None or now.gpu.used is None:
        return None
    return now.gpu.used - (now.device_baseline or 0) - torch.cuda.memory_reserved(device)


def noise() -> Radiograph:
    """An image of a radiograph's size that shows nothing."""
    drawn = np.random.default_rng(0).integers(0, 1 << 12, (2500, 2048), dtype=np.uint16)
    window = Window(centre=2048, width=4096)
    return Radiograph(drawn, 12, View.PA, (window,), "DICOM", "0" * 64)


def ready(model: Readable, radiograph: Radiograph, prompt: Prompt) -> None:
    """Bring `model` to the state in which it reads a second radiograph with `prompt` after a reply
    as long as it may be: on the fastest path that it has here, captured for that room, and warm.
    More memory than then is never taken."""
    if model.paths:  # asking waits until it is known
        model.warm_up()
    if model.engine != stock.NAME and isinstance(model.decoder, CapturedEngine):
        model.decoder.reserve(len(model.ids_of(prompt)) + prompt.max_new_tokens)
    steps = _forced(model, model.see(radiograph), prompt)
    for _ in zip(range(2), steps, strict=False):
        """Two tokens, and what they have set up stays."""


def full_reading(
    model: Readable,
    radiograph: Radiograph,
    prompt: Prompt,
    meter: Meter,
    progress: Callable[[float], None] = lambda fraction: None,
) -> FullReading:
    """Read `radiograph` for all of `prompt.max_new_tokens` tokens, whatever they are.

    `progress` is called with fractions in 0..1 and may raise, to stop."""
    tokens = prompt.max_new_tokens
    meter.begin()
    began = time.monotonic()
    steps = _forced(model, model.see(radiograph), prompt)
    next(steps)
    first = time.monotonic()
    prefill = meter.end()
    meter.begin()
    for done, _ in enumerate(steps, start=1):
        progress(done / tokens)
    decode = meter.end()
    return FullReading(
        prefill=prefill,
        decode=decode,
        ttft=first - began,
        tpot=decode.seconds / max(1, tokens - 1),
        prompt=len(model.ids_of(prompt)),
        tokens=tokens,
    )


def _forced(model: Readable, seen: Seen, prompt: Prompt) -> Iterator[object]:
    """One item a token, the first after the prefill; no token ends the reply."""
    if model.engine == stock.NAME:
        generator, inputs = model.stock_inputs(seen, prompt)
        most = prompt.max_new_tokens
        return stock.tokens(generator, inputs, most, least=most)
    state = model.begin(seen, prompt)
    return iter(model.decoder.decode(state, Request(prompt.max_new_tokens)))
