"""Every tensor of each real model, literally: what the estimator counts. No torch.

A row is `(part, rows, columns, count)`: `count` linear layers of that shape (`linears`, which 4
bits pack), look-up tables and heads (`tables`, which only NF4_EMB packs where they are tied), or
vectors and other tensors that nothing packs (`plain`, by number of elements). Shapes are those of
the published configurations; a test compares every sum with transformers' classes.
"""

from dataclasses import dataclass
from math import prod

Row = tuple[str, int, int, int]


@dataclass(frozen=True)
class Text:
    """The language model's sizes. `gated`: its MLP has a gate. Windows are not among them: the
    engine stores all positions of every layer."""

    width: int
    middle: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    gated: bool


@dataclass(frozen=True)
class Vision:
    """The vision tower's sizes: `side` in pixels; `bridge` is the widest row between it and the
    text (a resampler's middle), 0 if there is none wider than the text."""

    width: int
    middle: int
    layers: int
    heads: int
    positions: int
    side: int
    bridge: int = 0


@dataclass(frozen=True)
class Architecture:
    """One model's tensors. `prompt` counts the positions of the report's prompt, image included;
    `tied`: one table serves as look-up and as head. `discarded`: weights that are published and
    never loaded."""

    text: Text
    vision: Vision
    prompt: int
    image_tokens: int
    linears: tuple[Row, ...]
    tables: tuple[Row, ...]
    plain: tuple[tuple[str, int], ...]
    tied: bool = False
    discarded: int = 0

    @property
    def parameters(self) -> int:
        """Number of weights that are loaded."""
        packed = sum(prod(row[1:]) for row in (*self.linears, *self.tables))
        return packed + sum(count for _, count in self.plain)

    @property
    def largest_linear(self) -> int:
        """Elements of the largest linear layer."""
        return self.largest("")

    def largest(self, part: str) -> int:
        """Elements of the largest linear layer whose name begins with `part`; 0 without any."""
        sizes = (rows * columns for name, rows, columns, _ in self.linears if name.startswith(part))
        return max(sizes, default=0)


def _siglip(
    width: int, middle: int, layers: int, patch: int, positions: int
) -> tuple[tuple[Row, ...], tuple[tuple[str, int], ...]]:
    """Linear rows and plain tensors of a SigLIP tower, biases everywhere, without its last norm."""
    linears: tuple[Row, ...] = (
        ("vision q, k, v, out", width, width, 4 * layers),
        ("vision fc1", middle, width, layers),
        ("vision fc2", width, middle, layers),
    )
    plain = (
        ("vision biases", layers * (5 * width + middle)),
        ("vision norms", layers * 4 * width),
        ("vision patches", 3 * patch * patch * width + width),
        ("vision positions", positions * width),
    )
    return linears, plain


_GEMMA_LINEARS, _GEMMA_PLAIN = _siglip(1152, 4304, 27, 14, 4096)
MEDGEMMA = Architecture(
    text=Text(2560, 10_240, 34, 8, 4, 256, 262_208, gated=True),
    vision=Vision(1152, 4304, 27, 16, 4096, 896),
    prompt=296,
    image_tokens=256,
    linears=(
        ("text q", 2048, 2560, 34),
        ("text k, v", 1024, 2560, 68),
        ("text o", 2560, 2048, 34),
        ("text gate, up", 10_240, 2560, 68),
        ("text down", 2560, 10_240, 34),
        *_GEMMA_LINEARS,
    ),
    tables=(("table, look-up and head", 262_208, 2560, 1),),
    plain=(
        ("text norms", 34 * (4 * 2560 + 2 * 256) + 2560),
        ("vision last norm", 2 * 1152),
        ("projector", 1152 * 2560 + 1152),
        *_GEMMA_PLAIN,
    ),
    tied=True,
)

_SIGLIP_LINEARS, _SIGLIP_PLAIN = _siglip(1024, 4096, 24, 16, 1024)
CHEXAGENT_2 = Architecture(
    text=Text(2560, 10_240, 32, 32, 32, 80, 51_200, gated=False),
    vision=Vision(1024, 4096, 24, 16, 1024, 512, bridge=10_240),
    prompt=1064,
    image_tokens=1024,
    linears=(
        ("text q, k, v, dense", 2560, 2560, 128),
        ("text fc1", 10_240, 2560, 32),
        ("text fc2", 2560, 10_240, 32),
        *_SIGLIP_LINEARS,
        ("resampler, first", 10_240, 1024, 1),
        ("resampler, second", 2560, 10_240, 1),
    ),
    tables=(("table", 51_200, 2560, 1), ("head", 51_200, 2560, 1)),
    plain=(
        ("text biases", 32 * (5 * 2560 + 10_240)),
        ("text norms", 33 * 2 * 2560),
        ("head bias", 51_200),
        ("resampler biases and norm", 10_240 + 2560 + 2 * 2560),
        ("resampler positions", 1024 * 1024),
        ("resampler projection", 2560 * 2560),
        *_SIGLIP_PLAIN,
    ),
    discarded=12_597_248,  # SigLIP's pooling head and last norm
)

CHEXAGENT_8B = Architecture(
    text=Text(4096, 14_336, 32, 32, 8, 128, 32_000, gated=True),
    vision=Vision(1408, 6144, 40, 16, 1025, 448),
    prompt=160,
    image_tokens=128,
    linears=(
        ("text q, o", 4096, 4096, 64),
        ("text k, v", 1024, 4096, 64),
        ("text gate, up", 14_336, 4096, 64),
        ("text down", 4096, 14_336, 32),
        ("vision qkv", 4224, 1408, 40),
        ("vision projection", 1408, 1408, 40),
        ("vision fc1", 6144, 1408, 40),
        ("vision fc2", 1408, 6144, 40),
        ("Q-Former, self-attention", 768, 768, 48),
        ("Q-Former, cross-attention q, out", 768, 768, 12),
        ("Q-Former, cross-attention k, v", 768, 1408, 12),
        ("Q-Former, middle", 3072, 768, 12),
        ("Q-Former, output", 768, 3072, 12),
        ("projection into the text", 4096, 768, 1),
    ),
    tables=(("table", 32_000, 4096, 1), ("head", 32_000, 4096, 1)),
    plain=(
        ("text norms", 65 * 4096),
        ("vision biases", 40 * (4224 + 1408 + 6144 + 1408)),
        ("vision norms", 40 * 4 * 1408 + 2 * 1408),
        ("vision patches", 3 * 14 * 14 * 1408 + 1408),
        ("vision positions and class", 1025 * 1408 + 1408),
        ("queries", 128 * 768),
        ("Q-Former biases", 48 * 768 + 24 * 768 + 12 * (3072 + 768)),
        ("Q-Former norms", 2 * 768 * (1 + 12 + 6 + 12)),
        ("projection's bias", 4096),
    ),
)

ARCHITECTURES: dict[str, Architecture] = {
    "medgemma-4b-it": MEDGEMMA,
    "medgemma-1.5-4b-it": MEDGEMMA,
    "chexagent-2-3b": CHEXAGENT_2,
    "chexagent-8b": CHEXAGENT_8B,
}
