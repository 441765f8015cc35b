"""The Gemma adapter on a tiny checkpoint in the published layout, loaded as the app loads it."""

import itertools
import sys

import numpy as np
import pytest
import torch

from cxr_demo import weights
from cxr_demo.models import cpu_nf4, loading
from cxr_demo.models.cards import card
from cxr_demo.models.faults import PromptTooLong
from cxr_demo.models.gemma import GemmaModel
from cxr_demo.records import PipelineKind, Precision, Prompt, StopReason
from tests.stand_ins import MEDGEMMA, noise, radiograph

SHORT = Prompt("test", "Describe this X-ray", 24)


def reply(model: GemmaModel, seen, prompt=SHORT):
    return [token.id for token in model.generate(seen, prompt)]


def test_the_reply_streams_and_ends_at_its_limit(load):
    model = load()
    generation = model.generate(noise(1), SHORT)
    assert generation.prompt_tokens is None
    tokens = list(generation)
    assert [token.index for token in tokens] == list(range(24))
    assert generation.stop is StopReason.LENGTH
    assert generation.prompt_tokens > 16 + 10
    assert 0 < generation.prefill_seconds <= tokens[0].elapsed
    assert all(a.elapsed < b.elapsed for a, b in itertools.pairwise(tokens))
    assert len({token.id for token in tokens}) > 5


def test_stop_ends_it_between_two_tokens(load):
    model = load()
    stop = []
    generation = model.generate(noise(1), SHORT, lambda: bool(stop))
    next(generation)
    next(generation)
    stop.append(True)
    assert list(generation) == []
    assert generation.stop is StopReason.STOPPED
    assert generation.tokens == 2


def test_the_end_of_turn_ends_it_and_is_no_token(load):
    model = load()
    ids = reply(model, noise(1))
    model.stop_ids = frozenset([ids[5]])
    generation = model.generate(noise(1), SHORT)
    assert [token.id for token in generation] == ids[:5]
    assert generation.stop is StopReason.END


def test_stop_ids_are_those_of_the_checkpoint(load):
    assert load().stop_ids == {1, 106}
    assert load().thought == (100, 101)


def test_another_image_gives_another_reply(load):
    model = load()
    assert reply(model, noise(1)) == reply(model, noise(1))
    assert reply(model, noise(1)) != reply(model, noise(2))


def test_the_prompt_is_the_published_template(load):
    system = Prompt("test", "Describe this X-ray", 10, system="You are an expert radiologist.")
    assert load().prompt_text(SHORT) == (
        "<bos><start_of_turn>user\n<start_of_image>Describe this X-ray<end_of_turn>\n"
        "<start_of_turn>model\n"
    )
    assert load().prompt_text(system) == (
        "<bos><start_of_turn>user\nYou are an expert radiologist.\n\n"
        "<start_of_image>Describe this X-ray<end_of_turn>\n<start_of_turn>model\n"
    )


def test_the_image_stands_where_the_prompt_says(load):
    model = load()
    prefix = model.prefix(noise(1), SHORT)
    image = prefix.blocks[0] == 0
    assert image.sum() == 16
    first = int(image.nonzero()[0])
    assert image[first : first + 16].all()
    other = model.prefix(noise(2), SHORT)
    assert torch.equal(prefix.embeddings[0, ~image], other.embeddings[0, ~image])
    assert not torch.equal(prefix.embeddings[0, image], other.embeddings[0, image])


def test_what_is_seen_is_what_goes_in(load):
    model = load()
    seen = model.see(radiograph(1))
    assert seen.pixels.shape == (56, 56, 3)
    pixels = model._processor(
        text=model.prompt_text(SHORT), images=[seen.pixels], do_resize=False, return_tensors="np"
    )["pixel_values"][0]
    expected = (seen.pixels.transpose(2, 0, 1) / 255 - 0.5) / 0.5
    assert np.allclose(pixels, expected, atol=1e-6)


def test_a_prompt_beyond_the_positions_is_refused(load):
    model = load()
    with pytest.raises(PromptTooLong):
        next(model.generate(noise(1), Prompt("test", "x", 131_072)))


def test_the_model_says_what_it_is(load, checkpoint):
    model = load(Precision.NF4)
    assert (model.card, model.precision) == (card(MEDGEMMA), Precision.NF4)
    assert model.engine == "plain"
    assert model.stand_in
    assert not model.confirmed
    assert model.weights_sha256 == weights.digest([checkpoint / "model.safetensors"])
    assert model.device
    model.close()


def test_bf16_is_bf16(load):
    native = load()._native
    assert {each.dtype for each in native.parameters()} == {torch.bfloat16}
    assert loading.quantized_modules(native) == []


def test_nf4_is_double_quantised_with_bf16_compute_and_storage():
    settings = loading.STORAGE[Precision.NF4].four_bits
    assert settings.bnb_4bit_quant_type == "nf4"
    assert settings.bnb_4bit_use_double_quant
    assert settings.bnb_4bit_compute_dtype is torch.bfloat16
    assert settings.bnb_4bit_quant_storage is torch.bfloat16
    assert loading.STORAGE[Precision.BF16].four_bits is None


def test_a_large_model_on_a_processor_computes_the_same_nf4(load, monkeypatch):
    small = load(Precision.NF4)
    monkeypatch.setattr(cpu_nf4, "SMALL", 0)
    large = load(Precision.NF4)
    kinds = [type(each).__name__ for each in large._native.modules()]
    assert kinds.count("Linear4bit") == 3 * 7 + 2 * 5
    assert kinds.count("UnpackedLinear4bit") == 2  # fc2, whose rows are no multiple of a block
    prefix = small.prefix(noise(1), SHORT)
    ours, theirs = (each._engine.prefill(prefix, 1).logits for each in (small, large))
    assert torch.equal(ours, theirs)
    assert reply(small, noise(1)) == reply(large, noise(1))


def test_nf4_values_are_near_the_published_ones(load):
    full, four = (load(each)._native for each in (Precision.BF16, Precision.NF4))
    for name in loading.quantized_modules(four):
        weight = full.get_submodule(name).weight.float()
        error = (four.get_submodule(name).values.float() - weight).norm() / weight.norm()
        assert 0.05 < error < 0.12, name  # normal weights in NF4, blocks of 64: about 0.09


def test_nothing_fetches_code(load):
    load(Precision.NF4)
    assert sys.modules.get("kernels", "absent") is None


def test_both_pipelines_have_room(load):
    model = load()
    for kind in PipelineKind:
        prompt = model.card.prompts[kind]
        assert model.prefix(noise(1), prompt).valid.shape[1] + prompt.max_new_tokens < 131_072
