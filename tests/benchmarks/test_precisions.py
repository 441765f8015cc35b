"""The measurements of precisions and prepared copies, on tiny models."""

import json
import os

import pytest
import torch

from benchmarks import against_stock, checkpoints, precisions, prepared
from cxr_demo.models import preparing
from cxr_demo.records import Precision

MODEL = "medgemma-4b-it"


@pytest.fixture
def home(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    checkpoints.write(MODEL, tmp_path / MODEL, tiny=True)
    return tmp_path


def test_distributions_are_compared_step_by_step():
    generator = torch.Generator().manual_seed(1)
    one = {"image0": torch.randn(5, 100, generator=generator)}
    same = precisions.compare(one, one)
    assert same["cosine_least"] == pytest.approx(1) and same["same_best_token"] == 1
    assert same["kl_mean"] == pytest.approx(0, abs=1e-6)
    moved = {"image0": one["image0"].clone()}
    moved["image0"][3] = -moved["image0"][3]
    far = precisions.compare(one, moved)
    assert far["cosine_least"] == pytest.approx(-1)
    assert far["same_best_token"] == pytest.approx(0.8)
    assert far["kl_mean"] > 0.1


def test_a_precision_is_read_with_its_figures(home):
    out = home / "nf4.safetensors"
    precisions.read(MODEL, Precision.BF16, home / "bf16.safetensors")
    precisions.read(MODEL, Precision.NF4_EMB, out, home / "bf16.safetensors")
    assert json.loads(out.with_suffix(".json").read_text())["layers_in_4_bits"] == 35
    held = precisions.load_file(out)
    assert set(held) == {"image0", "image1", "tokens0", "tokens1"}
    followed = precisions.load_file(home / "bf16.safetensors")
    assert torch.equal(held["tokens1"], followed["tokens1"])
    assert torch.equal(followed["image1"][:-1].argmax(-1), followed["tokens1"][0])
    assert held["image0"].shape == (precisions.STEPS + 1, 2048)
    assert not torch.equal(held["image0"], held["image1"])


@pytest.mark.parametrize("wrong", ["bf16,nf5", "bf16", "bf16,nf4,nf4_emb"])
def test_precisions_that_cannot_be_compared_are_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        precisions.main(["chexagent-2-3b", "--precisions", wrong])
    assert "--precisions" in capsys.readouterr().err


def test_loads_are_timed_from_published_and_prepared_files(home):
    published = prepared.load(MODEL, "nf4")
    made = preparing.prepare(MODEL, Precision.NF4, through="cpu")
    prepared.drop(made.folder)
    again = prepared.load(MODEL, "nf4")
    for found in (published, again):
        placed, ready = (found[f"seconds_until_{each}"] for each in ("weights_are_placed", "ready"))
        assert 0 < placed <= ready
        assert 0 < found["host_peak_own"] <= found["host_peak_with_mapped_files"]
        assert found["vram_allocated_peak"] is None


def test_the_port_agrees_with_stock_generate(monkeypatch, capsys):
    for name in ("CXR_DEMO_MODELS", "CXR_DEMO_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # given back afterwards
    torch.set_num_threads(1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert against_stock.main(["--tiny", "--precisions", "nf4", "--tokens", "16"]) == 0
    assert "'different': 0" in capsys.readouterr().out
