"""What is refused at load, and that progress moves."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from cxr_demo import models
from cxr_demo.errors import PrecisionUnsupported, WeightsMissing, WeightsRefused
from cxr_demo.models import hardware
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from tests.stand_ins import MEDGEMMA, copied

NORM = "language_model.model.layers.1.input_layernorm.weight"
CUDA = torch.device("cuda", 0)


@pytest.fixture
def damaged(checkpoint, tmp_path, monkeypatch):
    """Loads a copy of the checkpoint after `damage(tensors)`."""
    folder = copied(checkpoint, tmp_path)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))

    def load(damage):
        tensors = load_file(folder / "model.safetensors")
        damage(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return models.load(card(MEDGEMMA), Precision.BF16)

    load.folder = folder
    return load


def test_a_missing_tensor_is_named(damaged):
    with pytest.raises(WeightsRefused, match=r"missing: .*layers\.1\.input_layernorm"):
        damaged(lambda tensors: tensors.pop(NORM))


def test_an_unknown_tensor_is_named(damaged):
    with pytest.raises(WeightsRefused, match=r"unknown: .*backdoor"):
        damaged(lambda tensors: tensors.update({"language_model.model.backdoor": torch.ones(2)}))


def test_a_wrong_shape_is_named(damaged):
    with pytest.raises(WeightsRefused, match=r"wrong shape: .*layers\.1\.input_layernorm"):
        damaged(lambda tensors: tensors.update({NORM: torch.ones(7)}))


def test_a_cut_file_is_refused(damaged):
    path = damaged.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsRefused):
        models.load(card(MEDGEMMA), Precision.BF16)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_half_a_settings_file_is_refused(damaged, name):
    path = damaged.folder / name
    path.write_text(path.read_text()[:-3])
    with pytest.raises(WeightsRefused, match=name):
        models.load(card(MEDGEMMA), Precision.BF16)


def test_pickles_are_never_read(damaged):
    (damaged.folder / "model.safetensors").rename(damaged.folder / "pytorch_model.bin")
    with pytest.raises(WeightsRefused, match="pickle"):
        models.load(card(MEDGEMMA), Precision.BF16)


def test_code_beside_the_weights_does_not_run(damaged):
    (damaged.folder / "modeling_evil.py").write_text("raise SystemExit('ran')")
    settings = json.loads((damaged.folder / "config.json").read_text())
    settings["auto_map"] = {"AutoModel": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"}
    (damaged.folder / "config.json").write_text(json.dumps(settings))
    assert damaged(lambda tensors: None).card.id == MEDGEMMA


def test_an_empty_place_says_where_to_put_what(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    with pytest.raises(WeightsMissing) as caught:
        models.load(card(MEDGEMMA), Precision.BF16)
    assert str(tmp_path / MEDGEMMA) in caught.value.message("pt")
    assert "model.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "precision"),
    [
        ("embedded", Precision.BNB4_DEFAULT),
        ("embedded", Precision.NF4_EMB),
        ("chexagent-2-3b", Precision.NF4_EMB),
    ],
)
def test_a_precision_that_the_card_does_not_offer_is_refused(model, precision):
    with pytest.raises(PrecisionUnsupported):
        models.load(card(model), precision)


@pytest.mark.parametrize("precision", [each for each in Precision if "fp32" not in each])
def test_bf16_needs_a_gpu_that_computes_it(precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    with pytest.raises(PrecisionUnsupported, match=r"7\.5"):
        hardware.check_precision(card(MEDGEMMA), precision, CUDA)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    hardware.check_precision(card(MEDGEMMA), precision, CUDA)


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_progress_rises_to_one(load, precision, capfd):
    seen = []
    load(precision, seen.append)
    assert seen == sorted(seen)
    assert seen[0] < 0.1
    assert seen[-1] == 1.0
    assert len(seen) > 50
    assert "Loading weights" not in capfd.readouterr().err
