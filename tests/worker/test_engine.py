"""What the engine adds to a finished reading, with the embedded model itself."""

import dataclasses

import pytest
import torch

from cxr_demo import calibration, models
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.models import proofs, selftest
from cxr_demo.models.probabilities import QUESTIONS
from cxr_demo.phantoms import SAMPLE_SEEDS, plan, truth
from cxr_demo.reading_notices import sentence
from cxr_demo.records import DoneEvent, PipelineKind, Precision, StopReason
from cxr_demo.worker.engine import Engine
from tests.phantom_images import radiograph

SEED = SAMPLE_SEEDS[0]


@pytest.fixture(scope="module")
def engine():
    torch.set_num_threads(1)
    made = Engine(None)
    made._model = models.load(models.card("embedded"), Precision.BF16, "cpu")
    yield made
    made.unload()


@pytest.fixture(scope="module")
def plain(engine):
    *_, done = engine.read(radiograph(SEED), PipelineKind.DIRECT, lambda: False, 0.0)
    assert isinstance(done, DoneEvent)
    return done.reading


def write_calibration(reading, findings=FINDINGS):
    made, question = reading.provenance, QUESTIONS["gemma"]
    key = calibration.Key(
        made.model, made.weights_sha256, made.precision, question.id, question.text
    )
    scale = calibration.Scale(0.5, 0.0, 50, 50, 0.1, 0.1)
    scales = dict.fromkeys(findings, scale)
    return calibration.write(
        calibration.Calibration(
            key, scales, 100, calibration.SYNTHETIC, {}, "run", "2026-11-23T08:00:00+00:00"
        )
    )


def test_without_a_calibration_no_question_is_asked(engine, plain):
    found = engine.complete(plain, radiograph(SEED))
    assert found.probabilities is None and found.timings.asking is None
    assert found.notices == ()
    assert found.provenance.image_use is None


def test_with_a_calibration_the_image_is_asked_and_the_cost_is_told(engine, plain):
    write_calibration(plain, FINDINGS[:-1])
    found = engine.complete(plain, radiograph(SEED))
    facts = truth(plan(SEED))
    known = found.probabilities
    assert (known.images, known.synthetic, known.calibrated) == (100, True, "2026-11-23")
    assert known[Finding.NO_FINDING] is None
    assert sum((known[each] > 0.5) == facts[each] for each in FINDINGS[:-1]) >= 11
    assert found.timings.asking > 0
    assert found.timings.total == plain.timings.total
    stopped = dataclasses.replace(plain, stop=StopReason.STOPPED)
    assert engine.complete(stopped, radiograph(SEED)).probabilities is None


def test_a_damaged_calibration_costs_the_probabilities_and_not_the_reading(engine, plain):
    write_calibration(plain).write_text("{")
    found = engine.complete(plain, radiograph(SEED))
    assert found.report == plain.report and found.probabilities is None
    (notice,) = found.notices
    assert "damaged" in sentence(notice, "en") and "danificada" in sentence(notice, "pt")


def test_a_self_test_is_kept_and_shown_with_every_reading(engine, plain, monkeypatch):
    monkeypatch.setattr(selftest, "STEPS", 8)
    shown = engine.prove()
    assert shown.passed and shown.movement > 10 * shown.floor
    made = plain.provenance
    assert proofs.find("embedded", Precision.BF16, made.weights_sha256, made.engine) == shown
    assert proofs.find("embedded", Precision.NF4, made.weights_sha256, made.engine) is None
    assert proofs.find("embedded", Precision.BF16, "0" * 64, made.engine) is None
    assert proofs.latest("embedded", made.weights_sha256) == [shown]
    assert engine.complete(plain, radiograph(SEED)).provenance.image_use == shown
    engine.require_image_use()
