"""The plain path against transformers' own model: float32, longer than the sliding window."""

import itertools

import pytest
import torch

from cxr_demo.decoding import masks, plain
from cxr_demo.decoding.cache import KeyValueCache
from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Prefix, Request, Sampling
from cxr_demo.decoding.masks import Masks
from cxr_demo.decoding.plain import PlainEngine
from cxr_demo.records import Prompt
from tests.stand_ins import noise

PROMPT = Prompt("test", "Write the findings section of a report for this chest X-ray.", 200)
STEPS = 200
TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=[PlainEngine, CapturedEngine], ids=lambda kind: kind.name)
def engine(request, tiny):
    """On a processor the captured path runs its step directly: the same step, not captured."""
    return request.param(tiny._network)


@pytest.fixture(scope="module")
def reply(tiny):
    """(1, STEPS) ids to force, far past the window, nearly all distinct."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(300, 2000, (1, STEPS), generator=generator)


def stock_inputs(tiny, seen, prompt=PROMPT):
    return tiny._processor(
        text=tiny.prompt_text(prompt),
        images=[seen.pixels],
        do_resize=False,
        add_special_tokens=False,
        return_tensors="pt",
    )


@pytest.fixture(scope="module")
def stock_logits(tiny, reply):
    """(1, STEPS + 1, V): one uncached pass of the stock model over prompt and forced reply."""
    inputs = stock_inputs(tiny, noise(1))
    length = inputs["input_ids"].shape[1]
    ids = torch.cat([inputs["input_ids"], reply], 1)
    kinds = torch.cat([inputs["token_type_ids"], torch.zeros_like(reply)], 1)
    with torch.no_grad():
        logits = tiny._native(
            input_ids=ids, token_type_ids=kinds, pixel_values=inputs["pixel_values"]
        ).logits
    return logits[:, length - 1 :]


def forced(tiny, engine, reply, seen):
    prefix = tiny.prefix(seen, PROMPT)
    return engine.force(engine.prefill(prefix, STEPS), reply)


def test_forced_logits_equal_stock(tiny, engine, reply, stock_logits):
    assert len(set(reply[0].tolist())) > 100
    ours = forced(tiny, engine, reply, noise(1))
    assert ours.shape == stock_logits.shape
    assert (ours - stock_logits).abs().max() < TOLERANCE


def off_by_one(monkeypatch):
    begin = KeyValueCache.begin

    def late(self, positions, valid=None):
        positions += self.end > 0
        begin(self, positions, valid)

    monkeypatch.setattr(KeyValueCache, "begin", late)


def window_ignored(monkeypatch):
    monkeypatch.setattr(KeyValueCache, "_first_seen", lambda self, layer: 0)


def image_block_dropped(monkeypatch):
    build = masks.build
    monkeypatch.setattr(plain.masks, "build", lambda cache, blocks=None: build(cache, None))


def mask_dropped(monkeypatch):
    monkeypatch.setattr(plain.masks, "build", lambda cache, blocks=None: Masks())


def stale_slot(monkeypatch):
    update = KeyValueCache.update

    def forgetful(self, keys, values, layer, *rest, **more):
        if self.start == 60 and layer == 1:
            keys = keys * 0
        return update(self, keys, values, layer, *rest, **more)

    monkeypatch.setattr(KeyValueCache, "update", forgetful)


@pytest.mark.parametrize(
    "fault", [off_by_one, window_ignored, image_block_dropped, mask_dropped, stale_slot]
)
def test_a_fault_is_found(fault, tiny, reply, stock_logits, monkeypatch):
    engine = PlainEngine(tiny._network)
    fault(monkeypatch)
    ours = forced(tiny, engine, reply[:, :40], noise(1))
    assert (ours - stock_logits[:, :41]).abs().max() > 100 * TOLERANCE


def test_another_image_is_found(tiny, engine, reply, stock_logits):
    ours = forced(tiny, engine, reply[:, :2], noise(2))
    assert (ours - stock_logits[:, :3]).abs().max() > 100 * TOLERANCE


def test_greedy_ids_equal_stock_generate(tiny, engine):
    inputs = stock_inputs(tiny, noise(3))
    with torch.no_grad():
        stock = tiny._native.generate(
            **inputs, max_new_tokens=100, do_sample=False, eos_token_id=None
        )[0, inputs["input_ids"].shape[1] :]
    state = engine.prefill(tiny.prefix(noise(3), PROMPT), 100)
    ours = [step.ids[0] for step in engine.decode(state, Request(100))]
    assert ours == stock.tolist()
    assert len(set(ours)) > 20


def rows(tiny, texts):
    """Several prompts about one image as one left-padded batch."""
    prefixes = [tiny.prefix(noise(4), Prompt("test", text, 10)) for text in texts]
    longest = max(each.valid.shape[1] for each in prefixes)

    def pad(tensor, value):
        missing = longest - tensor.shape[1]
        filling = torch.full((1, missing, *tensor.shape[2:]), value, dtype=tensor.dtype)
        return torch.cat([filling, tensor], 1)

    return prefixes, Prefix(
        torch.cat([pad(each.embeddings, 7.0) for each in prefixes]),
        torch.cat([pad(each.valid, False) for each in prefixes]),
        torch.cat([pad(each.blocks, -1) for each in prefixes]),
    )


def test_a_batch_equals_its_rows(tiny, engine, reply):
    texts = ["Describe this X-ray", "Is there an effusion?", "x " * 90]
    single, batch = rows(tiny, texts)
    ids = reply[:, :50].expand(len(texts), -1)
    together = engine.force(engine.prefill(batch, 50), ids)
    for row, prefix in enumerate(single):
        alone = engine.force(engine.prefill(prefix, 50), ids[:1])
        assert (together[row] - alone[0]).abs().max() < TOLERANCE


def test_one_prefix_continues_with_many_endings(tiny, engine, reply):
    prefix = tiny.prefix(noise(5), PROMPT)
    state = engine.prefill(prefix, 0)
    before = state.logits.clone()
    endings = [reply[0, :3].tolist(), reply[0, :90].tolist(), [5]]
    many = engine.extend(state, endings, room=20)
    after = torch.full((3, 1), 400)
    continued = engine.force(many, after.expand(-1, 20))
    for row, ending in enumerate(endings):
        whole = torch.tensor([[*ending, *([400] * 20)]])
        alone = engine.force(engine.prefill(prefix, len(ending) + 20), whole)
        assert (continued[row] - alone[0, len(ending) :]).abs().max() < TOLERANCE
    assert torch.equal(state.logits, before)
    again = engine.extend(state, endings[:1], room=1)
    assert (again.logits[0] - continued[0, 0]).abs().max() < TOLERANCE


def test_stop_ids_end_rows_one_by_one(tiny, engine):
    _, batch = rows(tiny, ["Describe this X-ray", "Is there an effusion?"])
    free = list(engine.decode(engine.prefill(batch, 12), Request(12)))
    stop = free[4].ids[0]
    assert stop not in [step.ids[0] for step in free[:4]]
    assert stop not in [step.ids[1] for step in free]
    steps = list(engine.decode(engine.prefill(batch, 12), Request(12, frozenset([stop]))))
    assert [step.ids[0] for step in steps] == [each.ids[0] for each in free[:5]] + [None] * 7
    assert [step.ids[1] for step in steps] == [each.ids[1] for each in free]
    assert [step.ended for step in steps] == [(False, False)] * 4 + [(True, False)] * 8


def test_should_stop_is_asked_before_each_token(tiny, engine):
    asked = itertools.count()
    state = engine.prefill(tiny.prefix(noise(6), PROMPT), 50)
    steps = list(engine.decode(state, Request(50), lambda: next(asked) >= 7))
    assert len(steps) == 7


def test_logprobs_are_those_of_the_forced_logits(tiny, engine):
    prefix = tiny.prefix(noise(7), PROMPT)
    request = Request(20, logprobs=True)
    steps = list(engine.decode(engine.prefill(prefix, 20), request))
    ids = torch.tensor([[step.ids[0] for step in steps]])
    logits = engine.force(engine.prefill(prefix, 20), ids)[:, :-1]
    expected = logits.log_softmax(-1).gather(-1, ids[..., None])[0, :, 0]
    assert torch.allclose(torch.tensor([s.logprobs[0] for s in steps]), expected, atol=1e-4)
    assert (expected < -0.01).any()


def sampled(tiny, engine, **settings):
    state = engine.prefill(tiny.prefix(noise(8), PROMPT), 30)
    request = Request(30, sampling=Sampling(**settings))
    return [step.ids[0] for step in engine.decode(state, request)]


def test_sampling_is_repeatable_and_follows_its_limits(tiny, engine):
    greedy = sampled(tiny, engine)
    assert sampled(tiny, engine, temperature=1.0, seed=3) == sampled(
        tiny, engine, temperature=1.0, seed=3
    )
    assert sampled(tiny, engine, temperature=1.0, seed=3) != sampled(
        tiny, engine, temperature=1.0, seed=4
    )
    assert sampled(tiny, engine, temperature=2.0, top_k=1, seed=5) == greedy
    assert sampled(tiny, engine, temperature=2.0, top_p=1e-6, seed=5) == greedy


def test_the_cache_refuses_more_than_it_holds(tiny):
    engine = PlainEngine(tiny._network)
    state = engine.prefill(tiny.prefix(noise(9), PROMPT), 2)
    with pytest.raises(ValueError, match="the cache holds"):
        engine.force(state, torch.full((1, 3), 400))
