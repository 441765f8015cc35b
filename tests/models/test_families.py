"""What must hold for every family, whatever its parts."""

import weakref

import pytest
import torch

from cxr_demo import models
from cxr_demo.findings import FINDINGS
from cxr_demo.models import probabilities
from cxr_demo.models.cards import card
from cxr_demo.records import PipelineKind, Precision, Prompt, StopReason
from tests.models.families import (
    FAMILIES,
    PROMPT,
    batched,
    cosine,
    first_logits,
    followed,
    resharded,
    unpacked,
)
from tests.stand_ins import radiograph

TOLERANCE = 1e-4
IDS = torch.arange(300, 1500, 60)[None]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("families")


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def folder(family, root):
    return family.write(root)


@pytest.fixture(scope="module")
def full(family, folder):
    """In float32, by the app's adapter."""
    return family.fp32(folder)


@pytest.fixture
def load(family, folder, monkeypatch):
    """As the app loads it, from its folder or another."""

    def loader(precision=Precision.BF16, place=folder):
        monkeypatch.setenv("CXR_DEMO_MODELS", str(place.parent))
        return models.load(card(family.model), precision)

    return loader


def test_the_cache_changes_nothing(family, full):
    prefix = full.prefix(family.seen(1), PROMPT)
    steps = IDS.shape[1]
    forced = full.decoder.force(full.decoder.prefill(prefix, steps), IDS)
    for count in (0, 1, 7, steps):
        longer = followed(full, prefix, IDS[0, :count].tolist())
        anew = full.decoder.prefill(longer, 0).logits
        assert (forced[:, count] - anew).abs().max() < TOLERANCE
    assert (forced[:, 7] - forced[:, 6]).abs().max() > 100 * TOLERANCE


def test_a_batch_equals_its_rows(family, full):
    prompts = [PROMPT, Prompt("test", "Is there an effusion?", 8)]
    prefixes = [full.prefix(family.seen(at), each) for at, each in enumerate(prompts)]
    rows = IDS.expand(2, -1)
    both = full.decoder.force(full.decoder.prefill(batched(prefixes), IDS.shape[1]), rows)
    for row, prefix in enumerate(prefixes):
        alone = full.decoder.force(full.decoder.prefill(prefix, IDS.shape[1]), IDS)
        assert (both[row] - alone[0]).abs().max() < TOLERANCE


def test_another_image_gives_other_logits(family, full):
    one, other = (first_logits(full, family.seen(seed)) for seed in (1, 2))
    assert torch.equal(one, first_logits(full, family.seen(1)))
    assert (one - other).abs().max() > 100 * TOLERANCE


def test_the_ids_are_those_of_the_prefix(family, full):
    ids = torch.tensor([full.prompt_ids(PROMPT)])
    prefix = full.prefix(family.seen(1), PROMPT)
    assert ids.shape == prefix.valid.shape
    text = (prefix.embeddings - full._network.embed(ids)).abs().amax(-1) == 0
    assert 0 < (~text).sum() < ids.shape[1]
    assert text[0, -5:].all()


def test_the_probability_of_yes_is_that_of_each_question_alone(family, full):
    findings = FINDINGS[:3]
    asked = probabilities.ask(full, family.seen(1), findings)
    yes, no = ([id for _, id in group] for group in (asked.tokens.yes, asked.tokens.no))
    for finding in findings:
        alone = first_logits(full, family.seen(1), asked.question.prompt(finding)).softmax(-1)[0]
        share = float(alone[yes].sum() / (alone[yes].sum() + alone[no].sum()))
        assert asked.yes[finding] == pytest.approx(share, abs=1e-4)
    other = probabilities.ask(full, family.seen(2), findings)
    assert all(abs(other.yes[each] - asked.yes[each]) > 1e-3 for each in findings)


def test_bf16_is_bf16_and_near(family, full, load):
    model = load()
    assert {each.dtype for each in model._native.parameters()} == {torch.bfloat16}
    near = cosine(first_logits(model, family.seen(1)), first_logits(full, family.seen(1)))
    assert family.rounding < near


def test_nf4_computes_what_its_values_say(family, folder, load):
    four, twin = load(Precision.NF4), family.fp32(folder)
    before = first_logits(twin, family.seen(1))
    assert unpacked(four._native, twin._native) > 20
    own, meant = (first_logits(each, family.seen(1)) for each in (four, twin))
    assert cosine(own, meant) > family.rounding
    assert cosine(own, before) < family.rounding  # or nothing was quantised


def test_files_do_not_matter(family, folder, load, tmp_path):
    one, other = load(), load(place=resharded(folder, tmp_path))
    assert torch.equal(*(first_logits(each, family.seen(1)) for each in (one, other)))
    assert one.weights_sha256 != other.weights_sha256


def test_replies_stream_from_a_radiograph(family, load):
    model = load()
    seen = model.see(radiograph(1))
    assert seen.pixels.shape == (family.side, family.side, 3)
    generation = model.generate(seen, PROMPT)
    tokens = list(generation)
    assert generation.stop in (StopReason.LENGTH, StopReason.END)
    assert 0 < len(tokens) <= PROMPT.max_new_tokens
    assert generation.prompt_tokens == len(model.prompt_ids(PROMPT))
    assert not model.confirmed
    assert model.stand_in
    native = weakref.ref(model._native)
    model.close()
    assert native() is None


def test_both_pipelines_have_room(family, load):
    model = load()
    for kind in PipelineKind:
        prompt = model.card.prompts[kind]
        assert len(model.prompt_ids(prompt)) + prompt.max_new_tokens <= model._network.positions
