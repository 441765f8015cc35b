"""Stand-in checkpoints have the published size, layout and special ids, and say what they are."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import Gemma3Config, PreTrainedTokenizerFast

from benchmarks import checkpoints, layouts, tokenizers_standin
from cxr_demo import weights
from cxr_demo.models.cards import CARDS, card
from cxr_demo.weights import Installed

REAL = [each.id for each in CARDS.values() if each.hub]
GOLDEN = "model.visual.model.encoder.layers.0.self_attn.q_proj.weight"


@pytest.mark.parametrize("model", REAL)
def test_the_true_layout_has_the_published_number_of_weights(model):
    assert checkpoints.layout(model).parameters == card(model).parameters


def test_shards_are_those_of_the_publishers():
    sizes = {}
    for model in REAL:
        found = checkpoints.layout(model)
        sizes[model] = [_bytes(found, shard) for shard in checkpoints.split(found)]
    assert [len(sizes[model]) for model in REAL] == [2, 2, 2, 7]
    assert sum(sizes["medgemma-4b-it"]) == 8_600_158_944
    assert all(size <= 5_000_000_000 for each in sizes.values() for size in each)


def _bytes(layout, shard):
    return sum(torch.Size(shape).numel() for shape in shard.values()) * layout.dtype.itemsize


def test_names_are_the_published_ones():
    medgemma = checkpoints.layout("medgemma-4b-it").shapes
    assert medgemma["language_model.model.embed_tokens.weight"] == (262_208, 2560)
    assert "vision_tower.vision_model.encoder.layers.26.mlp.fc2.bias" in medgemma
    assert "multi_modal_projector.mm_input_projection_weight" in medgemma
    assert not any(name.startswith(("lm_head", "model.")) for name in medgemma)
    second = checkpoints.layout("chexagent-2-3b").shapes
    assert {"model.visual.pos_embed", "model.visual.proj", "lm_head.bias", GOLDEN} <= set(second)
    assert checkpoints.layout("chexagent-8b").shapes["query_tokens"] == (1, 128, 768)


def test_the_configuration_means_what_is_published():
    text = Gemma3Config(**layouts.medgemma().config).text_config
    assert text.layer_types[:6] == ["sliding_attention"] * 5 + ["full_attention"]
    assert text.rope_parameters["full_attention"]["factor"] == 8.0
    assert text.rope_parameters["full_attention"]["rope_theta"] == 1e6
    assert text.rope_parameters["sliding_attention"]["rope_theta"] == 1e4


@pytest.mark.parametrize("model", REAL)
def test_a_tiny_one_is_complete_and_marked(model, tmp_path):
    found = checkpoints.write(model, tmp_path, tiny=True)
    installed = weights.status(card(model), tmp_path)
    assert isinstance(installed, Installed)
    assert weights.is_stand_in(tmp_path)
    assert "random" in (tmp_path / "STAND-IN").read_text()
    assert json.loads((tmp_path / "config.json").read_text())["stand_in"]
    tensors = load_file(installed.shards[0])
    assert {name: tuple(each.shape) for name, each in tensors.items()} == found.shapes
    assert {each.dtype for each in tensors.values()} == {found.dtype}
    assert all(each.float().std() > 0.01 for each in tensors.values() if each.numel() > 8)
    size = found.config["text_config"]["vocab_size"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert 0 < size - len(tokenizer) < 64 or len(tokenizer) == size


def test_large_ones_come_in_shards_with_an_index(tmp_path, monkeypatch):
    small = layouts.medgemma(tiny=True)
    cut = dataclasses.replace(small, shard_bytes=300_000)
    monkeypatch.setattr(checkpoints, "layout", lambda model, tiny: cut)
    checkpoints.write("medgemma-4b-it", tmp_path, tiny=True)
    index = json.loads((tmp_path / weights.INDEX).read_text())
    assert index["metadata"]["total_size"] == small.parameters * 2
    installed = weights.status(card("medgemma-4b-it"), tmp_path)
    assert len(installed.shards) > 1
    held = {name: shard.name for shard in installed.shards for name in load_file(shard)}
    assert held == index["weight_map"]


def test_the_same_seed_gives_the_same_weights(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        checkpoints.write("medgemma-4b-it", tmp_path / name, tiny=True, seed=seed)
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    """The full-size Gemma stand-in tokenizer."""
    folder = tmp_path_factory.mktemp("gemma")
    tokenizers_standin.write_gemma(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def test_gemma_ids_are_the_true_ones(gemma):
    ids = gemma.convert_tokens_to_ids
    assert len(gemma) == 262_145
    assert [ids(each) for each in ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")] == [0, 1, 2, 3, 4]
    assert [ids(each) for each in ("<unused94>", "<unused95>")] == [100, 101]
    assert [ids(each) for each in ("<start_of_turn>", "<end_of_turn>")] == [105, 106]
    assert [ids(each) for each in ("<start_of_image>", "<end_of_image>")] == [255_999, 256_000]
    assert ids("<image_soft_token>") == 262_144
    assert ids("<0x00>") == 238


def test_gemma_reads_any_text_and_prompts_are_short(gemma):
    text = "ação \N{LUNGS}\nx"
    assert gemma.decode(gemma(text, add_special_tokens=False)["input_ids"]) == text
    for prompt in card("medgemma-4b-it").prompts.values():
        ids = gemma(prompt.text, add_special_tokens=False)["input_ids"]
        assert gemma.decode(ids) == prompt.text
        assert len(ids) <= 2 * len(prompt.text.split())


def test_codegen_ids_are_the_true_ones(tmp_path):
    tokenizers_standin.write_codegen(tmp_path, 51_200)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    names = ["<|endoftext|>", "<|img|>", "<|/img|>", "<|imgpad|>", "<|ref|>", "<|/ref|>", "<|box|>"]
    assert tokenizer.convert_tokens_to_ids(names) == list(range(50_256, 50_263))
    assert tokenizer.convert_tokens_to_ids("<|coord_0|>") == 50_266
    assert len(tokenizer) % 64 == 0
    assert tokenizer.eos_token_id == 50_256
    vocab = json.loads((tmp_path / "vocab.json").read_text())
    assert len(vocab) == 50_256


def test_command_line(tmp_path, capsys):
    assert checkpoints.main(["medgemma-4b-it", str(tmp_path / "x"), "--tiny"]) == 0
    assert "parameters in" in capsys.readouterr().out
