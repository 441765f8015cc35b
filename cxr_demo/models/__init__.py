"""Models: cards (what is known before loading), and `load` (the model on a device).

Importing this package imports no torch; only `load` does.
"""

import importlib
import logging
import sys
from collections.abc import Callable
from types import ModuleType

from cxr_demo.models.base import Generation, Model, Seen
from cxr_demo.models.cards import CARDS, ModelCard, card
from cxr_demo.models.faults import NotInThisVersion, UnknownModel
from cxr_demo.records import Precision

# Before any import of bitsandbytes: it would fetch executable code from the hub through `kernels`,
# which nobody else needs, and complain that it could not.
sys.modules.setdefault("kernels", None)  # type: ignore[arg-type]
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

__all__ = [
    "CARDS",
    "Generation",
    "Model",
    "ModelCard",
    "NotInThisVersion",
    "Seen",
    "UnknownModel",
    "card",
    "family",
    "load",
]


def load(
    card: ModelCard,
    precision: Precision,
    device: str = "cpu",
    progress: Callable[[float], None] = lambda fraction: None,
) -> Model:
    """Bring `card` onto `device` ("cpu", "cuda:0") in `precision`.

    `progress` is called with fractions in 0..1, from this thread. Raises NotInThisVersion,
    PrecisionUnsupported, WeightsMissing, WeightsRefused or OutOfMemory.
    """
    if card.family is None:
        raise NotInThisVersion(model=card.name)
    model: Model = family(card).load(card, precision, device, progress)
    if precision is Precision.BNB4_DEFAULT:
        from cxr_demo.models.stock import StockModel

        model = StockModel(model)
    if device != "cpu" or card.phantoms_only:
        model.warm_up()  # a large model on a processor would take minutes for it
    return model


def family(card: ModelCard) -> ModuleType:
    """The module of the family of `card`, which has one: `load`, and for those of published
    checkpoints `build` (an empty model) and `places` (where stored tensors go in it)."""
    return importlib.import_module(f"cxr_demo.models.{card.family}")
