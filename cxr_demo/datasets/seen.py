"""Which images a model may have been trained on, by what its authors say of its training data.

CheXagent: all of BRAX, CheXpert's train split, and MIMIC-CXR by its official split. MedGemma: its
model card lists MIMIC-CXR; of which splits is not known to us, so all of it counts as seen.
"""

from dataclasses import dataclass

ANY = "*"


@dataclass(frozen=True)
class Seen:
    """`splits` of `dataset` that training or the choice of the model may have used, or ANY."""

    dataset: str
    splits: tuple[str, ...]


_CHEXAGENT = (
    Seen("brax", (ANY,)),
    Seen("chexpert", ("train",)),
    Seen("mimic", ("train", "validate")),
)
_MEDGEMMA = (Seen("mimic", (ANY,)),)

SEEN: dict[str, tuple[Seen, ...]] = {
    "chexagent-2-3b": _CHEXAGENT,
    "chexagent-8b": _CHEXAGENT,
    "medgemma-4b-it": _MEDGEMMA,
    "medgemma-1.5-4b-it": _MEDGEMMA,
    "embedded": (),
}
"""By the models' ids. The embedded model reads phantoms only, and never those of a data set."""


def held_out(model: str, dataset: str, split: str | None) -> bool | None:
    """Whether `model` was kept from such an image; None for a model that is not in `SEEN`. Where
    the split of an image is not known, it counts as seen if any split was."""
    if model not in SEEN:
        return None
    for each in SEEN[model]:
        if each.dataset == dataset:
            return split is not None and ANY not in each.splits and split not in each.splits
    return True
