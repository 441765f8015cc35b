"""The embedded model as it is published: what it is, and how it reads phantoms it never saw."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from benchmarks import report
from benchmarks.embedded import quality
from benchmarks.embedded.data import make_example
from benchmarks.embedded.recipe import MAX_BYTES, Shape
from benchmarks.embedded.scores import table, truth_of
from benchmarks.embedded.texts import ANSWERS, QUESTION
from cxr_demo import models, phantoms
from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.metrics.f1 import encode
from cxr_demo.models.cards import card
from cxr_demo.paths import assets_dir
from cxr_demo.phantoms import TEST_SEEDS, VALIDATION_SEEDS, Grade
from cxr_demo.phantoms.files import Kind
from cxr_demo.records import PipelineKind, Precision, StopReason

FOLDER = assets_dir() / "embedded"
SMALL = 512
"""Columns of a phantom here: drawing is what takes the time."""


@pytest.fixture(scope="module")
def loaded():
    return {
        precision: models.load(card("embedded"), precision, "cpu", lambda _: None)
        for precision in (Precision.BF16, Precision.NF4)
    }


@pytest.fixture(scope="module")
def sample():
    """Five test phantoms of each grade."""
    chosen = {grade: [] for grade in Grade}
    for seed in TEST_SEEDS:
        own = chosen[phantoms.grade(phantoms.plan(seed))]
        if len(own) < 5:
            own.append(seed)
        if all(len(seeds) == 5 for seeds in chosen.values()):
            break
    seeds = [seed for own in chosen.values() for seed in own]
    return seeds, [quality.radiograph_of(seed, SMALL) for seed in seeds]


def micro(seeds, sets, grade=None):
    predicted = encode([[each.label for each in one.labels] for one in sets])
    parts = table(truth_of(seeds), predicted)
    part = parts["overall"] if grade is None else parts["by_grade"][grade]
    return part[UncertaintyPolicy.UNCERTAIN_AS_POSITIVE.value]["micro"]


def test_it_is_small_and_in_bf16():
    files = sorted(FOLDER.glob("*.safetensors"))
    assert sum(file.stat().st_size for file in files) <= MAX_BYTES
    with safe_open(files[0], "pt") as tensors:
        shapes = [tensors.get_slice(name) for name in tensors.keys()]  # noqa: SIM118
        assert {each.get_dtype() for each in shapes} == {"BF16"}
        count = sum(int(np.prod(each.get_shape())) for each in shapes)
    assert 7_000_000 <= count <= 9_000_000


def test_the_sample_of_phantoms_is_not_the_training_set():
    record = report.read(report.RESULTS / "embedded_training.json")
    for name in ("train_seeds", "validation_seeds"):
        seeds = range(*record[name])
        assert not set(TEST_SEEDS) & set(seeds)
    assert record["phantom_version"] == phantoms.PHANTOM_VERSION


def test_the_recorded_quality_is_of_these_weights_and_suffices(loaded):
    record = report.read(report.RESULTS / "embedded_quality.json")
    assert record["weights_sha256"] == loaded[Precision.BF16].weights_sha256
    assert record["phantom_version"] == phantoms.PHANTOM_VERSION
    assert range(*record["test_seeds"]) == TEST_SEEDS and record["phantoms"] == len(TEST_SEEDS)
    assert all(0.05 <= share <= 0.4 for share in record["share_of_phantoms"].values())
    policy = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE.value
    arms = {(arm["precision"], arm["pipeline"]) for arm in record["arms"]}
    assert len(arms) == 4
    for arm in record["arms"]:
        overall = arm["overall"][policy]["micro"]
        assert overall >= 0.85 and arm["by_grade"]["plain"][policy]["micro"] >= 0.95
        assert arm["blank_image"][policy]["micro"] < overall / 2
        assert record["frequent_report_scores"][policy]["micro"] < overall / 2


def test_training_saw_what_the_adapter_sees(loaded):
    """The training's own preprocessing, against the adapter's on the DICOM file."""
    model = loaded[Precision.BF16]
    seed = VALIDATION_SEEDS[4]
    width = 640
    seen = model.see(quality.radiograph_of(seed, width, Kind.DICOM_MONO2)).pixels
    ours = make_example(seed, Shape(), width).image
    assert seen.shape == (*ours.shape, 3)
    assert np.array_equal(seen[..., 0], ours) and np.array_equal(seen[..., 2], ours)


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_it_reads_phantoms_that_training_never_saw(loaded, sample, precision):
    seeds, radiographs = sample
    model = loaded[precision]
    for kind in PipelineKind:
        readings = [quality.read(model, each, kind) for each in radiographs]
        assert all(reading.stop is StopReason.END for reading in readings)
        sets = [reading.findings[0] for reading in readings]
        assert micro(seeds, sets) >= 0.85
        assert micro(seeds, sets, "plain") >= 0.9
        blank = quality.blank_answer(model, kind, radiographs[0])
        assert micro(seeds, [blank] * len(seeds)) < 0.4


def test_yes_or_no_questions_are_answered_with_one_of_the_two(loaded, sample):
    seeds, radiographs = sample
    model = loaded[Precision.BF16]
    right = 0
    asked = 0
    for seed, radiograph in list(zip(seeds, radiographs, strict=True))[::5]:
        truth = phantoms.truth(phantoms.plan(seed))
        for finding in FINDINGS:
            text = QUESTION.format(finding=finding.value)
            prompt = replace(model.card.prompts[PipelineKind.DIRECT], text=text)
            reply = "".join(t.text for t in model.generate(model.see(radiograph), prompt))
            assert reply in ANSWERS
            right += (reply == "Yes") == truth[finding]
            asked += 1
    assert right / asked >= 0.9


def test_the_same_weights_give_the_same_report_twice(loaded, sample):
    model = loaded[Precision.BF16]
    radiograph = sample[1][0]
    torch.manual_seed(1)
    first = quality.read(model, radiograph, PipelineKind.REPORT).report
    torch.manual_seed(2)
    assert quality.read(model, radiograph, PipelineKind.REPORT).report == first != ""
