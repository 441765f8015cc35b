import pytest
import torch

from tests.stand_ins import adapted, native_fp32, tiny_medgemma


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Our adapter in float32 around transformers' own tiny model."""
    torch.set_num_threads(1)  # steps this small are slower on two
    folder = tiny_medgemma(tmp_path_factory.mktemp("checkpoints"))
    return adapted(native_fp32(folder), folder)
