"""Is the image used? The self-test and the yes/no probabilities, on the embedded model and on twins
of it that are broken in the ways in which such programs break."""

import numpy as np
import pytest
import torch

from cxr_demo import models
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.models import probabilities, selftest
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import card
from cxr_demo.models.faults import ImageNotUsed
from cxr_demo.phantoms import strip
from cxr_demo.phantoms.plan import plan, truth
from cxr_demo.records import Precision


@pytest.fixture(scope="module")
def embedded():
    torch.set_num_threads(1)
    model = models.load(card("embedded"), Precision.BF16, "cpu")
    yield model
    model.close()


@pytest.fixture(scope="module")
def pair():
    return selftest.samples()


@pytest.fixture
def quick(monkeypatch):
    """Eight steps show a deaf model as well as thirty-two."""
    monkeypatch.setattr(selftest, "STEPS", 8)


def test_the_embedded_model_uses_its_image(embedded, pair):
    result = selftest.run(embedded, *pair)
    assert result.passed
    assert result.steps == 32
    assert result.movement > 0.1
    assert 0 <= result.floor < result.movement / selftest.FACTOR
    assert result.blank > 0
    assert result.flipped > 0
    result.require()
    assert result.to_dict()["passed"] is True


def test_zeroed_pixels_are_refused(embedded, pair, quick, monkeypatch):
    whole = embedded.image_features
    black = Seen(np.zeros((embedded.side, embedded.side, 3), np.uint8), "black")
    monkeypatch.setattr(embedded, "image_features", lambda seens: whole([black] * len(seens)))
    refused(embedded, pair)


def test_a_zeroed_projector_is_refused(embedded, pair, quick):
    weight = embedded._native.model.multi_modal_projector.mm_input_projection_weight
    before = weight.data.clone()
    weight.data.zero_()
    try:
        refused(embedded, pair)
    finally:
        weight.data.copy_(before)


def test_image_positions_that_were_not_replaced_are_refused(embedded, pair, quick, monkeypatch):
    def placeholders(seens):
        ids = torch.zeros(len(seens), embedded._processor.image_seq_length, dtype=torch.long)
        return embedded._network.embed(ids)

    monkeypatch.setattr(embedded, "image_features", placeholders)
    refused(embedded, pair)


def test_one_and_the_same_image_does_not_pass(embedded, pair, quick):
    image, _ = pair
    assert not selftest.run(embedded, image, image).passed


def refused(model, pair):
    result = selftest.run(model, *pair)
    assert not result.passed
    with pytest.raises(ImageNotUsed) as caught:
        result.require()
    again = CxrError.from_dict(caught.value.to_dict())
    assert again.message("pt") == caught.value.message("pt")
    assert model.card.name in again.message("pt")


def test_questions_in_a_batch_are_answered_as_alone(embedded, pair):
    seen = embedded.see(pair[0])
    asked = probabilities.ask(embedded, seen)
    yes, no = ([id for _, id in group] for group in (asked.tokens.yes, asked.tokens.no))
    for finding in (Finding.CARDIOMEGALY, Finding.LUNG_LESION, Finding.NO_FINDING):
        prefix = embedded.prefix(seen, asked.question.prompt(finding))
        chances = embedded.decoder.prefill(prefix, room=0).logits[0].float().softmax(-1)
        alone = float(chances[yes].sum() / (chances[yes].sum() + chances[no].sum()))
        assert asked.yes[finding] == pytest.approx(alone, abs=0.02)  # bfloat16, another batch


def test_the_image_decides_the_answers(embedded, pair):
    for radiograph in pair:
        facts = truth(plan(strip.read(radiograph.pixels)))
        asked = probabilities.ask(embedded, embedded.see(radiograph))
        right = sum((asked.yes[each] > 0.5) == facts[each] for each in FINDINGS)
        assert right >= 12
        assert min(asked.mass.values()) > 0.9


def test_token_sets_spell_yes_and_no_only():
    sets = probabilities.token_sets(
        {"▁Yes": 1, "yes": 2, "yesterday": 3, "No": 4, "Ġno": 5, "not": 6, "▁": 7}
    )
    assert sets.yes == (("▁Yes", 1), ("yes", 2))
    assert sets.no == (("No", 4), ("Ġno", 5))
    with pytest.raises(ValueError, match="no token for yes"):
        probabilities.token_sets({"maybe": 1})


def test_questions_take_the_name_as_each_family_was_taught():
    gemma = probabilities.QUESTIONS["gemma"].prompt(Finding.PLEURAL_EFFUSION)
    assert gemma.text == "Does this chest X-ray show Pleural Effusion? Answer yes or no."
    chexagent = probabilities.QUESTIONS["chexagent2"].prompt(Finding.PLEURAL_EFFUSION)
    assert chexagent.text == "Does this chest X-ray show pleural effusion?"
