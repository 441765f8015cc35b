"""The compiled path is taken only where it agrees with the modules. On a processor the kernels'
twin stands for them."""

import pytest
import torch

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.fused.arguments import Unsuited
from cxr_demo.decoding.fused.twin import TwinOperations
from cxr_demo.models import compiling
from cxr_demo.models.compiling import Compiled
from tests.models.families import FAMILIES


class One(TwinOperations):
    """In the place of the kernels for one sequence."""

    def __init__(self, decoder, device):
        super().__init__(decoder)


class Several(TwinOperations):
    """In the place of the kernels for several."""

    def __init__(self, decoder, slots, device):
        super().__init__(decoder)


class Wrong(Several):
    """Drops what the last layer adds, in one row of several."""

    def finish(self, x, y):
        y = y.clone()
        y[-1] = -50 * y[-1]
        return super().finish(x, y)


class Late(One):
    """Gives NaN, as a kernel that does not fit a card may."""

    def finish(self, x, y):
        return super().finish(x, y) * torch.nan


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def network(request, tmp_path_factory):
    torch.set_num_threads(1)
    family = request.param
    model = family.fp32(family.write(tmp_path_factory.mktemp("checkpoints")))
    net = model._network
    net._body.to(torch.bfloat16)
    net._head.to(torch.bfloat16)
    net.dtype = torch.bfloat16
    return net


def made(network, monkeypatch, one=One, several=Several):
    monkeypatch.setattr(compiling, "SingleOperations", one)
    monkeypatch.setattr(compiling, "BatchOperations", several)
    return Compiled(network, network.describe)


def is_modules(forward):
    return not hasattr(forward, "_operations")


def test_what_agrees_is_used_for_one_and_for_several(network, monkeypatch):
    compiled = made(network, monkeypatch)
    assert compiled.wait()
    assert compiled.agrees()
    assert compiled.reason is None
    assert not is_modules(compiled.forward(1))
    assert not is_modules(compiled.forward(3))
    assert CapturedEngine(network, compiled.forward, "compiled").name == "compiled"


def test_nan_is_not_agreement(network, monkeypatch):
    compiled = made(network, monkeypatch, one=Late)
    assert compiled.wait()
    assert not compiled.agrees()
    assert "differ" in compiled.reason
    assert not compiled.wait()


def test_one_wrong_row_sends_batches_through_the_modules(network, monkeypatch):
    compiled = made(network, monkeypatch, several=Wrong)
    assert compiled.wait()
    assert compiled.agrees()
    assert is_modules(compiled.forward(3))
    assert not is_modules(compiled.forward(1))


def test_shapes_that_do_not_suit_leave_the_modules(network, monkeypatch):
    def unsuited(*_):
        raise Unsuited("64 columns")

    compiled = made(network, monkeypatch, several=unsuited)
    assert compiled.wait()
    assert is_modules(compiled.forward(2))
    compiled = made(network, monkeypatch, one=unsuited)
    assert not compiled.wait()
    assert "64 columns" in compiled.reason
    with pytest.raises(RuntimeError, match="64 columns"):
        compiled.forward(1)


def test_another_type_is_not_compiled(network, monkeypatch):
    compiled = made(network, monkeypatch)
    monkeypatch.setattr(network, "dtype", torch.float32)
    assert not compiled.wait()
    assert "float32" in compiled.reason
