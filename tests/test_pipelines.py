"""One reading as a stream of events, through the tiny model; the guard of the embedded model."""

import dataclasses
import itertools
import time

import numpy as np
import pytest
import torch

from cxr_demo import models, phantoms, pipelines
from cxr_demo.errors import PhantomsOnly
from cxr_demo.findings import Label
from cxr_demo.models.base import Generation, Piece
from cxr_demo.models.cards import card
from cxr_demo.records import (
    DoneEvent,
    PhaseEvent,
    PipelineKind,
    Precision,
    StopReason,
    TokenEvent,
)
from tests.stand_ins import MEDGEMMA, radiograph, tiny_medgemma


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()
    root = tmp_path_factory.mktemp("checkpoints")
    tiny_medgemma(root)
    patch.setenv("CXR_DEMO_MODELS", str(root))
    loaded = models.load(card(MEDGEMMA), Precision.BF16)
    patch.undo()
    prompts = {
        kind: dataclasses.replace(each, max_new_tokens=30)
        for kind, each in loaded.card.prompts.items()
    }
    loaded.card = dataclasses.replace(loaded.card, prompts=prompts)
    return loaded


def saying(model, text, stop=True):
    """`model` with fixed words, one a token: what a real model may answer."""

    class Talker:
        def __getattr__(self, name):
            return getattr(model, name)

        def generate(self, seen, prompt, should_stop, submitted=None):
            pieces = [Piece(9, word + " ") for word in text.split()]
            end = [Piece(1, "", ends=True)] if stop else []
            return Generation(lambda _: iter(pieces + end), len(pieces), submitted)

    return Talker()


def reading(model, kind=PipelineKind.REPORT, **settings):
    *_, done = pipelines.read(model, radiograph(1), kind, **settings)
    assert isinstance(done, DoneEvent)
    return done.reading


def test_events_come_in_order_and_add_up(model):
    events = list(pipelines.read(model, radiograph(1), PipelineKind.REPORT))
    assert isinstance(events[0], PhaseEvent)
    assert isinstance(events[-1], DoneEvent)
    tokens = [event.token for event in events if isinstance(event, TokenEvent)]
    assert len(tokens) == len(events) - 2 == 30
    done = events[-1].reading
    assert done.report == "".join(token.text for token in tokens).rstrip()
    assert done.stop is StopReason.LENGTH


def test_times_count_from_the_submit(model):
    early = reading(model, submitted=time.monotonic() - 100).timings
    assert early.ttft > 100
    assert 0 < early.preprocessing < 50
    timings = reading(model).timings
    assert timings.preprocessing + timings.prefill <= timings.ttft < timings.total
    assert timings.tokens == 30
    assert timings.tpot > 0


def test_provenance_makes_it_again(model):
    origin = reading(model).provenance
    assert (origin.model, origin.precision) == (MEDGEMMA, Precision.BF16)
    assert origin.weights_sha256 == model.weights_sha256
    assert origin.prompt == model.card.prompts[PipelineKind.REPORT]
    assert origin.preprocessing == "padded_square_56"
    assert origin.image_sha256 == radiograph(1).sha256
    assert origin.versions["torch"] == torch.__version__.split("+")[0] or origin.versions["torch"]
    assert origin.stand_in
    assert not origin.confirmed
    assert reading(model).report == reading(model).report


def test_a_stopped_reading_says_so(model):
    asked = itertools.count()
    done = reading(model, should_stop=lambda: next(asked) > 5)
    assert done.stop is StopReason.STOPPED
    assert 0 < done.timings.tokens < 6


def test_stop_before_anything_still_ends_the_stream(model):
    done = reading(model, should_stop=lambda: True)
    assert (done.stop, done.report, done.timings.ttft) == (StopReason.STOPPED, "", None)


def test_a_report_is_labelled_with_spans(model):
    text = "There is a large right pleural effusion. No pneumothorax."
    done = reading(saying(model, text))
    found = {each.finding.value: each for each in done.findings[0].labels}
    assert found["Pleural Effusion"].label is Label.POSITIVE
    assert found["Pneumothorax"].label is Label.NEGATIVE
    assert found["Fracture"].label is Label.NOT_MENTIONED
    span = found["Pleural Effusion"].spans[0]
    assert "effusion" in done.report[span.start : span.end]
    assert done.stop is StopReason.END


def test_direct_answers_are_parsed_and_cut_ones_deny_nothing(model):
    answer = "Cardiomegaly, Pleural Effusion"
    whole = reading(saying(model, answer), PipelineKind.DIRECT).findings[0]
    cut = reading(saying(model, answer, stop=False), PipelineKind.DIRECT).findings[0]
    labels = {each.finding.value: each.label for each in whole.labels}
    assert labels["Pleural Effusion"] is Label.POSITIVE
    assert labels["Fracture"] is Label.NEGATIVE
    assert {each.label for each in cut.labels} == {Label.POSITIVE, Label.NOT_MENTIONED}
    assert cut.labels[0].label is Label.NOT_MENTIONED


def phantom(seed=1):
    plan = phantoms.plan(seed)
    pixels = phantoms.draw(plan, plan.native_size(512))
    return dataclasses.replace(radiograph(1), pixels=pixels, bits=plan.exposure.bits)


@pytest.fixture
def embedded(model):
    class Embedded:
        card = dataclasses.replace(model.card, phantoms_only=True, name="Embedded")

        def __getattr__(self, name):
            return getattr(model, name)

    return Embedded()


def test_the_embedded_model_reads_phantoms(embedded):
    *_, done = pipelines.read(embedded, phantom(), PipelineKind.REPORT)
    assert done.reading.timings.tokens == 30


def refuse(model, image):
    with pytest.raises(PhantomsOnly):
        next(pipelines.read(model, image, PipelineKind.REPORT))
    with pytest.raises(PhantomsOnly):
        pipelines.model_input(model, image, PipelineKind.DIRECT)


def test_the_embedded_model_reads_nothing_else(embedded):
    refuse(embedded, radiograph(1))


def test_a_tag_that_says_phantom_opens_nothing(embedded):
    refuse(embedded, dataclasses.replace(radiograph(1), declared_phantom=True))


def test_a_phantom_without_its_strip_is_refused(embedded):
    image = phantom()
    height = image.pixels.shape[0]
    for keep in (slice(height // 4, None), slice(None, 3 * height // 4)):
        cut = np.zeros_like(image.pixels)
        cut[keep] = image.pixels[keep]
        if not phantoms.strip.is_phantom(cut):
            refuse(embedded, dataclasses.replace(image, pixels=cut))
            return
    pytest.fail("the strip was found in both halves")


def test_what_the_model_saw_is_what_goes_in(model):
    shown = pipelines.model_input(model, radiograph(1), PipelineKind.REPORT)
    assert np.array_equal(shown.seen.pixels, model.see(radiograph(1)).pixels)
    assert shown.text == model.prompt_text(model.card.prompts[PipelineKind.REPORT])
    assert shown.text.count("<start_of_image>") == 1
