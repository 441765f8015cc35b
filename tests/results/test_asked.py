"""Answers to yes/no questions on boards: scikit-learn's numbers, and what is called calibrated."""

import csv
import io
import json
import re

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from cxr_demo import plots
from cxr_demo.calibration import Calibration, Key, Scale, path, write
from cxr_demo.findings import FINDINGS, Finding, UncertaintyPolicy
from cxr_demo.metrics.calibration import Platt
from cxr_demo.plots import page
from cxr_demo.records import Precision
from cxr_demo.results import asked, export, tables
from cxr_demo.results.records import MARK
from cxr_demo.store.evaluations import EvaluationStore
from tests.results.build import Made, answers, fill, predicted, targets
from tests.results.conftest import POLICY

ASKED = 150
ARMS = (Made(asked=ASKED), Made("chexagent-2-3b"))
KEY = Key("medgemma-4b-it", "ab" * 32, Precision.BF16, "q-1", "Is there {finding}?")


@pytest.fixture(autouse=True)
def own_calibrations(monkeypatch, tmp_path):
    monkeypatch.setattr("cxr_demo.calibration.private_dir", lambda: tmp_path)


def raw_answers():
    codes = predicted(targets(234), ARMS[0].right, 100)
    rows = [answers(codes[at], at)["yes"] for at in range(ASKED)]
    return np.array([[row[each] for each in FINDINGS] for row in rows])


def calibrated_by(run, synthetic=False):
    scales = {Finding.EDEMA: Scale(1.5, -0.5, 40, 60, 0.2, 0.15)}
    mark = "SYNTHETIC" if synthetic else None
    write(Calibration(KEY, scales, 100, mark, {}, run, "2026-01-01T00:00:00+00:00"))


def found_in(book, policy=POLICY, group="group0000000001"):
    board = book.with_answers(book.board(group, "rules", policy))
    return board, board.arms[0].answered


@pytest.mark.parametrize("policy", list(UncertaintyPolicy))
def test_scores_are_scikit_learns_under_every_policy(open_book, policy):
    _, found = found_in(open_book(ARMS), policy)
    raw, truth = raw_answers(), targets(234)[:ASKED]
    for column in range(len(FINDINGS)):
        codes = truth[:, column]
        kept = (codes != -1) | (policy is not UncertaintyPolicy.UNCERTAIN_IGNORED)
        unsure = policy is UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
        present, said = ((codes == 1) | ((codes == -1) & unsure))[kept], raw[kept, column]
        assert (found.present[column], found.counted[column]) == (present.sum(), kept.sum())
        assert found.brier[column] == pytest.approx(brier_score_loss(present, said))
        if 0 < present.sum() < len(present):
            assert found.auroc.value[column] == pytest.approx(roc_auc_score(present, said))
            assert found.auroc.low[column] <= found.auroc.value[column] <= found.auroc.high[column]
        else:
            assert np.isnan(found.auroc.value[column])
    assert found.raw.images.sum() == found.counted.sum()


def test_an_arm_that_was_not_asked_shows_nothing(open_book):
    board, _ = found_in(open_book(ARMS))
    other = next(each for each in board.arms if each.arm.model == "chexagent-2-3b")
    assert other.answered is None and tables.answers(board, other, "en") is None
    assert plots.runs("reliability", board) == [board.arms[0].arm.run]
    bare, _ = found_in(open_book(ARMS[1:], group="other".ljust(16)), group="other".ljust(16))
    assert plots.runs("reliability", bare) == []
    text = page.html([bare], "en").decode()
    assert "Reliability" not in text[text.index('id="figures"') :] and "AUROC" not in text


def test_a_calibration_fitted_on_the_same_patients_is_told_and_not_shown(open_book):
    book = open_book(ARMS)
    board, found = found_in(book)
    assert found.remark == asked.NONE and found.calibrated is None
    calibrated_by(board.arms[0].arm.run)
    _, found = found_in(book)
    assert found.remark == asked.SAME and found.calibrated is None
    calibrated_by("a run of another machine")
    assert found_in(book)[1].remark == asked.UNKNOWN
    draft = path(KEY).with_suffix(".part")
    draft.write_text("{}")
    draft.replace(path(KEY))
    assert found_in(book)[1].remark == asked.DAMAGED


def test_one_fitted_on_other_patients_is_shown_beside_raw_answers(open_book, tmp_path):
    book = open_book(ARMS)
    (run,) = fill(tmp_path / "evaluations.sqlite", ARMS[:1], group="fit".ljust(16, "0"))
    with EvaluationStore(tmp_path / "evaluations.sqlite") as store:
        store._connection.execute(
            "UPDATE sample SET patient = 'other' || patient WHERE manifest LIKE 'fit%'"
        )
    calibrated_by(run, synthetic=True)
    board, found = found_in(book)
    assert run[:12] in found.remark[0] and "SYNTHETIC" in found.remark[0]
    at = FINDINGS.index(Finding.EDEMA)
    kept = targets(234)[:ASKED, at]
    scaled = [Platt(1.5, -0.5)(each) for each in raw_answers()[:, at]]
    expected = brier_score_loss((kept == 1) | (kept == -1), scaled)
    assert found.brier_calibrated[at] == pytest.approx(expected)
    assert np.isnan(np.delete(found.brier_calibrated, at)).all() and found.scaled == 1
    assert tables.answers(board, board.arms[0], "en").columns[-1] == "Brier, calibrated"
    names = [each["name"] for each in plots.figure("reliability", board, "en")["data"]]
    assert any(each.startswith("raw, uncalibrated") for each in names)
    assert any(each.startswith("calibrated, 1 finding") for each in names)


@pytest.mark.parametrize("language", ["en", "pt"])
def test_words_of_table_figure_and_exports(open_book, language):
    book = open_book(ARMS, synthetic=True)
    board, found = found_in(book)
    raw = "não calibradas" if language == "pt" else "uncalibrated"
    mark = MARK[language == "pt"]
    table = tables.answers(board, board.arms[0], language)
    assert raw in table.title and table.mark == mark and len(table.rows) == 14
    assert table.rows[0][1] == f"{found.present[0]} / {found.counted[0]}"
    assert f"{ASKED} " in table.notes[0] and "Brier" in table.columns[4]
    for dark in (True, False):
        figure = plots.figure("reliability", board, language, dark)
        told = json.dumps(figure, ensure_ascii=False)
        assert mark in figure["layout"]["title"]["text"] and raw in told
        assert figure["data"][0]["x"] == figure["data"][0]["y"] == [0, 1]
        shown = [int(re.sub(r"\D", "", each)) for each in figure["data"][1]["text"]]
        assert shown == found.raw.images.tolist()
    assert page.html([board], language).decode().count(table.title) == 1
    body = export.csv(board, book, language).decode("utf-8-sig").split("\r\n", 1)[1]
    rows = list(csv.reader(io.StringIO(body), delimiter=";" if language == "pt" else ","))
    aurocs = [each for each in rows if each[12].startswith("AUROC")]
    assert len(aurocs) == 14 and all(each[0] == mark for each in aurocs)
    assert float(aurocs[0][14].replace(",", ".")) == pytest.approx(found.auroc.value[0], abs=1e-5)
    bins = [each for each in rows if f"{raw}, " in each[12]]
    assert len(bins) == 3 * len(found.raw.images)
