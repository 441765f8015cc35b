"""A run's page: answers to yes/no questions stand there if the run was asked; examples."""

import pytest

from cxr_demo.errors import CxrError
from cxr_demo.findings import Label, UncertaintyPolicy
from cxr_demo.labelers.policy import counted
from cxr_demo.results.records import MARK
from cxr_demo.ui.bench.run import run_view
from cxr_demo.ui.bench.wiring import Places
from tests.results.build import Made
from tests.results.conftest import POLICY, open_book

__all__ = ["open_book"]


@pytest.mark.parametrize("language", ["en", "pt"])
def test_answers_stand_in_the_page_of_the_run_that_was_asked(open_book, language):
    book = open_book((Made(asked=60), Made("chexagent-2-3b")), images=60, synthetic=True)
    grounds = {}
    for run in book.boards()[0].runs:
        for dark in (True, False):
            view = run_view(book, run, "rules", POLICY, language, lambda at: False, dark)
            aurocs = [each for each in view["tables"] if "AUROC" in each["columns"]]
            asked = "MedGemma" in view["title"]
            assert len(aurocs) == asked and (view["figure"] is not None) == asked
            if asked:
                mark = MARK[language == "pt"]
                assert aurocs[0]["mark"] == mark
                assert mark in view["figure"]["layout"]["title"]["text"]
                grounds[dark] = view["figure"]["layout"]["paper_bgcolor"]
    assert grounds[True] != grounds[False]


def test_examples_mark_what_the_score_counts(open_book):
    book = open_book((Made(failed=3),), images=60)
    (run,) = book.boards()[0].runs
    marked = {}
    for policy in UncertaintyPolicy:
        view = run_view(book, run, "rules", policy, "pt", lambda at: False)
        assert all(each["head"].startswith("CheXpert · ") for each in view["examples"])
        rows = [row for each in view["examples"] for row in each["rows"]]
        marked[policy] = [row for row in rows if row["differs"] and "uncertain" in _states(row)]
        for row in rows:
            target, label, *_ = [counted(Label(cell["state"]), policy) for cell in row["cells"]]
            assert bool(row["differs"]) == (None not in (target, label) and target != label)
    assert marked[UncertaintyPolicy.UNCERTAIN_AS_POSITIVE]
    assert not marked[UncertaintyPolicy.UNCERTAIN_IGNORED]


def test_a_run_whose_data_set_has_no_folder_here_has_no_image(open_book):
    book = open_book((Made(),), images=60, name="aggregated")  # and a folder of CheXpert alone
    (run,) = book.boards()[0].runs
    for position in range(3):
        with pytest.raises(CxrError):
            Places(book).of(run, position)


def _states(row):
    return {cell["state"] for cell in row["cells"][:2]}
