"""What a model is given of a radiograph, without its weights and without torch.

The adapters call the same functions of `images` with the same numbers: the checkpoint's own image
settings where it is installed, else the published ones below.
"""

import json
from collections.abc import Callable
from pathlib import Path

from PIL.Image import Resampling

from cxr_demo.models import images
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.faults import NotInThisVersion
from cxr_demo.records import Radiograph
from cxr_demo.weights import folder

_WAYS: dict[str, Callable[[Radiograph, int, int], Seen]] = {
    "padded_square": images.padded_square,
    "squashed_square": images.squashed_square,
}
"""Name of a preprocessing, as on the card -> function of radiograph, side and resampling."""

_PUBLISHED = {
    "medgemma-4b-it": (896, Resampling.BILINEAR),
    "medgemma-1.5-4b-it": (896, Resampling.BILINEAR),
    "chexagent-2-3b": (512, Resampling.BICUBIC),
    "chexagent-8b": (448, Resampling.BICUBIC),
}
"""Side in pixels and resampling, from the publishers' image settings."""


def see_as(card: ModelCard, radiograph: Radiograph) -> Seen:
    """Exactly what the model of `card` is given: (S, S, 3) uint8, and the preprocessing's name.

    Raises NotInThisVersion for a model whose preprocessing this version does not have.
    """
    settings = _installed(folder(card)) or _PUBLISHED.get(card.id)
    way = _WAYS.get(card.preprocessing)
    if settings is None or way is None:
        raise NotInThisVersion(model=card.name)
    return way(radiograph, *settings)


def _installed(place: Path) -> tuple[int, int] | None:
    """Side and resampling that the checkpoint in `place` names, if there is one."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if not (place / name).is_file():
            continue
        found = json.loads((place / name).read_text())
        found = found.get("image_processor", found)
        if "size" in found and "resample" in found:
            return int(found["size"]["height"]), int(found["resample"])
    return None
