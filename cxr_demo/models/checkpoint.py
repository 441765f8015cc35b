"""What lies on this machine of a model, found and checked, and how it gets into an empty one:

published files -> `streaming.fill`, quantised on the way          a prepared copy -> `packed.fill`
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from cxr_demo import weights
from cxr_demo.models import packed, streaming
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.loading import Progress
from cxr_demo.models.streaming import Where
from cxr_demo.records import Precision
from cxr_demo.weights import Installed, prepared


@dataclass(frozen=True)
class Checkpoint:
    """Files of `card` to load in `precision`: those of a prepared copy (`copied`), or published
    ones. `digest`: hash of the published tensors, in the making; a copy names that of its own."""

    card: ModelCard
    precision: Precision
    installed: Installed
    digest: Future[str]
    stand_in: bool
    copied: bool

    @property
    def folder(self) -> Path:
        """Where settings and tokenizer lie."""
        return self.installed.folder

    def fill(
        self, native: nn.Module, where: Where, device: torch.device, progress: Progress
    ) -> None:
        """Give `native`, built on the meta device, its weights; `where` places published names.
        Raises WeightsRefused or OutOfMemory."""
        if self.copied:
            packed.fill(native, self.card, self.installed, self.precision, device, progress)
        else:
            streaming.fill(
                native, where, self.card, self.installed, self.precision, device, progress
            )


def find(card: ModelCard, precision: Precision, device: torch.device) -> Checkpoint:
    """The files to load; a prepared copy goes first. Raises WeightsMissing or WeightsRefused."""
    copy = prepared.find(card, precision, device.type) if precision in prepared.PRECISIONS else None
    if copy is None or copy.about is None:
        installed = weights.locate(card)
        digest = _hashed(installed)
    else:
        installed = weights.locate(card, copy.folder)
        digest = Future()
        digest.set_result(copy.about.source)
    stand_in = weights.is_stand_in(installed.folder)
    return Checkpoint(card, precision, installed, digest, stand_in, copied=copy is not None)


def _hashed(installed: Installed) -> Future[str]:
    """Hash the checkpoint in a thread of its own, beside the loading."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="weights-hash")
    digest = pool.submit(weights.digest, installed.shards)
    pool.shutdown(wait=False)
    return digest
