"""Streaming text: the pieces add up, and nothing broken is ever shown."""

import pytest
from tokenizers import Tokenizer, decoders
from tokenizers.models import BPE

from cxr_demo.decoding.text import BROKEN, TextStream

WORDS = ["▁no", "▁effusion", ".", "▁", "\n", "▁Cora", "ção", "<think>", "</think>"]


@pytest.fixture(scope="module")
def tokenizer():
    """Gemma's kind of decoder: byte fallback and a mark for spaces."""
    vocab = {word: index for index, word in enumerate(WORDS)}
    vocab |= {f"<0x{byte:02X}>": len(WORDS) + byte for byte in range(256)}
    built = Tokenizer(BPE(vocab=vocab, merges=[], byte_fallback=True))
    built.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return built


def ids_of(text):
    return [len(WORDS) + byte for byte in text.encode()]


def stream(tokenizer, ids, **settings):
    shower = TextStream(tokenizer.decode, **settings)
    pieces = [shower.push(each) for each in ids]
    return pieces, shower


@pytest.mark.parametrize("text", ["ação", "\N{LUNGS} ok", "é\N{HEART WITH ARROW}漢字"])
def test_characters_of_several_bytes_come_whole(tokenizer, text):
    ids = [0, 1, *ids_of(text), 2]
    pieces, _ = stream(tokenizer, ids)
    assert "".join(pieces) == tokenizer.decode(ids).lstrip()
    assert not any(BROKEN in piece for piece in pieces)
    assert pieces[2] == "" if len(text[0].encode()) > 1 else True


def test_a_character_cut_at_the_end_is_not_shown(tokenizer):
    pieces, shower = stream(tokenizer, [0, *ids_of("ã")[:1]])
    assert "".join(pieces) + shower.finish() == "no"


def test_leading_space_is_dropped_once(tokenizer):
    pieces, _ = stream(tokenizer, [4, 3, 0, 4, 1])
    assert pieces == ["", "", "no", "\n", " effusion"]


def test_thoughts_are_not_part_of_the_reply(tokenizer):
    ids = [7, 1, 1, *ids_of("ã"), 8, 0, 1, 2]
    pieces, _ = stream(tokenizer, ids, hidden=(7, 8))
    assert "".join(pieces) == "no effusion."
    assert pieces[:6] == [""] * 6


def test_an_unfinished_thought_shows_nothing(tokenizer):
    pieces, shower = stream(tokenizer, [7, 0, 1], hidden=(7, 8))
    assert "".join(pieces) + shower.finish() == ""


def test_a_stop_string_ends_the_text_and_is_never_shown(tokenizer):
    pieces, shower = stream(tokenizer, [0, 1, 2, 0], stop_strings=("sion.",))
    assert "".join(pieces) == "no effu"
    assert shower.stopped


def test_text_that_only_began_a_stop_string_is_released(tokenizer):
    pieces, shower = stream(tokenizer, [0, 1, 0], stop_strings=("sion.",))
    assert "".join(pieces) == "no effusion no"
    pieces, shower = stream(tokenizer, [0, 1], stop_strings=("sion.",))
    assert pieces == ["no", " effu"]
    assert shower.finish() == "sion"
