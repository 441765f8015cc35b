"""Prefills that are kept captured, against transformers' own models: on a processor the same steps
over the same fixed buffers run directly. What is stale or wrong must be refused, not shown."""

from dataclasses import replace

import pytest
import torch

from cxr_demo.decoding import masks, opening
from cxr_demo.decoding.engine import Request
from cxr_demo.models import hardware, openings
from cxr_demo.models.openings import MOST, SPARE, Openings
from tests.decoding.engines import without_order
from tests.decoding.reference import PROMPT, TOLERANCE, far

SHORT = replace(PROMPT, id="short", max_new_tokens=PROMPT.max_new_tokens - 100)
LONGER = replace(PROMPT, id="longer", max_new_tokens=PROMPT.max_new_tokens + 100)


def forced(case, seed, prompt=PROMPT):
    """(n + 1, V) logits behind a prefill as `generate` makes it."""
    state = case.model.begin(case.seen(seed), prompt)
    return case.model.decoder.force(state, case.ids(20))[0]


def test_the_second_reading_is_captured_and_all_equal_stock(beside_stock, model):
    for seed, captured in ((1, False), (2, True), (3, True), (2, True)):
        found = forced(beside_stock, seed)
        assert far(found, beside_stock.logits(seed, beside_stock.ids(20))) < TOLERANCE
        assert model.decoder.opens(PROMPT) == captured
    assert model._openings.reason is None


def test_greedy_replies_are_those_of_stock_generate(beside_stock, model):
    for _ in range(2):
        model.begin(beside_stock.seen(1), PROMPT)
    inputs = beside_stock.stock.inputs([beside_stock.seen(3)], PROMPT)
    stock = beside_stock.stock.generate(inputs, 40)[0, -40:]
    steps = model.decoder.decode(model.begin(beside_stock.seen(3), PROMPT), Request(40))
    assert [step.ids[0] for step in steps] == stock.tolist()


def test_prompts_take_turns_and_the_place_may_grow(beside_stock, model):
    ids = beside_stock.ids(20)
    for prompt in (PROMPT, PROMPT, SHORT, SHORT, PROMPT, LONGER, SHORT, LONGER, PROMPT, SHORT):
        assert far(forced(beside_stock, 2, prompt), beside_stock.logits(2, ids)) < TOLERANCE
    assert model.decoder.openings == MOST == 2


def test_a_reply_that_another_one_replaced_does_not_go_on(beside_stock, model):
    first = [model.begin(beside_stock.seen(1), PROMPT) for _ in range(2)][1]
    left = model.decoder.decode(first, Request(20))
    next(left)
    model.begin(beside_stock.seen(2), PROMPT)
    with pytest.raises(RuntimeError, match="another sequence has begun"):
        next(left)


def old_image(monkeypatch):
    monkeypatch.setattr(Openings, "_show", lambda self, seen: None)


def half_an_image(monkeypatch):
    show = Openings._show

    def cut(self, seen):
        show(self, seen)
        self._pixels[:, self._pixels.shape[1] // 4 :] = 0

    monkeypatch.setattr(Openings, "_show", cut)


def no_numbers(monkeypatch):
    once = opening.Opening._once

    def broken(self, cache):
        once(self, cache)
        self._logits = self._logits * torch.nan

    monkeypatch.setattr(opening.Opening, "_once", broken)


def cannot_be_captured(monkeypatch):
    def refuse(self, cache):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(opening.Opening, "_once", refuse)


@pytest.mark.parametrize("fault", [old_image, half_an_image, no_numbers, cannot_be_captured])
def test_what_does_not_agree_is_not_used(beside_stock, model, fault, monkeypatch, caplog):
    fault(monkeypatch)
    for seed in (1, 2, 3):
        found = forced(beside_stock, seed)
        assert far(found, beside_stock.logits(seed, beside_stock.ids(20))) < TOLERANCE
    assert not model.decoder.opens(PROMPT)
    assert model._openings.reason in caplog.text


def test_a_dropped_mask_would_be_found(beside_stock, model, monkeypatch):
    monkeypatch.setattr(openings, "ALIKE", -1)
    monkeypatch.setattr(Openings, "_differs", Openings._capture)
    monkeypatch.setattr(opening.masks, "build", without_order(masks.build))
    model.begin(beside_stock.seen(1), PROMPT)
    found = forced(beside_stock, 1)
    assert model.decoder.opens(PROMPT)
    assert far(found, beside_stock.logits(1, beside_stock.ids(20))) > 100 * TOLERANCE


def test_nothing_is_captured_where_memory_is_short(beside_stock, model, monkeypatch):
    monkeypatch.setattr(hardware, "room", lambda device: SPARE - 1)
    for _ in range(2):
        model.begin(beside_stock.seen(1), PROMPT)
    assert not model.decoder.opens(PROMPT)
    monkeypatch.setattr(hardware, "room", lambda device: SPARE)
    model.begin(beside_stock.seen(1), PROMPT)
    assert model.decoder.opens(PROMPT)
