"""Proof that a model uses its image, and not only the words around it.

    greedy report of image A, 32 tokens -> the same tokens forced on A, on B, on a noisy A ... -> KL

Movement is the mean Kullback-Leibler divergence, in nats, of the next-token distributions from
those of A over the first 32 steps. Another image must move the model more than ten times as far as
the same image does under another batch position and one grey level of noise.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cxr_demo.decoding.engine import Prefix, Request, State
from cxr_demo.models.base import Seen
from cxr_demo.models.faults import ImageNotUsed
from cxr_demo.models.probabilities import Asked
from cxr_demo.paths import assets_dir
from cxr_demo.records import PipelineKind, Radiograph
from cxr_demo.studies import open_study

STEPS = 32
FACTOR = 10.0
LEAST = 1e-3
"""Nats. Below this the distributions are the same but for rounding, whatever the noise did."""
_NOISE_SEED = 1
_SAMPLES = ("sample-1.dcm", "sample-2.dcm")


@dataclass(frozen=True)
class SelfTest:
    """Mean KL in nats from the reading of one image: to another image (`movement`), to the same
    one in another batch position with one grey level of noise (`floor`), and, not judged, to a
    black image and to the image mirrored. `steps` distributions were compared."""

    model: str
    prompt: str
    steps: int
    movement: float
    floor: float
    blank: float
    flipped: float

    @property
    def passed(self) -> bool:
        """Whether the image is used."""
        return self.movement > max(FACTOR * self.floor, LEAST)

    def require(self) -> None:
        """Raises ImageNotUsed if the test was not passed."""
        if not self.passed:
            raise ImageNotUsed(
                model=self.model, movement=f"{self.movement:.2g}", floor=f"{self.floor:.2g}"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the verdict."""
        return {**asdict(self), "passed": self.passed}


def samples() -> tuple[Radiograph, Radiograph]:
    """The two drawn radiographs that the test uses where no others are given."""
    first, second = (open_study(assets_dir() / "samples" / name)[0] for name in _SAMPLES)
    return first, second


def run(model: Asked, image: Radiograph | None = None, other: Radiograph | None = None) -> SelfTest:
    """Test `model` on two radiographs, of which it must not have the same picture; on the app's own
    samples if none are given. Takes about as long as six reports of 32 tokens."""
    if image is None or other is None:
        image, other = samples()
    prompt = model.card.prompts[PipelineKind.REPORT]
    seen, unlike = model.see(image), model.see(other)
    with torch.no_grad():
        first = model.prefix(seen, prompt)
        tokens = _greedy(model, first)
        own = _forced(model, [first], tokens)

        def moved(prefixes: Sequence[Prefix]) -> float:
            return _divergence(own, _forced(model, prefixes, tokens))

        second = model.prefix(unlike, prompt)
        return SelfTest(
            model=model.card.name,
            prompt=prompt.id,
            steps=own.shape[0],
            movement=moved([second]),
            floor=moved([second, model.prefix(_noisy(seen), prompt)]),
            blank=moved([model.prefix(_like(seen, np.zeros_like(seen.pixels)), prompt)]),
            flipped=moved([model.prefix(_like(seen, seen.pixels[:, ::-1]), prompt)]),
        )


def _greedy(model: Asked, prefix: Prefix) -> Tensor:
    """The model's own next tokens, (n,) int64 with n at most STEPS - 1; past an end of the reply
    too, since only distributions are compared."""
    state = model.decoder.prefill(prefix, room=STEPS)
    steps = model.decoder.decode(state, Request(STEPS - 1))
    return torch.tensor([step.ids[0] for step in steps], device=prefix.embeddings.device)


def _forced(model: Asked, prefixes: Sequence[Prefix], tokens: Tensor) -> Tensor:
    """Log-probabilities (n + 1, V) of the last of `prefixes`, which run as one batch."""
    state: State = model.decoder.prefill(Prefix.together(prefixes), room=STEPS)
    logits = model.decoder.force(state, tokens.expand(len(prefixes), -1))
    return logits[-1].float().log_softmax(-1)


def _divergence(own: Tensor, others: Tensor) -> float:
    return float((own.exp() * (own - others)).sum(-1).mean())


def _noisy(seen: Seen) -> Seen:
    """`seen` with every pixel one grey level up, down, or as it was, the same each time."""
    noise = np.random.default_rng(_NOISE_SEED).integers(-1, 2, seen.pixels.shape[:2])
    pixels = seen.pixels.astype(np.int16) + noise[..., None].astype(np.int16)
    return _like(seen, pixels.clip(0, 255))


def _like(seen: Seen, pixels: Any) -> Seen:
    return Seen(np.ascontiguousarray(pixels, dtype=np.uint8), seen.preprocessing)
