"""CheXagent 8B against transformers' own BLIP-2 around the same parts, and how its checkpoint, of
which only the layout is public knowledge, is read or refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Blip2Config, Blip2ForConditionalGeneration

from cxr_demo import models, weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models import chexagent8b, cpu_nf4
from cxr_demo.models.cards import card
from cxr_demo.models.four_bits import Params4bit
from cxr_demo.models.scaling import Scaling, stacked
from cxr_demo.records import Precision, Prompt
from tests.models.families import FAMILIES, chexagent8b_fp32, filled, first_logits
from tests.stand_ins import copied

MODEL = "chexagent-8b"
FAMILY = FAMILIES[2]
PROMPT = Prompt("test", 'Describe "Airway"', 30)
PLACEHOLDER = 3
BIAS = "vision_model.encoder.layers.{}.self_attn.qkv.bias"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    return FAMILY.write(tmp_path_factory.mktemp("chexagent8b"))


@pytest.fixture(scope="module")
def full(folder):
    return chexagent8b_fp32(folder)


@pytest.fixture(scope="module")
def stock(full):
    """transformers' BLIP-2 with the same weights, which takes its queries through placeholders."""
    native = full._native
    config = Blip2Config(
        vision_config=native.vision_model.config.to_dict(),
        qformer_config=native.qformer.config.to_dict(),
        text_config=native.language_model.config.to_dict() | {"attn_implementation": "sdpa"},
        num_query_tokens=native.query_tokens.shape[1],
        image_token_index=PLACEHOLDER,
    )
    model = Blip2ForConditionalGeneration(config).eval()
    model.load_state_dict(native.state_dict())
    return model


@pytest.fixture(scope="module")
def stock_inputs(full):
    ids = full.prompt_ids(PROMPT)
    queries = full._native.query_tokens.shape[1]
    scaled = Scaling(
        chexagent8b._IMAGES["image_mean"],
        chexagent8b._IMAGES["image_std"],
        torch.device("cpu"),
        torch.float32,
    )
    pixels = scaled(stacked([FAMILY.seen(1)]))
    ids = torch.tensor([[PLACEHOLDER] * queries + ids[queries:]])
    return {"input_ids": ids, "pixel_values": pixels, "attention_mask": torch.ones_like(ids)}


def test_the_logits_are_those_of_stock_blip2(full, stock, stock_inputs):
    with torch.no_grad():
        theirs = stock(**stock_inputs).logits[:, -1]
    assert (first_logits(full, FAMILY.seen(1), PROMPT) - theirs).abs().max() < 1e-4
    assert (first_logits(full, FAMILY.seen(2), PROMPT) - theirs).abs().max() > 1e-2


def test_the_reply_is_that_of_stock_generate(full, stock, stock_inputs):
    with torch.no_grad():
        theirs = stock.generate(
            **stock_inputs, max_new_tokens=PROMPT.max_new_tokens, do_sample=False
        )[0].tolist()
    ours = [token.id for token in full.generate(FAMILY.seen(1), PROMPT)]
    assert ours == theirs[-len(ours) :]
    assert len(ours) == PROMPT.max_new_tokens


def test_the_prompt_is_the_published_one(full):
    assert full.prompt_text(PROMPT) == '<image><s> USER: <s>Describe "Airway" ASSISTANT: <s>'
    ids = full.prompt_ids(PROMPT)
    queries = full._native.query_tokens.shape[1]
    assert queries == 128
    assert ids[:queries] == [0] * queries
    assert ids[queries] == ids[-1] == full.vocabulary["<s>"] == 1
    assert ids[queries:].count(1) == 3
    assert full.stop_ids == {2}


@pytest.fixture
def changed(folder, tmp_path, monkeypatch):
    """Loads a copy of the checkpoint after `change(tensors)`."""
    place = copied(folder, tmp_path)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))

    def load(change):
        tensors = load_file(place / weights.SINGLE)
        change(tensors)
        save_file(tensors, place / weights.SINGLE, metadata={"format": "pt"})
        return models.load(card(MODEL), Precision.BF16)

    return load


def no_key_bias(tensors):
    for layer in range(2):
        tensors[BIAS.format(layer)].chunk(3)[1].zero_()


def split_bias(tensors):
    no_key_bias(tensors)
    for layer in range(2):
        name = BIAS.format(layer)
        query, _, value = tensors.pop(name).chunk(3)
        stem = name.removesuffix("qkv.bias")
        tensors |= {f"{stem}q_bias": query.clone(), f"{stem}v_bias": value.clone()}


def test_both_layouts_of_the_attention_bias_are_read(changed):
    whole = first_logits(changed(no_key_bias), FAMILY.seen(1))
    parts = first_logits(changed(split_bias), FAMILY.seen(1))
    assert torch.equal(whole, parts)


def test_half_a_bias_is_missing_and_a_double_one_is_refused(changed):
    def half(tensors):
        split_bias(tensors)
        tensors.pop("vision_model.encoder.layers.1.self_attn.v_bias")

    def double(tensors):
        tensors[BIAS.format(0)] = torch.zeros(96)
        tensors["vision_model.encoder.layers.1.self_attn.v_bias"] = torch.zeros(32)

    with pytest.raises(WeightsRefused, match=r"missing: .*layers\.1\.self_attn\.qkv\.bias"):
        changed(half)
    with pytest.raises(WeightsRefused, match=r"twice: .*layers\.0\.self_attn"):
        changed(double)


LEFT_OVER = (
    "qformer.embeddings.word_embeddings.weight",
    "qformer.encoder.layer.1.intermediate.dense.weight",
    "qformer.encoder.layer.1.output.LayerNorm.bias",
    "qformer.cls.predictions.bias",
    "language_model.model.layers.0.self_attn.rotary_emb.inv_freq",
)


def test_left_over_text_layers_are_known_and_others_are_refused(changed):
    before = first_logits(changed(lambda tensors: None), FAMILY.seen(1))
    kept = changed(lambda tensors: tensors.update({name: torch.ones(2) for name in LEFT_OVER}))
    assert torch.equal(first_logits(kept, FAMILY.seen(1)), before)
    with pytest.raises(WeightsRefused, match=r"unknown: qformer\.encoder\.layer\.1\.extra\.dense"):
        changed(lambda tensors: tensors.update({"qformer.encoder.layer.1.extra.dense": before}))


def test_the_published_settings_stand_where_they_are_not_named(tmp_path):
    settings = {"qformer_config": {"model_type": "chexagent_qformer", "vocab_size": 30_523}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    native = chexagent8b.build(card(MODEL), tmp_path)
    assert sum(each.numel() for each in native.parameters()) == card(MODEL).parameters


SHARDS = 6


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured through /proc")
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_host_memory_holds_the_model_and_one_shard(precision, tmp_path, monkeypatch):
    """fp32 shards of 40 MB, of which a model of 120 MB in bf16 or 35 MB in 4 bits is made."""
    monkeypatch.setattr(cpu_nf4, "SMALL", 0)  # as a large model: its layers stay packed
    layer = {"num_hidden_layers": SHARDS, "hidden_size": 512, "intermediate_size": 5_000}
    small = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    settings = {
        "text_config": {**layer, "num_attention_heads": 4, "vocab_size": 2048},
        "vision_config": {**small, "num_hidden_layers": 1, "image_size": 56},
        "qformer_config": {**small, "num_hidden_layers": 1, "encoder_hidden_size": 32},
    }
    (tmp_path / "config.json").write_text(json.dumps(settings))
    native = chexagent8b.build(card(MODEL), tmp_path)
    shards: list[dict[str, torch.Tensor]] = [{} for _ in range(SHARDS)]
    for name, each in native.named_parameters():
        found = name.split("layers.")[-1].split(".")[0]
        at = int(found) if name.startswith("language_model.model.layers") else 0
        shards[at][name] = torch.zeros(each.shape)
    for at, shard in enumerate(shards):
        save_file(shard, tmp_path / f"model-{at}.safetensors")
    largest = max(each.stat().st_size for each in tmp_path.glob("*.safetensors"))
    Params4bit(torch.ones(64, 64), quant_type="nf4").to("cpu")  # what a library takes at first use
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    filled(native, chexagent8b.where, MODEL, tmp_path, precision, torch.bfloat16)
    grown = _resident("VmHWM") - before
    model = sum(map(_bytes, native.parameters()))
    assert model > (2 if precision is Precision.BF16 else 0.5) * largest
    assert model / 2 < grown < model + largest + 16 * 1024**2


def _bytes(parameter):
    state = getattr(parameter, "quant_state", None)
    return parameter.nbytes + (0 if state is None else state.absmax.nbytes)


def _resident(which: str) -> int:
    """This process's resident bytes, now or at their peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))
