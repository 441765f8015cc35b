import pytest
import torch

from cxr_demo import models
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from tests.stand_ins import MEDGEMMA, tiny_medgemma


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of a tiny MedGemma."""
    torch.set_num_threads(1)
    return tiny_medgemma(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def home(checkpoint, monkeypatch):
    """The app finds the tiny MedGemma among the user's models."""
    monkeypatch.setenv("CXR_DEMO_MODELS", str(checkpoint.parent))


@pytest.fixture
def load(home):
    """Loads the tiny MedGemma the way the app does."""

    def loader(precision=Precision.BF16, progress=lambda fraction: None):
        return models.load(card(MEDGEMMA), precision, "cpu", progress)

    return loader
