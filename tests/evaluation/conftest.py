"""Phantoms in the layouts of data sets, drawn once; and a tiny CheXbert."""

import pytest

from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation import labelling
from cxr_demo.labelers.chexbert import CheXbert, Network
from tests.evaluation.bench import COUNT
from tests.labelers.test_chexbert import TINY, write_checkpoint, write_tokenizer


@pytest.fixture(scope="session")
def chexpert(tmp_path_factory):
    return write_layout("chexpert-valid", tmp_path_factory.mktemp("chexpert"), COUNT, width=256)


@pytest.fixture
def tiny_chexbert(monkeypatch):
    """A tiny one with a real checkpoint; two reports at a time."""
    folder = labelling.chexbert_folder()
    folder.mkdir(parents=True)
    write_tokenizer(folder)
    write_checkpoint(folder, Network(TINY).state_dict())
    made = CheXbert(folder, "cpu", config=TINY)
    monkeypatch.setattr(labelling, "load_chexbert", lambda device: made)
    monkeypatch.setattr(labelling, "_AT_ONCE", {"cpu": 2})
    monkeypatch.setattr(labelling, "_AT_ONCE_ON_GPU", 2)
    return made
