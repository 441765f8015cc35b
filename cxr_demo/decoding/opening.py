"""From an image's pixels to the logits of the first token, over buffers that stay where they are.

On a GPU that is one graph in place of two thousand launches from Python, which take longer than the
work. Without CUDA the same runs directly: the twin that tests on a processor look at.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from cxr_demo.decoding import graphs, masks
from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.engine import Network, State
from cxr_demo.decoding.step import Step

Source = Callable[[], Tensor]
"""Embeddings (1, T, D) of what the caller's buffers hold at the moment. Never waits for the
device, and takes every tensor from where it was the first time."""


class Opening:
    """One row of T positions, prefilled in the place of the only row of `step`."""

    def __init__(
        self, network: Network, step: Step, source: Source, length: int, blocks: Tensor | None
    ) -> None:
        """`length` is T; `blocks`: (1, T), see `engine.Prefix`. Raises ValueError if the room does
        not suffice."""
        self._network, self._step, self._source = network, step, source
        self._positions = torch.arange(length, device=network.device)[None]
        self._masks = masks.build(self._begun(), blocks)
        self._logits = torch.empty(0, device=network.device)
        self._graph: torch.cuda.CUDAGraph | None = None

    @torch.no_grad()
    def run(self) -> State:
        """Prefill what the buffers hold; a sequence that stood in this place cannot go on."""
        cache = self._begun()
        if cache.device.type != "cuda":
            self._once(cache)
        else:
            if self._graph is None:
                self._graph = graphs.record(
                    lambda: self._once(cache), cache.device, self._step.pool
                )
            self._graph.replay()
        return State(cache, self._logits.clone(), self._positions[:, -1] + 1)

    def _begun(self) -> KeyValueCache:
        cache = self._step.cache.row(self._positions.shape[1])
        cache.begin(self._positions)
        return cache

    def _once(self, cache: KeyValueCache) -> None:
        net = self._network
        hidden = net.hidden(self._source(), self._positions, self._masks, cache)
        self._logits = net.head(hidden[:, -1:])[:, 0]
