"""The CSV file: aggregates in full precision, marked, the same numbers as on the board."""

import csv
import io

import pytest

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.results import export
from tests.results.build import Made
from tests.results.conftest import PAIRED, POLICY


def rows_of(data, language):
    text = data.decode("utf-8-sig")
    title, rest = text.split("\r\n", 1)
    delimiter = ";" if language == "pt" else ","
    return title, list(csv.DictReader(io.StringIO(rest, newline=""), delimiter=delimiter))


@pytest.fixture
def ready(open_book):
    def make(arms=PAIRED, **more):
        book = open_book(arms, images=60, **more)
        name = book.boards()[0].id
        book.board(name, "chexbert", POLICY)
        assert book.wait(60)
        return book, book.board(name, "chexbert", POLICY)

    return make


def test_every_figure_is_that_of_the_board_with_its_labeler(ready):
    book, board = ready()
    title, rows = rows_of(export.csv(board, book, "en"), "en")
    assert "CheXbert" in title and board.name.manifest[:8] in title
    result = board.arms[0]
    (row,) = [
        each
        for each in rows
        if each["figure"] == "micro F1 (CheXbert), 14 findings"
        and (each["model"], each["precision"]) == ("CheXagent 2 3B", "bf16")
    ]
    micro = result.intervals.micro[FindingSetName.ALL_14]
    assert float(row["value"]) == pytest.approx(float(micro.value), abs=1e-6)
    assert float(row["low, 95 %"]) == pytest.approx(float(micro.low), abs=1e-6)
    f1 = [each for each in rows if "F1" in each["figure"]]
    assert all("(CheXbert)" in r["figure"] or "(direct answer)" in r["figure"] for r in f1)
    slices = {each["figure"] for each in rows if "view: " in each["figure"]}
    assert len(slices) >= 2


def test_portuguese_files_open_in_a_portuguese_spreadsheet(ready):
    book, board = ready()
    _, rows = rows_of(export.csv(board, book, "pt"), "pt")
    values = [
        each["valor"] for each in rows if each["medida"].startswith("F1 micro (CheXbert), 14")
    ]
    assert values and all("," in each and "." not in each for each in values)


def test_phantoms_are_marked_in_the_title_the_rows_and_the_name(ready):
    book, board = ready(PAIRED, synthetic=True)
    title, rows = rows_of(export.csv(board, book, "en"), "en")
    assert title.strip('"').startswith("SYNTHETIC, NOT PATIENTS")
    assert all(each["mark"] == "SYNTHETIC, NOT PATIENTS" for each in rows)
    assert "SYNTHETIC" in export.file_name(board, "en", "csv")
    assert not any("study" in each["figure"] for each in rows)


def test_a_carried_file_says_by_its_name_what_is_in_it():
    named = export.run_file_name("0123456789abcdef", True, True, "pt")
    assert named == "cxr-demo-run-0123456789ab_SINTÉTICO-NÃO-SÃO-PACIENTES_completo.zip"
    assert export.run_file_name("0123456789abcdef", False, False, "en").endswith("ab.zip")


def test_random_weights_have_no_f1_and_nobody_is_in_the_file(ready):
    book, board = ready()
    data = export.csv(board, book, "en")
    _, rows = rows_of(data, "en")
    stand_in = [each["figure"] for each in rows if each["model"] == "CheXagent 8B"]
    assert stand_in and not any("F1" in each or "sensitivity" in each for each in stand_in)
    for secret in (b"chexpert/p", b"report [", b"/data/chexpert"):
        assert secret not in data


def test_a_cell_is_no_formula(ready):
    book, board = ready((Made(gpu="=HYPERLINK(1)"),))
    _, rows = rows_of(export.csv(board, book, "en"), "en")
    assert {each["device"] for each in rows if each["model"]} == {"'=HYPERLINK(1)"}
