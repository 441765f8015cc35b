"""The engine's paths as tests build them on a processor, and deliberate faults in each.

A fault takes pytest's monkeypatch and the length of the prompt, and breaks what the path computes
from the token after the prompt on. Engines are built after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cxr_demo.decoding import captured, masks, plain
from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.fused.forward import FusedForward
from cxr_demo.decoding.fused.twin import TwinOperations
from cxr_demo.decoding.masks import Masks
from cxr_demo.decoding.plain import PlainEngine
from cxr_demo.decoding.slots import SlotCache
from cxr_demo.decoding.step import through

Fault = Callable[[Any, int], None]
LATE = 5
"""Tokens after the prompt at which a stale slot is left."""


@dataclass(frozen=True)
class Path:
    """`build` makes the engine from a network. `faults` by name, each to be found; those of
    `windowed` only in models with a window, those of `both_ways` only where an image's positions
    see each other in both directions."""

    name: str
    build: Callable[[Any], Any]
    faults: dict[str, Fault]
    windowed: frozenset[str] = frozenset({"window ignored"})
    both_ways: frozenset[str] = frozenset({"image block dropped"})

    def faults_of(self, model: Any) -> list[str]:
        """Names of the faults that `model` can have."""
        absent = set() if model._network.window else self.windowed
        if not model.sees_both_ways:
            absent = absent | self.both_ways
        return [each for each in self.faults if each not in absent]


def _image_block_dropped(monkeypatch: Any, prompt: int) -> None:
    build = masks.build
    monkeypatch.setattr(plain.masks, "build", lambda cache, blocks=None: build(cache, None))


def without_order(build: Any) -> Any:
    """`masks.build` for which everybody in the prompt sees everybody."""

    def everything(cache: KeyValueCache, blocks: Any = None) -> Masks:
        if cache.end - cache.start == 1:
            return build(cache, blocks)
        size = (cache.batch, 1, cache.end - cache.start, cache.end)
        return Masks(*(torch.ones(size, dtype=torch.bool) for _ in range(2)))

    return everything


def _prompt_mask_dropped(monkeypatch: Any, prompt: int) -> None:
    monkeypatch.setattr(plain.masks, "build", without_order(masks.build))


def _position_off(monkeypatch: Any, prompt: int) -> None:
    begin = KeyValueCache.begin

    def late(self: KeyValueCache, positions: Any, valid: Any = None) -> None:
        positions += self.end > 0
        begin(self, positions, valid)

    monkeypatch.setattr(KeyValueCache, "begin", late)


def _window_ignored(monkeypatch: Any, prompt: int) -> None:
    monkeypatch.setattr(KeyValueCache, "_first_seen", lambda self, layer: 0)


def _stale_slot(monkeypatch: Any, prompt: int) -> None:
    update = KeyValueCache.update

    def forgetful(
        self: KeyValueCache, keys: Any, values: Any, layer: int, *rest: Any, **more: Any
    ) -> Any:
        if self.start == prompt + LATE and layer == 1:
            keys = keys * 0
        return update(self, keys, values, layer, *rest, **more)

    monkeypatch.setattr(KeyValueCache, "update", forgetful)


class _Shifted:
    """A network whose single new tokens stand one position too late."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def hidden(self, embeddings: Any, positions: Any, masks: Any, cache: Any) -> Any:
        return self._network.hidden(embeddings, positions + 1, masks, cache)


def _static_position_off(monkeypatch: Any, prompt: int) -> None:
    monkeypatch.setattr(captured, "through", lambda network: through(_Shifted(network)))


def _static_window_ignored(monkeypatch: Any, prompt: int) -> None:
    whole = SlotCache.masks

    def wide(self: SlotCache) -> Masks:
        full = whole(self).full
        return Masks(full, full)

    monkeypatch.setattr(SlotCache, "masks", wide)


def _static_mask_dropped(monkeypatch: Any, prompt: int) -> None:
    monkeypatch.setattr(SlotCache, "masks", lambda self: Masks())


def _static_next_slot_seen(monkeypatch: Any, prompt: int) -> None:
    """The column after the newest one, which an earlier sequence may have left."""

    def generous(self: SlotCache) -> Masks:
        last = self.lengths[:, None, None, None] + 1
        full = self._columns <= last
        near = full if self.window is None else full & (self._columns > last - 1 - self.window)
        return Masks(full, near)

    monkeypatch.setattr(SlotCache, "masks", generous)


def _static_stale_slot(monkeypatch: Any, prompt: int) -> None:
    update = SlotCache.update

    def forgetful(
        self: SlotCache, keys: Any, values: Any, layer: int, *rest: Any, **more: Any
    ) -> Any:
        if layer == 1:
            stale = (self.lengths == prompt + LATE)[:, None, None, None]
            keys = keys.masked_fill(stale, 0.0)
        return update(self, keys, values, layer, *rest, **more)

    monkeypatch.setattr(SlotCache, "update", forgetful)


def _twin_position_off(monkeypatch: Any, prompt: int) -> None:
    turned = TwinOperations._turned

    def late(self: Any, flat: Any, heads: int, norm: Any, layer: Any, cache: SlotCache) -> Any:
        class Later:
            lengths = cache.lengths + 1

        return turned(self, flat, heads, norm, layer, Later())  # type: ignore[arg-type]

    monkeypatch.setattr(TwinOperations, "_turned", late)


def _twin(network: Any) -> CapturedEngine:
    """The compiled path with the kernels' twin in torch in their place."""
    decoder = network.describe()
    forward = FusedForward(decoder, network.embed, TwinOperations(decoder))
    return CapturedEngine(network, lambda slots: forward, "compiled")


_PREFILL: dict[str, Fault] = {
    "image block dropped": _image_block_dropped,
    "prompt's mask dropped": _prompt_mask_dropped,
}
_STATIC: dict[str, Fault] = {
    "position off by one": _static_position_off,
    "window ignored": _static_window_ignored,
    "mask dropped": _static_mask_dropped,
    "next slot seen": _static_next_slot_seen,
    "stale slot": _static_stale_slot,
    **_PREFILL,
}
PATHS = (
    Path(
        "plain",
        PlainEngine,
        {
            "position off by one": _position_off,
            "window ignored": _window_ignored,
            "stale slot": _stale_slot,
            **_PREFILL,
        },
    ),
    Path("captured", CapturedEngine, _STATIC),
    Path("compiled", _twin, {**_STATIC, "position off by one": _twin_position_off}),
)
