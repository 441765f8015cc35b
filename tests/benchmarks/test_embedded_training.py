"""The training of the embedded model: its arithmetic, and two real steps on the CPU."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import report
from benchmarks.embedded import texts
from benchmarks.embedded.augment import augment, normalise
from benchmarks.embedded.data import make_example, resized, to_square
from benchmarks.embedded.model import build_model
from benchmarks.embedded.objective import encode, read
from benchmarks.embedded.quantise import Rounding, nf4_round
from benchmarks.embedded.recipe import tiny
from benchmarks.embedded.tokenizer import build_processor
from benchmarks.embedded.train import train
from cxr_demo import phantoms
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.phantoms import TEST_SEEDS, TRAIN_SEEDS, VALIDATION_SEEDS

SHAPE = tiny().shape


@pytest.fixture(scope="module")
def processor():
    tokenizer = texts.learn_tokenizer(SHAPE.vocab_size, count=200)
    return build_processor(tokenizer, SHAPE.image_size, SHAPE.image_tokens)


@pytest.fixture(scope="module")
def processor_folder(processor, tmp_path_factory):
    folder = tmp_path_factory.mktemp("processor")
    processor.save_pretrained(folder)
    return folder


def test_no_seed_serves_twice():
    ranges = [set(seeds[:40_000]) for seeds in (TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS)]
    assert not ranges[0] & ranges[1] and not ranges[0] & ranges[2] and not ranges[1] & ranges[2]


def test_two_steps_write_a_model_and_its_record(processor_folder, tmp_path):
    trainer = train(tiny(), tmp_path, processor_folder)
    assert trainer.step == 2
    record = report.read(tmp_path / "embedded_training.json")
    assert record["steps"] == 2 and record["recipe"]["seed"] == tiny().seed
    assert {"report_f1", "direct_f1"} <= set(record["curve"][-1]["bf16"])
    fresh = build_model(SHAPE, trainer.processor)
    loaded = type(fresh).from_pretrained(tmp_path, dtype=torch.bfloat16)
    want = trainer.published().state_dict()
    assert all(torch.equal(want[name].cpu(), value) for name, value in loaded.state_dict().items())


def test_training_reads_as_the_published_class_does(processor):
    torch.manual_seed(0)
    model = build_model(SHAPE, processor).eval()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    content = [{"type": "image", "image": image}, {"type": "text", "text": texts.REPORT}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True,
    )  # fmt: skip
    assert inputs["input_ids"][0].tolist() == texts.prompt_ids(processor, texts.REPORT).tolist()
    grey = torch.from_numpy(np.asarray(image)[..., 0].copy())[None, None].float() / 255
    ours = normalise(grey)[:, 0]
    torch.testing.assert_close(inputs["pixel_values"][:, 0], ours)
    with torch.no_grad():
        _, soft = encode(model, inputs["pixel_values"])
        mine = model.lm_head(read(model, soft, inputs["input_ids"]))
        torch.testing.assert_close(mine, model(**inputs).logits)


def test_rounding_is_that_of_bitsandbytes():
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    weights = torch.randn(128, 64, generator=torch.Generator().manual_seed(1))
    packed, state = quantize_4bit(weights, quant_type="nf4", blocksize=64)
    theirs = dequantize_4bit(packed, state)
    torch.testing.assert_close(nf4_round(weights.flatten()).view_as(weights), theirs)


def test_rounding_is_undone(processor):
    model = build_model(SHAPE, processor)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with Rounding(model).applied():
        changed = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
        assert any("self_attn.q_proj.weight" in name for name in changed)
        assert not any("embed" in name or "lm_head" in name for name in changed)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_every_word_of_a_prompt_or_report_is_one_token(processor):
    tokenizer = texts.learn_tokenizer(1024, count=1_500)
    report = phantoms.write_report(phantoms.plan(TEST_SEEDS[3]))
    for text in (texts.REPORT, texts.DIRECT, report):
        words = len(text.replace(",", " ,").replace(".", " .").replace("-", " - ").split())
        assert len(tokenizer(text)["input_ids"]) <= 1.15 * words + 3
    for answer in texts.ANSWERS:
        assert len(tokenizer(answer, add_special_tokens=False)["input_ids"]) == 1


def test_the_vocabulary_holds_any_text(processor):
    text = "Größe: 3 × 5 cm?\nNão há derrame."
    ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert processor.tokenizer.decode(ids) == text


def test_maps_lie_where_the_finding_was_drawn():
    seed = next(
        seed
        for seed in VALIDATION_SEEDS
        if (drawn := phantoms.plan(seed).find(Finding.LUNG_LESION)) and drawn.side == "left"
    )
    example = make_example(seed, SHAPE)
    lesion = example.maps[FINDINGS.index(Finding.LUNG_LESION)]
    assert lesion.any() and np.nonzero(lesion)[1].min() >= SHAPE.grid // 2
    assert example.truth[FINDINGS.index(Finding.LUNG_LESION)]
    absent = ~example.truth
    assert not example.maps[absent].any()


def test_augmentation_moves_image_and_map_together():
    square = torch.zeros(64, 64, 64, dtype=torch.uint8)
    square[:, 16:32, 32:48] = 200
    maps = torch.zeros(64, 14, 4, 4, dtype=torch.bool)
    maps[:, 5, 1, 2] = True
    pixels, located = augment(square, maps, torch.Generator().manual_seed(3))
    assert pixels.shape == (64, 3, 64, 64) and pixels.min() >= -1 and pixels.max() <= 1
    bright = torch.nn.functional.avg_pool2d(pixels[:, :1] * 0.5 + 0.5, 16).flatten(1)
    assert (bright.argmax(1) == located[:, 5].flatten(1).argmax(1)).all()
    assert not located[:, :5].any()


def test_padding_is_centred_and_black():
    square = to_square(np.full((10, 6), 9, np.uint8))
    assert square.shape == (10, 10)
    assert (square[:, 2:8] == 9).all() and not square[:, :2].any() and not square[:, 8:].any()
    assert resized(square, 5, Image.Resampling.BILINEAR).shape == (5, 5)
