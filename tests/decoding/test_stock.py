"""Every path of the engine against transformers' own models: Gemma 3, Phi and Mistral in float32,
prompt and reply longer than the sliding window, and faults that must be found."""

import pytest
import torch

from cxr_demo.decoding.engine import Request
from cxr_demo.records import Prompt
from tests.decoding.engines import PATHS
from tests.decoding.reference import (
    FOUND,
    PROMPT,
    STEPS,
    TOLERANCE,
    far,
    rows_of,
)

SHORT = Prompt("short", "Describe this X-ray", 40)
LONG = Prompt("long", "Is there an effusion? " * 6, 40)
ASKED = [(4, SHORT), (5, LONG), (6, PROMPT)]


@pytest.fixture(scope="module")
def tiny(beside_stock):
    return beside_stock


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.name)
def path(request):
    return request.param


@pytest.fixture
def engine(path, tiny):
    return path.build(tiny.model._network)


def forced(tiny, engine, ids, seed=1):
    """(n + 1, V) logits by the engine's decode path."""
    prefix = tiny.model.prefix(tiny.seen(seed), PROMPT)
    return engine.force(engine.prefill(prefix, ids.shape[1]), ids)[0]


def test_sequences_are_long_and_varied(tiny):
    assert len(set(tiny.ids()[0].tolist())) > 100
    whole = tiny.prompt_length() + STEPS
    window = tiny.model._network.window
    assert tiny.family.model == "chexagent-2-3b" or window + 20 < whole
    assert (tiny.model._network.window is None) == (tiny.family.model == "chexagent-2-3b")


def test_forced_logits_equal_stock(tiny, engine):
    assert far(forced(tiny, engine, tiny.ids()), tiny.logits(1, tiny.ids())) < TOLERANCE


def test_a_second_sequence_finds_nothing_of_the_first(tiny, engine):
    forced(tiny, engine, tiny.ids(seed=2), seed=3)
    ids = tiny.ids(30)
    assert far(forced(tiny, engine, ids), tiny.logits(1, ids)) < TOLERANCE


def test_greedy_ids_equal_stock_generate(tiny, engine):
    stock = tiny.stock.generate(tiny.stock.inputs([tiny.seen(3)], PROMPT), 100)[0, -100:]
    state = engine.prefill(tiny.model.prefix(tiny.seen(3), PROMPT), 100)
    ours = [step.ids[0] for step in engine.decode(state, Request(100))]
    assert ours == stock.tolist()
    assert len(set(ours)) > 20


FAULTS = [(path, name) for path in PATHS for name in path.faults]


@pytest.mark.parametrize(("path", "fault"), FAULTS, ids=lambda each: getattr(each, "name", each))
def test_a_fault_is_found(path, fault, tiny, monkeypatch):
    if fault not in path.faults_of(tiny.model):
        pytest.skip("this model has no such part")
    ids = tiny.ids(40)
    path.faults[fault](monkeypatch, tiny.prompt_length())
    engine = path.build(tiny.model._network)
    forced(tiny, engine, tiny.ids(60, seed=2), seed=3)  # leaves something behind
    assert far(forced(tiny, engine, ids), tiny.logits(1, ids)) > FOUND


def test_another_image_is_found(tiny, engine):
    ids = tiny.ids(2)
    assert far(forced(tiny, engine, ids, seed=2), tiny.logits(1, ids)) > FOUND


def test_rows_of_different_lengths_equal_stock(tiny, engine):
    ids = torch.cat([tiny.ids(90, seed) for seed in (1, 2, 3)])
    together = engine.force(engine.prefill(rows_of(tiny, ASKED), 90), ids)
    for row, (seed, prompt) in enumerate(ASKED):
        assert far(together[row], tiny.logits(seed, ids[row : row + 1], prompt)) < TOLERANCE


def test_one_prefix_continues_with_many_endings(tiny, engine):
    state = engine.prefill(tiny.model.prefix(tiny.seen(5), PROMPT), 0)
    before = state.logits.clone()
    endings = [tiny.ids(3), tiny.ids(90, seed=2), tiny.ids(1, seed=3)]
    after = tiny.ids(20, seed=4)
    extended = engine.extend(state, [each[0].tolist() for each in endings], room=20)
    many = engine.force(extended, after.expand(3, -1))
    for row, ending in enumerate(endings):
        alone = tiny.logits(5, torch.cat([ending, after], 1))
        assert far(many[row], alone[ending.shape[1] :]) < TOLERANCE
    assert torch.equal(state.logits, before)
    again = engine.extend(state, [endings[0][0].tolist()], room=1)
    assert far(again.logits[0], many[0, 0]) < TOLERANCE


class Slots:
    """A step of four slots, driven by hand with forced ids, as `generate_many` drives it."""

    def __init__(self, tiny, engine):
        self.tiny, self.engine = tiny, engine
        self.step = engine.steps(4, max(map(tiny.prompt_length, (SHORT, LONG, PROMPT))) + 130)
        self.forced, self.first, self.found = {}, {}, {}

    def admit(self, asked, slots, seeds):
        """Prefill a batch into `slots`; each row will be forced the ids of its seed."""
        state = self.engine.prefill(rows_of(self.tiny, asked), 0)
        ids = [self.tiny.ids(120, seed) for seed in seeds]
        self.step.admit(state.cache, torch.cat(ids)[:, 0], slots)
        for row, slot in enumerate(slots):
            self.forced[slot] = ids[row][0].tolist()
            self.found[slot] = [state.logits[row]]
            self.first[slot] = asked[row]

    def run(self, count):
        for _ in range(count):
            for slot, ids in self.forced.items():
                self.step.ids[slot] = ids[len(self.found[slot]) - 1]
            self.step.run()
            for slot in self.forced:
                self.found[slot].append(self.step.logits[slot].clone())

    def release(self, slot):
        self.step.release(slot)
        return self.check(slot), self.forced.pop(slot)

    def check(self, slot):
        """How far the slot's logits are from stock's."""
        seed, prompt = self.first[slot]
        ours = torch.stack(self.found[slot])
        ids = torch.tensor([self.forced[slot][: len(ours) - 1]])
        return far(ours, self.tiny.logits(seed, ids, prompt))


def test_slots_are_refilled_in_any_order(tiny, engine):
    """Rows come and go, into slots out of order, while others go on in the middle."""
    slots = Slots(tiny, engine)
    slots.admit(ASKED, [3, 0, 2], seeds=[1, 2, 3])
    slots.run(25)
    assert slots.release(0)[0] < TOLERANCE
    slots.run(5)
    slots.admit([(7, SHORT)], [0], seeds=[4])
    slots.run(30)
    assert slots.release(3)[0] < TOLERANCE
    slots.admit([(8, LONG), (9, SHORT)], [1, 3], seeds=[5, 6])
    slots.run(20)
    assert max(slots.check(each) for each in (0, 1, 2, 3)) < TOLERANCE


def test_a_slot_given_to_another_is_found(tiny, engine):
    slots = Slots(tiny, engine)
    slots.admit(ASKED, [3, 0, 2], seeds=[1, 2, 3])
    slots.first[3], slots.first[2] = slots.first[2], slots.first[3]
    slots.run(3)
    assert slots.check(3) > FOUND
    assert slots.check(0) < TOLERANCE
