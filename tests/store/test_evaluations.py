"""Evaluations in the store: rows that stay, arrays that fit, files of ranks that merge."""

import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from cxr_demo.findings import FINDINGS
from cxr_demo.paths import private_dir
from cxr_demo.store import migrations
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.faults import StoreRefused
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import Group, LabelRow, Row, SampleRow, TimedImage, pack, unpack

SIGNATURE = {"weights_sha256": "ab", "engine": "plain"}
GROUP = Group("g", "preliminary", {"name": "preliminary"}, "m" * 64, "chexpert valid", 4, True)
ARM = ("g", "embedded", "bf16", "report", SIGNATURE, 4)


@pytest.fixture
def path():
    return private_dir() / "evaluations.sqlite"


def codes(first, rest=-2):
    return (first, *(rest,) * (len(FINDINGS) - 1))


def sample(position, fold=0):
    return SampleRow(
        *(position, f"k{position}", "chexpert", f"k{position}.jpg", "small", f"p{position // 2}"),
        *("s", "valid", "PA", None if position else "F", None if position else 40.0, fold),
        codes(1),
    )


def row(position, report="r", **facts):
    labels = (LabelRow(position, "rules", codes(1)),)
    return Row(position, report, "end", tokens=5, labels=labels, **facts)


def filled(path):
    store = EvaluationStore(path)
    store.put_group(GROUP)
    store.put_samples(GROUP.manifest_sha256, [sample(each) for each in range(4)])
    return store, store.open_arm(*ARM)


def test_rows_come_back_as_arrays_that_fit_the_manifest(path):
    store, run = filled(path)
    with store:
        assert store.commit(run, row(2)) and store.commit(run, row(0))
        assert store.commit(run, Row(1, error="file_damaged"))
        store.add_labels(run, [LabelRow(2, "chexbert", codes(-1, 0), unparsed=True)])
        store.add_timing(run, TimedImage(0, 0.1, 0.5, 0.01, 30))
        store.add_timing(run, TimedImage(0, 9, 9, 9, 30))
    with StoreReader(path) as reader:
        (group,) = reader.groups()
        assert group.recipe == GROUP.recipe and group.synthetic and group.created
        (arm,) = reader.arms("g")
        assert (arm.done, arm.failed, arm.total, arm.current) == (3, 1, 4, True)
        assert arm.facts["signature"] == SIGNATURE and reader.arm(run) == arm
        assert reader.counts(run) == (3, 1, 1)
        images = reader.manifest("g")
        assert images.patients.tolist() == ["chexpert/p0"] * 2 + ["chexpert/p1"] * 2
        assert images.targets.shape == (4, 14) and images.folds.tolist() == [0] * 4
        assert images.ages[0] == 40 and np.isnan(images.ages[1])
        found = reader.outcomes(run)
        assert found.positions.tolist() == [0, 1, 2]
        assert found.failed.tolist() == [False, True, False]
        assert found.tokens.tolist() == [5, -1, 5]
        assert found.labels["rules"][:, 0].tolist() == [1, -2, 1]
        assert found.unparsed["rules"].tolist() == [False, True, False]
        assert found.present["chexbert"].tolist() == [False, True, True]
        assert found.labels["chexbert"][2].tolist() == list(codes(-1, 0))
        assert found.unparsed["chexbert"].tolist() == [False, True, True]
        assert reader.texts(run, [0, 1, 3])[0].report == "r"
        assert reader.texts(run, [1])[1].error == "file_damaged"
        assert [each.total for each in reader.timings(run)] == pytest.approx([0.61])
        assert reader.unlabelled(run, "chexbert") == [(0, "r")]


def test_a_row_is_written_once_and_the_digest_tells_every_change(path):
    store, run = filled(path)
    with store, StoreReader(path) as reader:
        store.commit(run, row(0))
        before, seen = reader.digest(run), reader.change()
        assert not store.commit(run, row(0, report="second"))
        assert reader.texts(run, [0])[0].report == "r"
        assert reader.digest(run) == before
        store.add_labels(run, [LabelRow(0, "rules", codes(0))])
        assert reader.digest(run) != before and reader.change() != seen


def test_only_failures_of_files_that_were_never_opened_are_forgotten(path):
    store, run = filled(path)
    with store:
        store.commit_all(
            run, [row(0), Row(1, error="oom", image_sha256="ab"), Row(2, error="study_unreadable")]
        )
        store.add_labels(run, [LabelRow(2, "rules", codes(-2), unparsed=True)])
        assert (store.forget_unopened(run), store.done(run)) == (1, {0, 1})
        assert store.commit(run, row(2, image_sha256="cd"))  # its old label is in nobody's way
        assert store.forget_unopened(run) == 0


def test_another_signature_is_another_run_and_the_newest_is_current(path):
    store, run = filled(path)
    with store:
        assert store.open_arm(*ARM) == run
        other = store.open_arm(*ARM[:4], SIGNATURE | {"engine": "captured"}, 4)
        assert other != run
        assert {each.id: each.current for each in store.arms("g")} == {run: False, other: True}
        steps = store.open_arm(*ARM[:4], SIGNATURE | {"prompt": {"id": "steps-1"}}, 4)
        found = {each.id: (each.current, each.prompt) for each in store.arms("g")}
        assert found[steps] == (True, "steps-1") and found[other][0]


def test_facts_and_notes_are_put_together(path):
    store, run = filled(path)
    with store:
        store.set_facts(run, device="CPU", batch={"slots": 8})
        store.set_facts(run, batch={"slots": 4})
        store.add_note(run, "batch_halved", slots=4)
        store.add_note(run, "resumed")
        facts = store.arm(run).facts
        assert facts["device"] == "CPU" and facts["batch"] == {"slots": 4}
        assert [each["code"] for each in facts["notes"]] == ["batch_halved", "resumed"]


def test_sessions_that_end_without_progress_are_counted(path):
    store, run = filled(path)
    with store:
        assert [store.begin_session(run, 3) for _ in range(3)] == [1, 2, 3]
        assert store.begin_session(run, 4) == 1
        store.end_session(run)
        assert store.begin_session(run, 4) == 1


def test_files_of_ranks_merge_by_key_and_merging_again_changes_nothing(path):
    store, run = filled(path)
    store.commit(run, row(0))
    other = path.with_name("rank-1.sqlite")
    with EvaluationStore(other) as rank:
        rank.put_group(GROUP)
        assert rank.open_arm(*ARM) == run
        rank.commit(run, row(0, report="of the rank"))
        rank.commit(run, row(3))
        rank.set_facts(run, device="GPU 1")
        rank.add_note(run, "foreign_process")
    with store:
        for _ in range(2):
            store.absorb(other)
            texts = store.texts(run, [0, 3])
            assert {at: each.report for at, each in texts.items()} == {0: "r", 3: "r"}
            assert store.outcomes(run).labels["rules"].shape == (2, 14)
            facts = store.arm(run).facts
            assert facts["device"] == "GPU 1" and len(facts["notes"]) == 1


@pytest.mark.parametrize("version", [1, 2, 3])
def test_older_files_are_brought_on(path, version):
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(f"{''.join(migrations.STEPS[:version])} PRAGMA user_version = {version};")
    old.execute("INSERT INTO run VALUES ('r', 'phantoms', '{}', 1, 'finished', '', NULL, 0)")
    old.execute("INSERT INTO prediction (run, key, report, created) VALUES ('r', 'a', 'kept', '')")
    old.close()
    store, run = filled(path)
    with store:
        store.commit(run, row(0))
    kept = sqlite3.connect(path)  # what nothing reads any more stays the user's
    assert kept.execute("SELECT report FROM prediction").fetchall() == [("kept",)]
    kept.close()


def test_the_file_is_private_and_a_newer_one_is_refused(path):
    EvaluationStore(path).close()
    assert path.stat().st_mode & 0o077 == 0
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(migrations.STEPS) + 1}")
    connection.close()
    with pytest.raises(ValueError, match="this app knows"):
        EvaluationStore(path)


def test_two_processes_may_bring_one_file_on_at_once(path):
    sqlite3.connect(path).close()
    code = (
        "from pathlib import Path; import sys; from cxr_demo.store.reading import StoreReader; "
        "StoreReader(Path(sys.argv[1])).close()"
    )
    opening = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [each.wait(60) for each in opening] == [0] * 4


def test_codes_are_packed_without_loss_and_wrong_ones_refused():
    every = (1, 0, -1, -2, *codes(1)[4:])
    assert unpack([pack(every), pack(codes(0))]).tolist() == [list(every), list(codes(0))]
    assert unpack([]).shape == (0, 14)
    for wrong in (every[:5], (7, *every[1:])):
        with pytest.raises(ValueError, match="14"):
            pack(wrong)


def test_an_arm_of_30000_rows_is_read_in_a_fraction_of_a_second(path):
    store, run = filled(path)
    rows, size = [pack(codes(1, 0))], 30_000
    with store:
        with store._transaction() as connection:
            connection.executemany(
                "INSERT INTO result (arm, position, tokens, created) VALUES (?, ?, 5, '')",
                ((run, each) for each in range(size)),
            )
            connection.executemany(
                "INSERT INTO label VALUES (?, 'rules', ?, ?, 0)",
                ((run, each, rows[0]) for each in range(size)),
            )
        began = time.monotonic()
        found = store.outcomes(run)
        took = time.monotonic() - began
    assert found.labels["rules"].shape == (size, 14) and found.present["rules"].all()
    assert took < 1.5, took


def test_a_full_disk_is_told_in_words_and_leaves_the_file_as_it_was(path):
    store, run = filled(path)
    with store:
        store.commit(run, row(0))
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreRefused, match="disk is full"):
            store.commit(run, row(1, report="long " * 9000))
        assert store.done(run) == {0} and not store._connection.in_transaction
