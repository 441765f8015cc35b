"""The decode step itself, written once over two sets of operations: kernels, and their twin.

embed -> per layer: enter -> attend -> out -> middle -> down        (Gemma, Mistral)
                    enter -> attend -> join                         (Phi)
      -> finish -> logits
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor

from cxr_demo.decoding.fused.parts import Decoder
from cxr_demo.decoding.slots import SlotCache

Embed = Callable[[Tensor], Tensor]
"""(S, T) ids -> (S, T, D), as `Network.embed`."""


class Entered(NamedTuple):
    """A layer's beginning: the residual stream (S, D); q (S, heads * width), k and v (S, kv heads *
    width), not rotated yet; and the MLP's middle (S, M) where it runs beside attention."""

    x: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    middle: Tensor | None


class Operations(Protocol):
    """Parts of a step over S rows. `x` is the residual stream (S, D); `y` (S, D) is what is still
    to be added to it, normed first where the layer says so."""

    def begin(self, cache: SlotCache) -> None:
        """Before a step over `cache`."""

    def enter(self, x: Tensor, y: Tensor | None, index: int) -> Entered:
        """Add, norm, project to queries, keys and values."""

    def attend(self, entered: Entered, cache: SlotCache, index: int) -> Tensor:
        """Norm and rotate, store in the next column of `cache`, attend: (S, heads * width)."""

    def out(self, attended: Tensor, index: int) -> Tensor:
        """Attention's output projection (S, D)."""

    def middle(self, x: Tensor, y: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Add, norm, and the MLP's middle: x (S, D), middle (S, M)."""

    def down(self, middle: Tensor, index: int) -> Tensor:
        """The MLP's output (S, D)."""

    def join(self, attended: Tensor, middle: Tensor, index: int) -> Tensor:
        """Both outputs together, where attention and MLP run side by side."""

    def finish(self, x: Tensor, y: Tensor) -> Tensor:
        """Add, norm, head: logits (S, V)."""


class FusedForward:
    """A `step.Forward` over `operations`."""

    def __init__(self, decoder: Decoder, embed: Embed, operations: Operations) -> None:
        self._layers, self._embed, self._operations = decoder.layers, embed, operations

    def __call__(self, ids: Tensor, cache: SlotCache) -> Tensor:
        """Ids (S,) -> logits (S, V)."""
        do = self._operations
        do.begin(cache)
        x, y = self._embed(ids[:, None])[:, 0], None
        for index, layer in enumerate(self._layers):
            entered = do.enter(x, y, index)
            x = entered.x
            attended = do.attend(entered, cache, index)
            if layer.before_mlp is None:
                assert entered.middle is not None
                y = do.join(attended, entered.middle, index)
            else:
                x, middle = do.middle(x, do.out(attended, index), index)
                y = do.down(middle, index)
        assert y is not None
        return do.finish(x, y)
