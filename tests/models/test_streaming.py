"""Every tensor of the published layouts has its place, at true size; and progress moves."""

import math

import pytest
import torch

from benchmarks import checkpoints
from cxr_demo.errors import WeightsRefused
from cxr_demo.models import chexagent2, chexagent8b, streaming
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from cxr_demo.weights import Installed

ADAPTERS = {"chexagent-2-3b": chexagent2, "chexagent-8b": chexagent8b}


@pytest.mark.parametrize("model", ADAPTERS)
def test_the_published_layout_fills_the_true_model(model, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    native = ADAPTERS[model].build(card(model), tmp_path)
    shapes = checkpoints.layout(model).shapes
    stored = [(tmp_path, name, shape) for name, shape in shapes.items()]
    monkeypatch.setattr(streaming, "_headers", lambda installed: iter(stored))
    installed = Installed(tmp_path, (), 0)
    plan = streaming.plan(native, ADAPTERS[model].where, card(model), installed)
    assert set(plan) == {name for name, _ in native.named_parameters()}
    stored.pop()
    with pytest.raises(WeightsRefused, match="missing"):
        streaming.plan(native, ADAPTERS[model].where, card(model), installed)


def test_thirds_of_a_parameter_meet_and_the_middle_is_zero():
    layer = torch.nn.Linear(2, 6, device="meta")
    for third, value in ((2, 5.0), (0, 3.0)):
        streaming.place(layer, "bias", third, torch.full((2,), value), torch.float32)
    assert layer.bias.tolist() == [3, 3, 0, 0, 5, 5]


def test_buffers_are_computed_anew(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    native = chexagent2.build(card("chexagent-2-3b"), tmp_path)
    rotary = native.language.model.rotary_emb
    assert rotary.inv_freq.is_meta
    streaming._compute_buffers(native, torch.device("cpu"))
    assert not any(each.is_meta for each in native.buffers())
    width = int(80 * 0.4)
    expected = [10_000 ** -(at / width) for at in range(0, width, 2)]
    assert rotary.inv_freq.tolist() == pytest.approx(expected)
    positions = native.visual.model.embeddings.position_ids
    assert positions.tolist() == [list(range(1024))]


@pytest.mark.parametrize("model", ADAPTERS)
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_progress_rises_to_one(model, precision, tmp_path):
    checkpoints.write(model, tmp_path, tiny=True)
    adapter, seen = ADAPTERS[model], []
    shards = tuple(tmp_path.glob("*.safetensors"))
    native = adapter.build(card(model), tmp_path)
    installed, cpu = Installed(tmp_path, shards, 0), torch.device("cpu")
    streaming.fill(native, adapter.where, card(model), installed, precision, cpu, seen.append)
    assert seen == sorted(seen)
    assert math.isclose(seen[0], 0.0, abs_tol=1e-6)
    assert seen[-1] == 1.0
    assert len(seen) > 50
    assert not any(each.is_meta for each in native.parameters())
