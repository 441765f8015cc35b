"""Many replies at once equal each alone, whatever the slots; float32, tiny, all families."""

import itertools

import pytest
import torch

from cxr_demo.models.base import Item
from cxr_demo.records import Prompt, StopReason
from tests.models.families import FAMILIES

SHORT = Prompt("short", "Describe this X-ray", 12)
LONG = Prompt("long", "Write the findings section of a report for this chest X-ray. " * 2, 30)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def reader(request, tmp_path_factory):
    """A family and its tiny model in float32."""
    torch.set_num_threads(1)
    family = request.param
    return family, family.fp32(family.write(tmp_path_factory.mktemp("checkpoints")))


def alone(model, item):
    """The ids of `item` by the single path."""
    prompt = Prompt(item.prompt.id, item.prompt.text, item.most)
    return [token.id for token in model.generate(item.seen, prompt)]


def spoken(model, item):
    """The text of `item` by the single path."""
    prompt = Prompt(item.prompt.id, item.prompt.text, item.most)
    return "".join(token.text for token in model.generate(item.seen, prompt)).rstrip()


def items(family, count):
    """Two prompts of different lengths in turn, with limits from 3 to 30."""
    return [
        Item(str(at), family.seen(at), (SHORT, LONG)[at % 2], limit=3 + at * 5 % 23)
        for at in range(count)
    ]


@pytest.mark.parametrize("slots", [1, 3, 12])
def test_replies_equal_those_given_one_by_one(reader, slots):
    family, model = reader
    asked = items(family, 7)
    replies = {each.key: each for each in model.generate_many(iter(asked), slots)}
    assert set(replies) == {each.key for each in asked}
    for item in asked:
        reply = replies[item.key]
        assert list(reply.ids) == alone(model, item)
        assert reply.text == spoken(model, item)
        assert reply.prompt_tokens == len(model.prompt_ids(item.prompt))
        assert reply.stop in (StopReason.END, StopReason.LENGTH)
        assert reply.seconds > 0
    use = model.batch_use
    assert use.slots == slots
    assert 0 <= use.idle < use.steps * slots


def test_the_order_of_the_images_changes_no_reply(reader):
    family, model = reader
    asked = items(family, 6)
    forth, back = (
        {each.key: each.ids for each in model.generate_many(order, 2)}
        for order in (asked, asked[::-1])
    )
    assert forth == back
    assert len(set(forth.values())) == 6


def test_forced_lengths_ignore_the_end_of_the_reply(reader):
    family, model = reader
    asked = [Item(str(at), family.seen(at), SHORT, force=at + 9) for at in range(3)]
    lengths = {each.key: len(each.ids) for each in model.generate_many(asked, 2)}
    assert lengths == {"0": 9, "1": 10, "2": 11}


def test_forced_lengths_share_one_batch(reader):
    family, model = reader
    lengths = [3, 90, 4, 80]
    roomy = Prompt("roomy", SHORT.text, max(lengths))
    asked = [Item(str(at), family.seen(at), roomy, force=n) for at, n in enumerate(lengths)]
    assert len(list(model.generate_many(asked, 4))) == 4
    assert model.batch_use.steps <= max(lengths)


def test_a_small_batch_takes_the_next_one_while_a_long_one_goes_on(reader):
    family, model = reader
    lengths = [40, 4, 4, 4, 4, 4, 4, 4]
    roomy = Prompt("roomy", SHORT.text, max(lengths))
    asked = [Item(str(at), family.seen(at), roomy, force=n) for at, n in enumerate(lengths)]
    assert len(list(model.generate_many(asked, 3))) == len(lengths)
    assert model.batch_use.steps <= max(lengths)


def test_a_stop_id_ends_one_row_and_makes_room(reader):
    family, model = reader
    asked = items(family, 4)
    free = alone(model, asked[3])
    model.stop_ids, kept = model.stop_ids | {free[2]}, model.stop_ids
    try:
        replies = {each.key: each for each in model.generate_many(asked, 2)}
    finally:
        model.stop_ids = kept
    assert replies["3"].ids == tuple(itertools.takewhile(lambda id: id != free[2], free))
    assert replies["3"].stop is StopReason.END
    assert len(replies) == 4


def test_a_single_reading_may_come_between(reader):
    family, model = reader
    asked = items(family, 5)
    expected = {each.key: alone(model, each) for each in asked}
    many = model.generate_many(asked, 2)
    found = {}
    for reply in many:
        found[reply.key] = list(reply.ids)
        assert alone(model, asked[0]) == expected["0"]
    assert found == expected


def test_stop_drops_what_is_not_finished(reader):
    family, model = reader
    given = []

    def source():
        for item in items(family, 50):
            given.append(item.key)
            yield item

    replies = model.generate_many(source(), 2, lambda: len(given) > 4)
    assert len(list(replies)) <= 5
    assert len(given) < 10


def test_a_batch_has_slots(reader):
    family, model = reader
    with pytest.raises(ValueError, match="at least one slot"):
        list(model.generate_many(items(family, 1), 0))
