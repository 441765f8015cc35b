"""What a decode step needs of a model: its weights where they lie, and how its layers are wired.

Three wirings cover the families here, all "norm, attention, add, norm, MLP, add":
Gemma 3 norms what it adds, Mistral does not, and Phi runs attention and MLP side by side.
"""

from dataclasses import dataclass
from enum import IntEnum

from torch import Tensor


class NormKind(IntEnum):
    """The numbers are those of `cuda/common.cu`."""

    GEMMA = 1
    RMS = 2
    LAYER = 3


class Act(IntEnum):
    """The numbers are those of `cuda/common.cu`."""

    NONE = 0
    GELU_TANH = 1
    SILU = 2
    GELU_NEW = 3


@dataclass(frozen=True, eq=False)
class Norm:
    """`weight` and, for LAYER, `bias`: (D,)."""

    kind: NormKind
    weight: Tensor
    eps: float
    bias: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Nf4:
    """4-bit weights as bitsandbytes stores them, with double quantisation.

    `packed`: uint8, two codes a byte, the first in the upper half; `scales`: (n / 64,) uint8 codes
    of the blocks' scales, whose values are `codes`[code] * `outer`[code's block of 256] + `offset`.
    `levels`: (16,) float32, what a 4-bit code stands for."""

    packed: Tensor
    scales: Tensor
    codes: Tensor
    outer: Tensor
    offset: float
    levels: Tensor


@dataclass(frozen=True, eq=False)
class Matrix:
    """One linear layer: (rows, columns) in the model's type, or NF4, and its bias (rows,)."""

    rows: int
    columns: int
    values: Tensor | Nf4
    bias: Tensor | None = None

    @property
    def nf4(self) -> bool:
        """True for 4 bits."""
        return isinstance(self.values, Nf4)


@dataclass(frozen=True, eq=False)
class Layer:
    """One decoder layer. `q_norm`, `k_norm`: (width,) weights of Gemma's norms per head.
    `after_attention`, `after_mlp`: norms of what is added. `gate` None: an MLP of two matrices.
    `before_mlp` None: attention and MLP start from the same normed input and are added together.
    `frequencies`: (rotated / 2,) float32, radians per position; `windowed`: sees a window only."""

    before_attention: Norm
    q: Matrix
    k: Matrix
    v: Matrix
    o: Matrix
    up: Matrix
    down: Matrix
    frequencies: Tensor
    gate: Matrix | None = None
    before_mlp: Norm | None = None
    after_attention: Norm | None = None
    after_mlp: Norm | None = None
    q_norm: Norm | None = None
    k_norm: Norm | None = None
    windowed: bool = False


@dataclass(frozen=True, eq=False)
class Decoder:
    """A language model's decode step. `heads` of `width`, `kv_heads` of them with keys; `scaling`
    multiplies scores; `window` positions are seen by windowed layers."""

    layers: tuple[Layer, ...]
    last: Norm
    head: Matrix
    heads: int
    kv_heads: int
    width: int
    scaling: float
    act: Act
    window: int | None

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return self.layers[0].q.columns
