"""The two readers that fresh processes compare: the app's model, and stock `generate()`. Both read
with the card's prompt for reports.
"""

import itertools
from pathlib import Path

import torch

from benchmarks.speed import stock
from cxr_demo import models
from cxr_demo.models import hardware
from cxr_demo.models.cards import card
from cxr_demo.models.images import padded_square, squashed_square
from cxr_demo.records import Memory, PipelineKind, Precision, Prompt
from cxr_demo.studies import open_study


def report_of(model: str) -> Prompt:
    """The card's prompt for reports."""
    return card(model).prompts[PipelineKind.REPORT]


class App:
    """The app's model, loaded as the worker loads it."""

    def __init__(self, model: str, precision: Precision, device: str, image: Path) -> None:
        self._device = torch.device(device)
        self._model = models.load(card(model), precision, device)
        self._image, self._prompt = image, report_of(model)

    @property
    def engine(self) -> str:
        """The path in use."""
        return self._model.engine

    def first_token(self) -> None:
        """The file, opened and read until one token is there."""
        self._read(1)

    def settle(self) -> None:
        """Wait until the fastest path that there is has been taken."""
        self._model.settle()

    def read(self, tokens: int, times: int = 1) -> None:
        """A reply of so many tokens, so many times; the peaks are of those alone."""
        _ = self._model.weights_sha256
        hardware.reset_peaks(self._device)
        for _ in range(times):
            self._read(tokens)

    def _read(self, tokens: int) -> None:
        seen = self._model.see(open_study(self._image)[0])
        asked = itertools.count()
        list(self._model.generate(seen, self._prompt, lambda: next(asked) >= tokens))

    def peaks(self) -> Memory:
        """torch's."""
        return hardware.peaks(self._device)


class Stock:
    """`generate()`."""

    engine = "stock"

    def __init__(self, model: str, precision: Precision, device: str, image: Path) -> None:
        self._stock = stock.load(model, precision, device)
        see = padded_square if card(model).preprocessing == "padded_square" else squashed_square
        side = self._stock.side
        self._seen = see(open_study(image)[0], side, 2)
        self._prompt = report_of(model)

    def first_token(self) -> None:
        """One token."""
        self._generate(1)

    def read(self, tokens: int) -> None:
        """A reply of so many tokens; the peaks are its own."""
        hardware.reset_peaks(self._stock.device)
        self._generate(tokens)

    def peaks(self) -> Memory:
        """torch's."""
        return hardware.peaks(self._stock.device)

    def _generate(self, tokens: int) -> None:
        self._stock.generate(self._stock.inputs([self._seen], self._prompt), tokens)
