"""What every path of the engine does beside computing logits: it stops, samples, and refuses."""

import itertools

import pytest
import torch

from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Request, Sampling
from cxr_demo.decoding.plain import PlainEngine
from cxr_demo.records import Prompt
from tests.decoding.engines import PATHS
from tests.stand_ins import noise

PROMPT = Prompt("test", "Write the findings section of a report for this chest X-ray.", 200)


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.name)
def engine(request, tiny):
    """On a processor the captured path runs its step directly: the same step, not captured."""
    return request.param.build(tiny._network)


def rows(tiny, texts):
    """Several prompts about one image as one left-padded batch."""
    return tiny.prefixes([noise(4)] * len(texts), [Prompt("test", each, 10) for each in texts])


def test_stop_ids_end_rows_one_by_one(tiny, engine):
    batch = rows(tiny, ["Describe this X-ray", "Is there an effusion?"])
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


def test_a_sequence_that_another_one_replaced_does_not_go_on(tiny):
    """One cache is kept from one reading to the next, also after one that was left half way."""
    engine = CapturedEngine(tiny._network)
    first = engine.prefill(tiny.prefix(noise(1), PROMPT), 20)
    left = engine.decode(first, Request(20))
    next(left)
    second = engine.prefill(tiny.prefix(noise(2), PROMPT), 20)
    assert second.cache.keys[0].data_ptr() == first.cache.keys[0].data_ptr()
    with pytest.raises(RuntimeError, match="another sequence has begun"):
        list(engine.decode(first, Request(20)))
    with pytest.raises(RuntimeError, match="another sequence has begun"):
        next(left)
    assert len(list(engine.decode(second, Request(20)))) == 20
