"""True-size models from nothing: the same layers and places as loaded ones, and they read."""

import pytest
import torch

from benchmarks import checkpoints, layouts
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.models import hardware, measuring, published, random_weights
from cxr_demo.models.cards import card
from cxr_demo.models.loading import quantized_modules
from cxr_demo.models.measuring import Meter, full_reading, noise, ready
from cxr_demo.records import Memory, PipelineKind, Precision
from cxr_demo.telemetry import Sampler
from tests.models.families import FAMILIES

CPU = torch.device("cpu")
MODELS = ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
PAIRS = [(model, each) for model in MODELS for each in card(model).precisions]


def tiny(model):
    layout = checkpoints.layout(model, tiny=True)
    return {"config.json": layout.config, "preprocessor_config.json": layout.images}


@pytest.fixture
def meter():
    sampler = Sampler(None)
    yield Meter(sampler, CPU)
    sampler.close()


@pytest.mark.parametrize(("model", "precision"), PAIRS)
def test_a_model_from_nothing_reads_at_full_length(model, precision, meter):
    seen = []
    built = random_weights.build(card(model), precision, CPU, seen.append, tiny(model))
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 5
    prompt = card(model).prompts[PipelineKind.REPORT]
    short = type(prompt)(prompt.id, prompt.text, 5)
    ready(built, noise(), short)
    told = []
    reading = full_reading(built, noise(), short, meter, told.append)
    assert reading.tokens == 5 and len(told) == 4
    assert reading.prompt == len(built.ids_of(short)) > 10
    assert reading.ttft > 0 and reading.tpot > 0
    assert reading.decode.allocated is None  # no CUDA here: not zero, unknown
    built.close()


@pytest.mark.parametrize(("sampled", "peak"), [(900, 800), (1100, 1000)])
def test_a_peak_between_two_samples_is_not_missed(sampled, peak, meter, monkeypatch):
    seen = Memory(vram_device_peak=sampled, vram_device_baseline=100)
    monkeypatch.setattr(meter._sampler, "end_request", lambda: seen)
    monkeypatch.setattr(hardware, "peaks", lambda device: Memory(vram_reserved_peak=500))
    for beside, expected in ((200, peak), (450, max(peak, 950)), (None, peak)):
        monkeypatch.setattr(measuring, "outside", lambda *_, found=beside: found)
        assert meter.end().device == expected


@pytest.mark.parametrize("family", FAMILIES, ids=lambda each: each.model)
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_its_layers_are_those_of_a_loaded_one(family, precision, tmp_path, monkeypatch):
    from cxr_demo import models

    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    family.write(tmp_path)
    about = card(family.model)
    loaded = models.load(about, precision)
    built = random_weights.build(about, precision, CPU, lambda fraction: None, tiny(family.model))

    def described(model):
        return {name: (each.shape, each.dtype) for name, each in model._native.named_parameters()}

    def buffers(model):
        return {name: (each.shape, each.dtype) for name, each in model._native.named_buffers()}

    assert described(built) == described(loaded)
    assert buffers(built) == buffers(loaded)
    assert quantized_modules(built._native) == quantized_modules(loaded._native)
    assert not any(each.is_meta for each in built._native.parameters())


def test_stopping_is_an_exception_of_the_progress(meter):
    class Enough(Exception):
        pass

    def progress(fraction):
        if fraction > 0.5:
            raise Enough

    with pytest.raises(Enough):
        random_weights.build(
            card("chexagent-2-3b"), Precision.NF4, CPU, progress, tiny("chexagent-2-3b")
        )


def test_published_sizes_are_those_of_the_checkpoints_layouts():
    for model in ("medgemma-4b-it", "medgemma-1.5-4b-it"):
        found = published.settings(card(model))["config.json"]
        assert found == layouts.medgemma().config


@pytest.mark.parametrize("model", MODELS)
def test_the_prompt_has_about_as_many_positions_as_are_counted(model):
    text = card(model).prompts[PipelineKind.REPORT].text
    shape = ARCHITECTURES[model]
    counted = shape.prompt - shape.image_tokens
    assert abs(len(random_weights._pieces(text)) - counted) < 32
