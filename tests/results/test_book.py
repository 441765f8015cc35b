"""From the store to boards: every number against scikit-learn or a plain loop over the rows."""

import sqlite3
import time

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.metrics.finding_sets import FindingSetName, columns
from cxr_demo.results import meaning, scoring
from cxr_demo.results.book import Book, shared
from cxr_demo.results.records import DIRECT
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import LabelRow, Row
from cxr_demo.ui.bench.results import best
from tests.results.build import Made
from tests.results.conftest import PAIRED, POLICY

NEGATIVE = UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE


def by_hand(path, run, labeler, policy):
    """(targets, predictions) as 0 and 1, row by row, straight from the tables."""
    positive = {"3", "1"} if policy is POLICY else {"3"}
    with sqlite3.connect(path) as raw:
        manifest = raw.execute("SELECT manifest_sha256 FROM evaluation").fetchone()[0]
        rows = raw.execute(
            "SELECT sample.targets, label.codes, label.unparsed, result.error FROM result "
            "JOIN sample ON sample.position = result.position AND sample.manifest = ? "
            "LEFT JOIN label ON label.arm = result.arm AND label.position = result.position "
            "AND label.labeler = ? WHERE result.arm = ? ORDER BY result.position",
            (manifest, labeler, run),
        ).fetchall()
    truth = [[each in positive for each in row[0]] for row in rows]
    said = [
        [False] * 14 if row[3] or row[2] else [each in positive for each in row[1]] for row in rows
    ]
    return np.array(truth), np.array(said)


@pytest.mark.parametrize("policy", [POLICY, NEGATIVE])
def test_points_equal_those_of_scikit_learn_on_the_stored_rows(open_book, tmp_path, policy):
    book = open_book(
        (Made(right=0.7, failed=3), Made(precision="nf4", right=0.6, pipeline="direct"))
    )
    found = book.board(book.boards()[0].id, "chexbert", policy)
    for each in found.arms:
        truth, said = by_hand(tmp_path / "evaluations.sqlite", each.arm.run, each.labeler, policy)
        for name in FindingSetName:
            wanted = f1_score(
                truth[:, columns(name)].ravel(), said[:, columns(name)].ravel(), zero_division=0
            )
            assert each.figures.micro[name] == pytest.approx(wanted)
        wanted = f1_score(truth, said, average="macro", zero_division=0)
        assert each.figures.macro == pytest.approx(wanted)
        assert each.figures.support.tolist() == truth.sum(axis=0).tolist()
        recall, precision = scoring.recall_and_precision(each.counts)
        assert recall == pytest.approx(recall_score(truth.ravel(), said.ravel()))
        assert precision == pytest.approx(precision_score(truth.ravel(), said.ravel()))


def test_each_labeler_and_each_task_has_its_own_labels(open_book):
    book = open_book()
    name = book.boards()[0]
    assert name.labelers == ("chexbert", "rules")
    rules = book.board(name.id, "rules", POLICY)
    chexbert = book.board(name.id, "chexbert", POLICY)
    by_run = {each.arm.run: each for each in rules.arms}
    for each in chexbert.arms:
        other = by_run[each.arm.run]
        direct = each.arm.pipeline == "direct"
        assert (each.labeler, other.labeler) == (
            (DIRECT, DIRECT) if direct else ("chexbert", "rules")
        )
        same = each.figures.micro == other.figures.micro
        assert same == direct  # the parsed answer is nobody's labels; the two labelers differ


def test_random_weights_have_no_figures_and_stand_apart(open_book):
    found = open_book().board("group0000000001", "chexbert", POLICY)
    assert [each.arm.model for each in found.stand_ins] == ["chexagent-8b"]
    assert found.stand_ins[0].figures is None
    assert all(not each.arm.stand_in and each.figures for each in found.arms)


def test_a_run_that_goes_on_says_how_far_it_is_and_is_compared_on_common_images(board):
    found = board()
    unfinished = next(each for each in found.arms if each.arm.done < each.arm.total)
    assert unfinished.figures.images == 120 and not unfinished.arm.complete
    pair = next(each for each in found.pairs if each.candidate is not None and each.images == 120)
    assert pair.candidate.arm.run == unfinished.arm.run


def test_pairs_agree_with_a_loop_over_common_images(board, tmp_path):
    found = board()
    path = tmp_path / "evaluations.sqlite"
    for pair in found.pairs:
        rows = [
            by_hand(path, each.arm.run, each.labeler, POLICY)
            for each in (pair.candidate, pair.reference)
        ]
        truth = rows[0][0][: pair.images]
        said = [each[1][: pair.images] for each in rows]
        both = [f1_score(truth.ravel(), each.ravel()) for each in said]
        assert pair.value == pytest.approx(both[0] - both[1])
        low, high = pair.difference.estimate.low, pair.difference.estimate.high
        assert low <= pair.value <= high
        assert pair.difference.not_inferior == (low > -0.02)
        only_reference = ((said[1] == truth) & (said[0] != truth)).sum(axis=0)
        assert pair.mcnemar.only_first.tolist() == only_reference.tolist()
        with StoreReader(path) as reader:
            texts = [
                reader.texts(each.arm.run, range(pair.images))
                for each in (pair.candidate, pair.reference)
            ]
        same = [texts[0][at].report == texts[1][at].report for at in range(pair.images)]
        assert pair.identical == pytest.approx(np.mean(same))


def test_intervals_come_later_and_are_those_of_the_metrics(open_book):
    book = open_book()
    first = book.board("group0000000001", "chexbert", POLICY)
    assert first.computing and all(each.intervals is None for each in first.arms)
    before = book.token()
    assert book.wait(60)
    found = book.board("group0000000001", "chexbert", POLICY)
    assert not found.computing and book.token() != before
    for each in found.arms:
        estimate = each.intervals.micro[FindingSetName.ALL_14]
        assert float(estimate.value) == pytest.approx(each.figures.micro[FindingSetName.ALL_14])
        assert estimate.low < estimate.value < estimate.high
    assert all(0 <= each.power <= 1 and each.detectable > 0 for each in found.pairs)


def test_intervals_are_kept_on_disk_and_belong_to_rows_and_policy(open_book, tmp_path):
    book = open_book()
    book.board("group0000000001", "chexbert", POLICY)
    assert book.wait(60)
    book.close()
    kept = {each.name for each in (tmp_path / "kept").glob("*.npz")}
    again = type(book)(tmp_path / "evaluations.sqlite", tmp_path / "kept")
    found = again.board("group0000000001", "chexbert", POLICY)
    assert not any(each.computing for each in found.arms)
    again.board("group0000000001", "chexbert", NEGATIVE)
    assert again.wait(60)
    again.close()
    assert kept < {each.name for each in (tmp_path / "kept").glob("*.npz")}


def test_new_rows_and_new_labels_are_seen(open_book, tmp_path):
    book = open_book((Made(done=50), Made(precision="nf4", done=50)))
    before = book.board("group0000000001", "chexbert", POLICY)
    token = book.token()
    run = before.arms[0].arm.run
    with EvaluationStore(tmp_path / "evaluations.sqlite") as store:
        store.commit(run, Row(50, report="x", labels=(LabelRow(50, "chexbert", (1,) * 14),)))
    deadline = time.monotonic() + 10
    while book.token() == token and time.monotonic() < deadline:
        time.sleep(0.05)
    assert book.token() != token
    after = book.board("group0000000001", "chexbert", POLICY)
    assert after.arms[0].figures.images == 51
    assert after.arms[0].figures.micro != before.arms[0].figures.micro
    with EvaluationStore(tmp_path / "evaluations.sqlite") as store:
        time.sleep(1.1)  # the store's times are whole seconds
        store.add_labels(run, [LabelRow(at, "chexbert", (0,) * 14) for at in range(51)])
    relabelled = book.board("group0000000001", "chexbert", POLICY)
    assert relabelled.arms[0].figures.micro[FindingSetName.ALL_14] == 0


def test_slices_are_the_figures_of_their_images(open_book, tmp_path):
    book = open_book(PAIRED[:1], images=400, name="aggregated")
    arm = book.board("group0000000001", "chexbert", POLICY).arms[0].arm
    found = book.slices("group0000000001", arm.run, "chexbert", POLICY)
    assert set(found) == {"dataset", "view", "sex", "age", "held_out"}
    truth, said = by_hand(tmp_path / "evaluations.sqlite", arm.run, "chexbert", POLICY)
    with StoreReader(tmp_path / "evaluations.sqlite") as reader:
        manifest = reader.manifest("group0000000001")
    for dataset, result in found["dataset"].items():
        mask = manifest.datasets == dataset
        wanted = f1_score(truth[mask].ravel(), said[mask].ravel())
        assert result.figures.micro[FindingSetName.ALL_14] == pytest.approx(wanted)
    assert sum(each.figures.images for each in found["age"].values()) == 400
    # CheXagent 2: BRAX and CheXpert's train split were seen, MIMIC's test split was not
    out = (manifest.datasets == "mimic") & (manifest.splits == "test")
    assert found["held_out"]["True"].figures.images == out.sum()


def test_folds_and_the_readers_that_look_at_nothing(open_book, tmp_path):
    book = open_book(PAIRED[:2], images=500, name="aggregated")
    found = book.board("group0000000001", "chexbert", POLICY)
    truth, said = by_hand(
        tmp_path / "evaluations.sqlite", found.arms[0].arm.run, "chexbert", POLICY
    )
    with StoreReader(tmp_path / "evaluations.sqlite") as reader:
        folds = reader.manifest("group0000000001").folds
    each = [f1_score(truth[folds == k].ravel(), said[folds == k].ravel()) for k in range(5)]
    assert float(found.arms[0].figures.folds.mean) == pytest.approx(np.mean(each))
    assert float(found.arms[0].figures.folds.deviation) == pytest.approx(np.std(each, ddof=1))
    everything = f1_score(truth.ravel(), np.ones(truth.size))
    assert found.trivial.everything_present == pytest.approx(everything)
    normal = np.zeros_like(truth)
    normal[:, [str(each) for each in FINDINGS].index("No Finding")] = True
    assert found.trivial.no_finding_always == pytest.approx(f1_score(truth.ravel(), normal.ravel()))


def test_a_board_of_phantoms_carries_its_mark_and_no_figure_of_the_study(board):
    found = board((Made("chexagent-2-3b"), Made("chexagent-2-3b", "nf4")), synthetic=True)
    assert found.mark == ("SYNTHETIC, NOT PATIENTS", "SINTÉTICO, NÃO SÃO PACIENTES")
    assert not found.references and not found.remarks


def test_the_studys_figures_stand_beside_chexbert_of_the_same_recipe_only(board, open_book):
    found = board()
    assert [each.f1 for each in found.references] == [0.553]
    assert any("3 points" in english for english, _ in found.remarks)
    book = open_book(PAIRED, group="group0000000002", name="aggregated")
    rules = book.board("group0000000002", "rules", POLICY)
    assert not rules.references and not any("3 points" in each for each, _ in rules.remarks)
    chexbert = book.board("group0000000002", "chexbert", POLICY)
    assert [each.f1 for each in chexbert.references] == [0.481]
    assert "unknown" in chexbert.references[0].remark[0]


def test_measurements_that_contradict_the_study_are_shown_with_the_reason(open_book):
    book = open_book((Made("chexagent-2-3b", gib=7.2),))
    remarks = book.board("group0000000001", "chexbert", POLICY).remarks
    (told,) = [each for each, _ in remarks if "16 GB card" in each]
    assert "7.2 GiB" in told and "8 GB card" in told and "not published" in told
    other = open_book((Made("chexagent-2-3b", gib=13.0),), group="group0000000002")
    remarks = other.board("group0000000002", "chexbert", POLICY).remarks
    assert not [each for each, _ in remarks if "16 GB card" in each]


def test_the_sentence_is_the_arms_own_recall_and_precision(board):
    result = board().arms[0]
    recall, precision = scoring.recall_and_precision(result.counts)
    english, portuguese = (meaning.sentence(result, each) for each in ("en", "pt"))
    for text in (english, portuguese):
        assert str(round(10 * recall)) in text and str(round(10 * precision)) in text


def test_the_screens_sentence_is_of_a_finished_arm_or_says_how_far_it_is(board):
    few = Made("chexagent-2-3b", right=0.99, done=9)
    found = board((few, Made(right=0.6)), images=60)
    chosen = best(found)
    assert chosen.arm.model == "medgemma-4b-it" and "so far" not in meaning.sentence(chosen, "en")
    (least,) = [each for each in found.arms if each is not chosen]
    assert meaning.sentence(least, "pt").endswith("(9 de 60 até agora)")


def test_nothing_stored_is_no_board(tmp_path):
    book = Book(tmp_path / "none.sqlite", tmp_path / "kept")
    assert book.boards() == ()
    assert book.token() == book.token()
    with pytest.raises(KeyError):
        book.board("nothing", "chexbert", POLICY)
    book.close()


def test_a_process_has_one_book_of_the_users_store(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    first = shared()
    assert shared() is first and first.boards() == ()
    first.close()
    second = shared()
    assert second is not first and second.boards() == ()
    second.close()


def test_one_patient_alone_has_points_and_no_interval(open_book):
    book = open_book((Made(done=1),), images=1)
    found = book.board("group0000000001", "chexbert", POLICY)
    assert found.arms[0].figures.images == 1
    assert not found.computing and found.arms[0].intervals is None


def test_boards_of_ten_thousand_rows_come_at_once(open_book):
    """Six arms of 30,000 are measured in `benchmarks/results/board.json`."""
    arms = (Made("chexagent-2-3b"), Made("chexagent-2-3b", "nf4", follows=0))
    book = open_book(arms, images=10_000, name="aggregated")
    begun = time.monotonic()
    book.board("group0000000001", "chexbert", POLICY)
    assert time.monotonic() - begun < 2
