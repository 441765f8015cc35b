"""What was measured here, for advice: never phantoms, never random weights, never half a run."""

import pytest

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.records import Precision
from cxr_demo.results import evidence
from tests.results.build import GIB, Made
from tests.results.conftest import PAIRED, POLICY


def test_quality_is_that_of_the_board(open_book):
    book = open_book(images=90)
    board = book.board("group0000000001", "chexbert", POLICY)
    assert book.wait(60)
    found = evidence.quality("chexagent-2-3b", book)
    assert [each.precision for each in found] == [Precision.BF16, Precision.NF4]
    wanted = board.arms[0].figures.micro[FindingSetName.ALL_14]
    assert found[0].f1 == pytest.approx(wanted) and found[0].labeler == "chexbert"
    assert found[0].low < wanted < found[0].high


def test_half_runs_phantoms_and_random_weights_are_no_quality(open_book):
    book = open_book(PAIRED, images=300)
    assert not [
        each for each in evidence.quality("medgemma-4b-it", book) if each.precision is Precision.NF4
    ]
    assert evidence.paired("medgemma-4b-it", book) is None
    assert evidence.quality("chexagent-8b", book) == ()
    drawn = open_book(PAIRED, images=40, synthetic=True, group="group0000000002")
    assert not [e for e in evidence.quality("chexagent-2-3b", drawn) if e.images == 40]


def test_a_pair_has_its_difference_and_margin(open_book):
    book = open_book(images=90)
    book.board("group0000000001", "chexbert", POLICY)
    assert book.wait(60)
    found = evidence.paired("chexagent-2-3b", book)
    assert found.low < found.difference < found.high and found.margin == 0.02
    assert found.not_inferior == (found.low > -0.02)


def test_memory_of_random_weights_counts_and_says_so(open_book):
    book = open_book(images=40)
    found = evidence.vram("chexagent-8b", Precision.NF4, book)
    assert found.vram == 7 * GIB and found.stand_in
    assert evidence.vram("chexagent-8b", Precision.BF16, book) is None


def test_an_empty_machine_has_no_evidence(open_book, tmp_path):
    book = open_book((Made(gib=None, done=0),), images=5)
    assert evidence.quality("medgemma-4b-it", book) == ()
    assert evidence.vram("medgemma-4b-it", Precision.BF16, book) is None
