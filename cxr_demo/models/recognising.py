"""Whether a folder holds a checkpoint of a model: by names and shapes alone, no tensor is read."""

from pathlib import Path

import torch
from torch import nn

from cxr_demo import models, weights
from cxr_demo.models import streaming
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.streaming import Where


def empty(card: ModelCard, folder: Path) -> tuple[nn.Module, Where]:
    """The model of `card` as the settings in `folder` describe it, on the meta device, and where
    stored tensors go in it. Raises WeightsRefused if the settings cannot be understood."""
    family = models.family(card)
    native: nn.Module = family.build(card, folder)
    return native, family.places(native)


def refuse_other(card: ModelCard, folder: Path) -> None:
    """Raises WeightsRefused, with names, unless `folder` holds the tensors of `card`. That files
    are missing altogether is not its business."""
    found = weights.status(card, folder)
    if isinstance(found, weights.Installed):
        native, where = empty(card, folder)
        with streaming.loaded_from_files(card, torch.device("cpu")):
            streaming.plan(native, where, card, found)
