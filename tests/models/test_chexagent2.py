"""CheXagent 2 against what the official code computes, where that data lies beside the checkout,
and what its adapter does with checkpoints and text.

The golden data: a tiny random instance under the official code and its own, older libraries.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from cxr_demo import models, weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models import chexagent2
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import card
from cxr_demo.records import Precision, Prompt
from tests.models.families import (
    FAMILIES,
    chexagent2_fp32,
    cosine,
    digest,
    filled,
    first_logits,
    unpacked,
)
from tests.stand_ins import copied, radiograph

MODEL = "chexagent-2-3b"
GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "chexagent2_tiny"
WITHIN = 1e-5
PROBE = "model.visual.model.head.probe"
NORM = "model.layers.1.input_layernorm.weight"
needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(),
    reason=f"NO GOLDEN DATA: equality with the official code untested ({GOLDEN})",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny stand-in as published."""
    torch.set_num_threads(1)
    return FAMILIES[1].write(tmp_path_factory.mktemp("chexagent2"))


@pytest.fixture(scope="module")
def full(folder):
    return chexagent2_fp32(folder)


@pytest.fixture(scope="module")
def case():
    return json.loads((GOLDEN / "case.json").read_text())


@pytest.fixture(scope="module")
def expected():
    return load_file(GOLDEN / "expected.safetensors")


@pytest.fixture(scope="module")
def golden_folder(case, tmp_path_factory):
    """The golden instance laid out as a checkpoint."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("golden")
    settings = {"text_config": case["text"], "vision_config": case["vision"]}
    (place / "config.json").write_text(json.dumps(settings))
    for name in ("vocab.json", "merges.txt"):
        (place / name).write_bytes((GOLDEN / name).read_bytes())
    (place / weights.SINGLE).write_bytes((GOLDEN / "weights.safetensors").read_bytes())
    return place


@pytest.fixture(scope="module")
def golden(golden_folder):
    return chexagent2_fp32(golden_folder)


@pytest.fixture(scope="module")
def seen():
    image = Image.open(GOLDEN / "image.png").convert("RGB").resize((512, 512), Image.BICUBIC)
    return Seen(np.asarray(image), "golden")


@needs_golden
def test_the_image_features_are_the_official_ones(golden, seen, expected):
    ours = golden.image_features([seen])
    assert ours.shape == expected["visual"].shape == (1, 1024, 64)
    assert (ours - expected["visual"]).abs().max() < WITHIN


@needs_golden
def test_the_prompt_ids_are_the_official_ones(golden, case):
    ids = golden.prompt_ids(Prompt("golden", case["question"], 8))
    assert ids == case["prompt_ids"]
    assert [golden._words.id(each) for each in chexagent2.IMAGE] == [257, 259, 258]


@needs_golden
def test_the_logits_and_the_reply_are_the_official_ones(golden, seen, case, expected):
    prompt = Prompt("golden", case["question"], len(case["greedy_ids"]))
    assert (first_logits(golden, seen, prompt) - expected["logits_last"]).abs().max() < WITHIN
    assert [token.id for token in golden.generate(seen, prompt)] == case["greedy_ids"]


@needs_golden
def test_4_bits_compute_what_their_values_say(golden_folder, golden, seen, case, record_property):
    about, prompt = card(MODEL), Prompt("golden", case["question"], 8)
    native = filled(
        chexagent2.build(about, golden_folder),
        chexagent2.where,
        MODEL,
        golden_folder,
        Precision.NF4,
        torch.bfloat16,
    )
    words = chexagent2.Words(golden_folder)
    four = chexagent2.CheXagent2Model(about, Precision.NF4, native, words, digest(), True)
    twin = chexagent2_fp32(golden_folder)
    assert unpacked(native, twin._native) == 2 * 6 + 2 * 6 + 2
    own, meant, exact = (first_logits(each, seen, prompt) for each in (four, twin, golden))
    assert cosine(own, meant) >= 0.9999
    unquantised = cosine(own, exact)
    record_property("cosine_to_unquantised", unquantised)
    print(f"4 bits against the unquantised golden model: cosine {unquantised:.4f}")
    assert unquantised > 0.98


@pytest.fixture
def damaged(folder, tmp_path, monkeypatch):
    """Loads a copy of the stand-in after `damage(tensors)`."""
    place = copied(folder, tmp_path)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))

    def load(damage):
        tensors = load_file(place / weights.SINGLE)
        damage(tensors)
        save_file(tensors, place / weights.SINGLE, metadata={"format": "pt"})
        return models.load(card(MODEL), Precision.BF16)

    load.folder = place
    return load


def test_missing_unknown_and_misshapen_tensors_are_listed_together(damaged):
    def damage(tensors):
        tensors.pop(NORM)
        tensors["model.visual.backdoor"] = torch.ones(2)
        tensors["lm_head.bias"] = torch.ones(7)

    with pytest.raises(WeightsRefused) as caught:
        damaged(damage)
    told = str(caught.value)
    assert "missing: language.model.layers.1.input_layernorm.weight" in told
    assert "unknown: model.visual.backdoor" in told
    assert "wrong shape: lm_head.bias" in told


def test_the_pooling_head_is_known_and_not_needed(damaged, full):
    seen = FAMILIES[1].seen(1)

    def without(tensors):
        for name in [each for each in tensors if each.startswith(chexagent2._UNUSED)]:
            tensors.pop(name)
        assert PROBE not in tensors

    assert PROBE in load_file(damaged.folder / weights.SINGLE)
    assert cosine(first_logits(damaged(without), seen), first_logits(full, seen)) > 0.9999


def test_a_cut_file_is_refused(damaged):
    path = damaged.folder / weights.SINGLE
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsRefused, match="safetensors"):
        models.load(card(MODEL), Precision.BF16)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "[]"),
        ("config.json", "{"),
        ("config.json", '{"text_config": {"hidden_size": "wide"}}'),
        ("config.json", '{"text_config": 7}'),
        ("vocab.json", "{}"),
        ("merges.txt", "neither nor"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(damaged, file, content):
    (damaged.folder / file).write_text(content)
    with pytest.raises(WeightsRefused, match=file) as caught:
        models.load(card(MODEL), Precision.BF16)
    assert file in caught.value.message("pt")


def test_code_beside_the_weights_does_not_run(damaged):
    (damaged.folder / "modeling_chexagent.py").write_text("raise SystemExit('ran')")
    settings = json.loads((damaged.folder / "config.json").read_text())
    settings["auto_map"] = {"AutoModelForCausalLM": "modeling_chexagent.Evil"}
    (damaged.folder / "config.json").write_text(json.dumps(settings))
    assert damaged(lambda tensors: None).card.id == MODEL


def test_the_published_settings_stand_where_they_are_not_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "chexagent"}))
    native = chexagent2.build(card(MODEL), tmp_path)
    parameters = sum(each.numel() for each in native.parameters())
    # The published count holds SigLIP's pooling (probe, attention, norm, MLP) and last norm, too.
    wide, deep = 1024, 4096
    pooling = wide + 4 * (wide * wide + wide) + 2 * wide + 2 * wide * deep + deep + wide
    assert card(MODEL).parameters == parameters + pooling + 2 * wide
    config = native.language.config
    assert (config.num_hidden_layers, config.vocab_size) == (32, 51_200)
    assert native.visual.side == 512


def test_settings_at_the_top_are_read_too(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 3}))
    assert chexagent2.build(card(MODEL), tmp_path).language.config.num_hidden_layers == 3


def test_the_prompt_is_the_published_one(full):
    shown = full.prompt_text(Prompt("test", "Is there an effusion?", 8))
    assert shown == (
        "<|system|>\nYou are a helpful assistant.<|endoftext|>\n<|user|>\nPicture 1:"
        "<|img|><|imgpad|><|/img|>\nIs there an effusion?<|endoftext|>\n<|assistant|>\n"
    )


def test_text_stays_text(full):
    words = full._words
    sly = "<|img|><|endoftext|>"
    assert not {words.id(each) for each in (chexagent2.END, *chexagent2.IMAGE)} & {
        *words.encode(sly)
    }
    assert words.decode(words.encode(sly)) == sly


def test_boxes_stay_and_the_end_goes(full):
    words, known = full._words, full.vocabulary
    ids = [
        known["<|box|>"],
        *words.encode("(1,2),(3,4)"),
        known["<|/box|>"],
        known["<|endoftext|>"],
    ]
    assert words.decode(ids) == "<|box|>(1,2),(3,4)<|/box|>"
    assert words.decode(words.encode("coração, à esquerda")) == "coração, à esquerda"


def test_the_image_is_squashed(full):
    seen = full.see(radiograph(1, 200, 160))
    assert seen.preprocessing == "squashed_square_512"
    assert seen.pixels.shape == (512, 512, 3)
    assert seen.pixels[:, :8].any()  # no padding
