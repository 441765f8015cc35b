import pytest

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.results.book import Book
from tests.results.build import Made, fill

PAIRED = (
    Made("chexagent-2-3b", right=0.7, gib=7.6, seconds=2.1),
    Made("chexagent-2-3b", "nf4", right=0.68, gib=3.9, seconds=2.8, follows=0),
    Made("medgemma-4b-it", right=0.6, gib=9.4, confirmed=False),
    Made("medgemma-4b-it", "nf4", right=0.6, gib=4.9, follows=2, confirmed=False, done=120),
    Made("medgemma-4b-it", pipeline="direct", right=0.5, gib=9.3),
    Made("chexagent-8b", "nf4", right=0.6, gib=7, stand_in=True),
)
POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE


@pytest.fixture
def open_book(tmp_path):
    """Makes a store and opens it; closed afterwards."""
    books = []

    def make(arms=PAIRED, **more):
        path = tmp_path / "evaluations.sqlite"
        fill(path, arms, **more)
        books.append(Book(path, tmp_path / "kept"))
        return books[-1]

    yield make
    for each in books:
        each.close()


@pytest.fixture
def board(open_book):
    """A board with all its intervals."""

    def make(arms=PAIRED, labeler="chexbert", policy=POLICY, **more):
        book = open_book(arms, **more)
        name = book.boards()[0].id
        book.board(name, labeler, policy)
        assert book.wait(60)
        return book.board(name, labeler, policy)

    return make
