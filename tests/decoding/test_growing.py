"""A place that grows in the middle of a reply: the reply goes on as if it had always been wide."""

import pytest
import torch

from cxr_demo.decoding import captured
from cxr_demo.decoding.captured import CapturedEngine
from cxr_demo.decoding.engine import Request
from cxr_demo.decoding.plain import PlainEngine
from cxr_demo.decoding.slots import SlotCache, roomy
from cxr_demo.models import measuring
from cxr_demo.models.compiling import Compiled
from tests.decoding import test_kernels
from tests.decoding.engines import PATHS
from tests.decoding.gpu_models import network
from tests.decoding.reference import FOUND, PROMPT, STEPS, TOLERANCE, far

AT_ONCE = 8


@pytest.fixture(autouse=True)
def little_at_once(monkeypatch):
    monkeypatch.setattr(captured, "AT_ONCE", AT_ONCE)


@pytest.fixture(params=PATHS[1:], ids=lambda path: path.name)
def engine(request, beside_stock):
    return request.param.build(beside_stock.model._network)


def begun(case, engine, seed=1, room=STEPS):
    return engine.prefill(case.model.prefix(case.seen(seed), PROMPT), room)


def test_forced_logits_equal_stock_and_a_short_reply_takes_little(beside_stock, engine):
    length, ids = beside_stock.prompt_length(), beside_stock.ids()
    state = begun(beside_stock, engine)
    little = engine._kept.room
    assert little == roomy(length + AT_ONCE + 1) < length + STEPS
    engine.force(state, ids[:, :AT_ONCE])
    assert engine._kept.room == little
    found = engine.force(begun(beside_stock, engine), ids)[0]
    assert engine._kept.room == roomy(length + STEPS + 1)
    assert far(found, beside_stock.logits(1, ids)) < TOLERANCE


def test_the_next_reply_begins_in_the_wider_place(beside_stock, engine):
    engine.force(begun(beside_stock, engine, seed=3), beside_stock.ids(seed=2))
    step, ids = engine._kept, beside_stock.ids(30)
    assert far(engine.force(begun(beside_stock, engine), ids)[0], beside_stock.logits(1, ids)) < (
        TOLERANCE
    )
    assert engine._kept is step


@pytest.mark.parametrize("logprobs", [False, True])
def test_greedy_ids_equal_stock_generate(beside_stock, engine, logprobs):
    inputs = beside_stock.stock.inputs([beside_stock.seen(3)], PROMPT)
    stock = beside_stock.stock.generate(inputs, 100)[0, -100:]
    state = begun(beside_stock, engine, 3, 100)
    little = engine._kept.room
    steps = engine.decode(state, Request(100, logprobs=logprobs))
    assert [step.ids[0] for step in steps] == stock.tolist()
    assert engine._kept.room > little


def test_what_was_held_and_does_not_come_along_is_found(beside_stock, engine, monkeypatch):
    widen = SlotCache.widen

    def forgetful(self, room):
        widen(self, room)
        self.keys[1].zero_()

    monkeypatch.setattr(SlotCache, "widen", forgetful)
    ids = beside_stock.ids()
    found = engine.force(begun(beside_stock, engine), ids)[0]
    assert far(found, beside_stock.logits(1, ids)) > FOUND


def test_where_memory_ends_in_its_middle_nothing_half_made_is_used(
    beside_stock, engine, monkeypatch
):
    widen = SlotCache.widen

    def stopped(self, room):
        self.keys[0] = self.keys[0][:, :, :1]
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(SlotCache, "widen", stopped)
    ids, state = beside_stock.ids(), begun(beside_stock, engine)
    with pytest.raises(torch.OutOfMemoryError):
        engine.force(state, ids)
    with pytest.raises(RuntimeError, match="another sequence has begun"):
        engine.force(state, ids)
    monkeypatch.setattr(SlotCache, "widen", widen)
    assert far(engine.force(begun(beside_stock, engine), ids)[0], beside_stock.logits(1, ids)) < (
        TOLERANCE
    )


def test_a_prompt_captured_for_the_old_place_is_captured_anew(beside_stock, model):
    ids, seeds = beside_stock.ids(), (1, 2, 3, 1)
    opened = []
    for seed, count in zip(seeds, (20, STEPS, 20, STEPS), strict=True):
        state = model.begin(beside_stock.seen(seed), PROMPT)
        opened.append(model.decoder.opens(PROMPT))
        found = model.decoder.force(state, ids[:, :count])[0]
        assert far(found, beside_stock.logits(seed, ids)[: count + 1]) < TOLERANCE
        opened.append(model.decoder.opens(PROMPT))
    assert opened == [False, False, True, False, True, True, True, True]


def test_what_is_measured_has_room_for_the_longest_reply(beside_stock, model, monkeypatch):
    monkeypatch.setattr(type(model), "warm_up", lambda self: None)
    measuring.ready(model, measuring.noise(), PROMPT)
    room = model.decoder._kept.room
    assert room == roomy(beside_stock.prompt_length() + PROMPT.max_new_tokens + 1)
    state = model.begin(beside_stock.seen(1), PROMPT)
    list(model.decoder.decode(state, Request(PROMPT.max_new_tokens)))
    assert model.decoder._kept.room == room


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("fast", [False, True], ids=["captured", "compiled"])
@pytest.mark.parametrize("four_bits", [False, True], ids=["bf16", "nf4"])
def test_graphs_are_captured_anew_in_the_wider_place(four_bits, fast):
    net = network("phi", 2, four_bits)
    compiled = Compiled(net, net.describe)
    assert compiled.wait(), compiled.reason
    engine = CapturedEngine(net, compiled.forward) if fast else CapturedEngine(net)
    given, count = test_kernels.prefix(net, 1), 120
    ids = torch.randint(5, 30_000, (1, count), device="cuda")
    plain = PlainEngine(net)
    expected = plain.force(plain.prefill(given, count), ids)
    state = engine.prefill(given, count)
    little = engine._kept.room
    kl, _ = test_kernels.distance(expected, engine.force(state, ids))
    assert kl < test_kernels.NOISE
    assert engine._kept.room > little
    again = [step.ids[0] for step in engine.decode(engine.prefill(given, count), Request(count))]
    fresh = CapturedEngine(net, compiled.forward) if fast else CapturedEngine(net)
    grown = [step.ids[0] for step in fresh.decode(fresh.prefill(given, count), Request(count))]
    assert grown == again
