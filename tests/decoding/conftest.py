import pytest
import torch

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.models.openings import Openings
from tests.decoding.reference import case
from tests.models.families import FAMILIES
from tests.stand_ins import adapted, native_fp32, tiny_medgemma


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Our adapter in float32 around transformers' own tiny model."""
    torch.set_num_threads(1)  # steps this small are slower on two
    folder = tiny_medgemma(tmp_path_factory.mktemp("checkpoints"))
    return adapted(native_fp32(folder), folder)


@pytest.fixture(scope="session", params=FAMILIES, ids=lambda family: family.model)
def beside_stock(request, tmp_path_factory):
    """Each family's adapter and transformers' own model, both in float32, on the same weights."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("checkpoints")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXR_DEMO_MODELS", str(root))
        return case(request.param, root)


@pytest.fixture
def model(beside_stock, monkeypatch):
    """The adapter of `beside_stock` with the captured path's engine, as on a GPU."""
    found = beside_stock.model
    monkeypatch.setattr(found, "_engine", CapturedEngine(found._network))
    monkeypatch.setattr(found, "_openings", Openings(found))
    return found
