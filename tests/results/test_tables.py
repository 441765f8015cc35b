"""Tables say in words what boards hold."""

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from cxr_demo import plots
from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.results import evidence, tables
from tests.results.build import Made
from tests.results.conftest import PAIRED, POLICY
from tests.results.test_book import by_hand


@pytest.mark.parametrize("language", ["en", "pt"])
def test_every_row_fills_its_columns_and_every_f1_says_its_labeler(board, language):
    found = board(images=120, name="aggregated")
    every = [
        tables.arms(found, language),
        tables.pairs(found, language),
        tables.stand_ins(found, language),
        *(tables.findings(found, each, language) for each in found.arms),
        *(tables.mcnemar(found, each, language) for each in found.pairs),
    ]
    for table in every:
        assert table.rows and all(len(row) == len(table.columns) for row in table.rows)
        for column in table.columns:
            assert (
                "F1" not in column
                or "CheXbert" in column
                or "diret" in column
                or "direct" in column
            )


def test_an_arm_with_another_prompt_is_another_arm_everywhere(open_book):
    """Two prompts in two precisions: four arms, two pairs, and each named by what was asked."""
    steps = {"model": "chexagent-2-3b", "prompt": "chexagent-2-steps-1"}
    plain = {"model": "chexagent-2-3b", "prompt": "chexagent-report-1"}
    made = [Made(precision=each, **which) for which in (plain, steps) for each in ("bf16", "nf4")]
    made.append(Made(**steps | {"prompt": "chexagent-2-steps-0"}))
    book = open_book(tuple(made), images=24)
    found = book.board(book.boards()[0].id, "chexbert", POLICY)
    assert len(found.arms) == 5
    pairs = {(each.reference.arm.prompt, each.candidate.arm.prompt) for each in found.pairs}
    assert pairs == {(None, None), (steps["prompt"], steps["prompt"])}
    for language, words in (("en", "report in steps"), ("pt", "laudo por etapas")):
        plain_words, _, _ = words.partition(" ")
        told = [row[2] for row in tables.arms(found, language).rows]
        unknown = f"{plain_words} (chexagent-2-steps-0)"
        assert told == [plain_words, plain_words, unknown, words, words]
        assert {row[2] for row in tables.pairs(found, language).rows} == {plain_words, words}
        names = [plots.rows.name(each, language) for each in found.arms]
        assert len(set(names)) == 5 and sum(words in each for each in names) == 2
    assert {each.precision for each in evidence.quality("chexagent-2-3b", book)} == {"bf16", "nf4"}
    assert len(evidence.quality("chexagent-2-3b", book)) == 2  # what is advised is the default


def test_the_main_table_says_how_far_a_run_is_and_what_is_not_confirmed(board):
    table = tables.arms(board(), "en")
    told = [" ".join(row) for row in table.rows]
    assert sum("120 of 234 so far" in each for each in told) == 1
    assert sum("port not confirmed with real weights" in each for each in told) == 2
    assert any("calls every finding on every image" in each for each in table.notes)
    assert any("0.553" in each for each in table.notes)


@pytest.mark.parametrize("name", ["preliminary", "aggregated"])
def test_only_an_evaluation_in_folds_has_their_column(board, name):
    columns = tables.arms(board((Made(),), images=60, name=name), "en").columns
    assert any("folds" in each for each in columns) == (name == "aggregated")


def test_a_finding_that_nobody_has_is_a_dash_and_never_zero(board):
    found = board((Made(),), images=12)
    table = tables.findings(found, found.arms[0], "en")
    nobody = [row for row in table.rows if row[1] == "0"]
    assert nobody and all(row[2] == "–" and row[4] == "–" for row in nobody)


def test_sensitivity_and_predictive_value_are_scikit_learns(board, tmp_path):
    found = board((Made(right=0.7),))
    result = found.arms[0]
    truth, said = by_hand(tmp_path / "evaluations.sqlite", result.arm.run, "chexbert", POLICY)
    rows = tables.findings(found, result, "en").rows
    for at, _ in enumerate(FINDINGS):
        assert float(rows[at][4]) == pytest.approx(
            recall_score(truth[:, at], said[:, at]), abs=5e-4
        )
        wanted = recall_score(~truth[:, at], ~said[:, at])
        assert float(rows[at][6]) == pytest.approx(wanted, abs=5e-4)
        wanted = precision_score(truth[:, at], said[:, at], zero_division=np.nan)
        assert float(rows[at][8]) == pytest.approx(wanted, abs=5e-4)


def test_policies_and_labelers_stand_side_by_side(open_book):
    book = open_book(PAIRED, images=60)
    name = book.boards()[0]
    boards = [
        book.board(name.id, labeler, policy) for labeler in name.labelers for policy in tables.MAIN
    ]
    table = tables.policies(boards, "en")
    assert len(table.rows) == 4 * 2 + 1  # report arms by two labelers, the direct one by its parser
    assert UncertaintyPolicy.UNCERTAIN_IGNORED not in {each.policy for each in boards}


def test_slices_say_what_they_are(open_book):
    book = open_book(PAIRED[:1], images=90, name="aggregated")
    board = book.board("group0000000001", "chexbert", POLICY)
    run = board.arms[0].arm.run
    table = tables.slices(board, book.slices(board.name.id, run, "chexbert", POLICY), "pt")
    assert {"conjunto", "incidência", "sexo", "idade", "não vista por este modelo"} == {
        row[0] for row in table.rows
    }
