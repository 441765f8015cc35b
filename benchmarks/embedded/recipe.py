"""The embedded model's shape, and everything that decides a training run."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_BYTES = 16 * 1024**2
"""The published safetensors file may not be larger."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a small Gemma 3: `image_size` in pixels, `patch` in pixels, `image_tokens` a square
    that divides the grid of patches. Widths are multiples of 64, the block of NF4."""

    image_size: int = 384
    patch: int = 16
    image_tokens: int = 64
    vision_width: int = 256
    vision_mlp: int = 1024
    vision_layers: int = 6
    text_width: int = 256
    text_mlp: int = 640
    text_layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    vocab_size: int = 1024
    positions: int = 1024
    window: int = 512

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch


@dataclass(frozen=True)
class Recipe:
    """One training run. It ends at `steps` or after `minutes`, whichever comes first; learning rate
    and phases follow the share of it that is done. `quantised_from`: the share from which every
    other step computes with NF4-rounded weights, so that both precisions are trained for."""

    shape: Shape = Shape()
    train: int = 80_000
    validation: int = 500
    batch: int = 256
    minutes: float = 8.0
    steps: int = 1_000_000
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.05
    warmup: float = 0.04
    average: float = 0.998
    quantised_from: float = 0.5
    map_weight: float = 1.0
    image_weight: float = 0.5
    seed: int = 20_26
    workers: int = 15
    start_with: int = 4_000

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def tiny(**changes: Any) -> Recipe:
    """A recipe that runs two steps on a CPU in seconds, for the tests."""
    shape = Shape(
        image_size=64, image_tokens=4, vision_width=64, vision_mlp=128, vision_layers=1,
        text_width=64, text_mlp=128, text_layers=1, heads=1, kv_heads=1,
    )  # fmt: skip
    settings: dict[str, Any] = {
        "shape": shape, "train": 6, "validation": 3, "batch": 4, "minutes": 2.0, "steps": 2,
        "quantised_from": 0.0, "workers": 1, "start_with": 4,
    }  # fmt: skip
    return Recipe(**(settings | changes))
