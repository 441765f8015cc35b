"""A run on its way to another machine: what comes along, what stays, and what is refused."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.results import carry, export, tables
from cxr_demo.results.book import Book
from cxr_demo.results.faults import RunAlreadyHere, RunFileRefused, RunUnfinished, RunUnknown
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.reading import StoreReader
from tests.results.build import Made, fill
from tests.results.conftest import POLICY

GROUP = "group0000000001"
ARMS = (
    Made("chexagent-2-3b", right=0.7, gib=7.6),
    Made("chexagent-2-3b", "nf4", right=0.68, gib=3.9, follows=0),
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def carried(home):
    """Two runs as files, full or not, and the board that they come from."""

    def make(full=False, images=80, **more):
        runs = fill(home / "there.sqlite", ARMS, images=images, **more)
        files = [home / f"{run}.cxrrun" for run in runs]
        for run, file in zip(runs, files, strict=True):
            carry.export_run(run, file, full, home / "there.sqlite")
        return files

    return make


def board_of(path):
    book = Book(path)
    try:
        book.board(GROUP, "chexbert", POLICY)
        assert book.wait(60)
        return book.board(GROUP, "chexbert", POLICY), book.slices(
            GROUP, book.boards()[0].runs[0], "chexbert", POLICY
        )
    finally:
        book.close()


def same(here, there):
    for one, other in zip(here.arms, there.arms, strict=True):
        assert one.figures.micro == pytest.approx(other.figures.micro)
        micro = FindingSetName.ALL_14
        assert float(one.intervals.micro[micro].low) == float(other.intervals.micro[micro].low)
        assert one.counts.tolist() == other.counts.tolist()
        assert one.arm.cost == other.arm.cost
    for one, other in zip(here.pairs, there.pairs, strict=True):
        assert one.points == pytest.approx(other.points)
        assert float(one.difference.estimate.low) == float(other.difference.estimate.low)
        assert one.mcnemar.p.tolist() == other.mcnemar.p.tolist()


def test_without_its_images_a_run_shows_the_figures_that_it_brought(home, carried):
    files = carried()
    names = [carry.import_run(each, home / "here.sqlite", "pt") for each in files]
    assert all("A100" in each and "laudo" in each for each in names)
    here, slices = board_of(home / "here.sqlite")
    there, other = board_of(home / "there.sqlite")
    same(here, there)
    assert here.pairs[0].identical == there.pairs[0].identical
    assert all(each.arm.origin == "NVIDIA A100-SXM4-40GB" for each in here.arms)
    assert slices["view"]["PA"].figures.micro == pytest.approx(other["view"]["PA"].figures.micro)


def test_what_was_read_again_after_resumes_is_told_here_and_there(home):
    (run,) = fill(home / "there.sqlite", ARMS[:1], images=20)
    counted = {"images": 64, "differ": 3}
    fact = {"resumes": 2, "images": 64, "texts_differ": 9, "labels": {"chexbert": counted}}
    with EvaluationStore(home / "there.sqlite") as store:
        store.set_facts(run, after_resume=fact)
    carry.export_run(run, home / "run.zip", False, home / "there.sqlite")
    carry.import_run(home / "run.zip", home / "here.sqlite")
    for place in ("there", "here"):
        book = Book(home / f"{place}.sqlite")
        board = book.board(GROUP, "chexbert", POLICY)
        assert "3 of 64 images read again got other labels (CheXbert)" in str(
            tables.arms(board, "en").rows
        )
        lines = [
            each
            for each in export.csv(board, book, "pt").decode().splitlines()
            if "relidas" in each
        ]
        assert ";64;" in lines[0] and len(lines) == 1
        book.close()


def test_answers_come_along_as_aggregates(home):
    (run,) = fill(home / "there.sqlite", (replace(ARMS[0], asked=60),), images=80)
    carry.export_run(run, home / "run.zip", False, home / "there.sqlite")
    carry.import_run(home / "run.zip", home / "here.sqlite")
    found = {}
    for place in ("there", "here"):
        book = Book(home / f"{place}.sqlite")
        board = book.with_answers(book.board(GROUP, "rules", POLICY))
        found[place] = board.arms[0].answered
        assert tables.answers(board, board.arms[0], "en").rows
        assert "AUROC" in export.csv(board, book, "en").decode("utf-8-sig")
        book.close()
    there, here = found["there"], found["here"]
    assert here.images == there.images == 60
    for name in ("value", "low", "high"):
        np.testing.assert_array_equal(getattr(here.auroc, name), getattr(there.auroc, name))
    np.testing.assert_array_equal(here.brier, there.brier)
    np.testing.assert_array_equal(here.raw.images, there.raw.images)
    assert here.remark[1] == "Estas medidas vieram com a execução."
    with zipfile.ZipFile(home / "run.zip") as archive:
        assert "yes" not in archive.read("rows.json").decode()  # no answer of any one image


def test_nothing_of_patients_comes_along(carried):
    (file, _) = carried()
    with zipfile.ZipFile(file) as archive:
        everything = "".join(archive.read(each).decode() for each in archive.namelist())
        rows = json.loads(archive.read("rows.json"))
        assert "samples.json" not in archive.namelist()
    for secret in ("chexpert/p", "view1", "report [", "/data/chexpert", "targets", ".jpg"):
        assert secret not in everything
    assert len({row["key"] for row in rows}) == 80
    assert 1 < len({row["patient"] for row in rows}) < 80
    assert not file.stat().st_mode & 0o077


def test_each_file_has_a_salt_of_its_own(carried, home):
    (file, _) = carried()
    again = home / "again"
    with zipfile.ZipFile(file) as archive:
        run = json.loads(archive.read("run.json"))["arm"]["id"]
    carry.export_run(run, again, store=home / "there.sqlite")
    keys = []
    for each in (file, again):
        with zipfile.ZipFile(each) as archive:
            keys.append({row["key"] for row in json.loads(archive.read("rows.json"))})
    assert not keys[0] & keys[1]


def test_a_full_run_brings_targets_and_texts_for_who_may_have_them(home, carried):
    files = carried(full=True)
    for each in files:
        carry.import_run(each, home / "here.sqlite")
    here, _ = board_of(home / "here.sqlite")
    there, _ = board_of(home / "there.sqlite")
    same(here, there)
    with StoreReader(home / "here.sqlite") as reader:
        assert len(reader.manifest(GROUP).keys) == 80
        assert reader.texts(here.arms[0].arm.run, [5])[5].report.startswith("report")


def test_beside_a_run_of_this_machine_over_the_same_images(home, carried):
    (_, four_bits) = carried()
    mine = fill(home / "here.sqlite", ARMS[:1], images=80)
    carry.import_run(four_bits, home / "here.sqlite")
    here, _ = board_of(home / "here.sqlite")
    there, _ = board_of(home / "there.sqlite")
    assert [each.arm.run for each in here.arms if each.arm.origin is None] == mine
    (brought,) = [each for each in here.arms if each.arm.origin is not None]
    assert brought.figures.micro == pytest.approx(there.arms[1].figures.micro)
    with StoreReader(home / "here.sqlite") as reader:
        assert reader.group(GROUP).data == {"chexpert": "/data/chexpert"}


def test_taken_in_twice_or_at_home_it_is_refused(home, carried):
    (file, _) = carried()
    carry.import_run(file, home / "here.sqlite")
    for store in ("here.sqlite", "there.sqlite"):
        with pytest.raises(RunAlreadyHere):
            carry.import_run(file, home / store)


def test_runs_that_cannot_be_carried(home):
    path = home / "there.sqlite"
    (run,) = fill(path, (Made(done=10),), images=40)
    with pytest.raises(RunUnfinished) as raised:
        carry.export_run(run, home / "file", store=path)
    assert "10 of 40" in raised.value.message("en")
    with pytest.raises(RunUnknown):
        carry.export_run("nothing", home / "file", store=path)


@pytest.mark.parametrize(
    "change",
    [
        "not a zip",
        "format",
        "version",
        "labels",
        "figures",
        "missing",
        "place",
        "folder",
        "recipe",
        "facts",
        "reread",
        "answers",
        "pair",
    ],
)
def test_files_that_are_no_run_are_refused_and_change_nothing(home, carried, change):
    (file, _) = carried(full=change == "folder")
    with zipfile.ZipFile(file) as archive:
        parts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    if change == "format":
        parts["run.json"]["format"] = "another"
    if change == "version":
        parts["run.json"]["version"] = 99
    if change == "labels":
        parts["rows.json"][3]["labels"]["rules"]["codes"] = [7] * 14
    if change == "figures":
        held = parts["run.json"]["results"]["chexbert/uncertain_as_positive"]["arm"]
        held["counts"] = held["counts"][:3]
    if change == "facts":
        parts["run.json"]["arm"]["facts"]["time_per_image"]["mean"] = "long"
    if change == "reread":
        parts["run.json"]["arm"]["facts"]["after_resume"] = {"resumes": 1, "images": 3}
    if change == "answers":
        held = parts["run.json"]["results"]["rules/uncertain_as_positive"]
        held["answered"] = {"images": 3, "auroc": []}
    if change == "pair":
        held = parts["run.json"]["results"]["rules/uncertain_ignored"]["pairs"]
        held[0]["points"] = ["a", 1]
    if change == "recipe":
        parts["run.json"]["group"]["recipe"]["replicates"] = 10**9
    if change == "place":
        parts["rows.json"][3]["position"] = 80
    if change == "folder":
        parts["samples.json"][3]["file"] = "../../elsewhere.jpg"
    if change == "missing":
        del parts["rows.json"]
    wrong = home / "wrong"
    if change == "not a zip":
        wrong.write_bytes(b"PK no")
    else:
        with zipfile.ZipFile(wrong, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, json.dumps(content))
    with pytest.raises(RunFileRefused):
        carry.import_run(wrong, home / "here.sqlite")
    with StoreReader(home / "here.sqlite") as reader:
        assert reader.groups() == []


def test_random_weights_carry_memory_and_no_figures(home):
    path = home / "there.sqlite"
    (run,) = fill(path, (Made(stand_in=True),), images=20)
    carry.export_run(run, home / "file", store=path)
    carry.import_run(home / "file", home / "here.sqlite")
    here, _ = board_of(home / "here.sqlite")
    assert not here.arms and here.stand_ins[0].arm.cost.vram == 9 * 1024**3


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_commands_say_what_they_did(home, capsys, language):
    from cxr_demo import cli, cli_evaluate_export, cli_evaluate_import

    (run,) = fill(home / "evaluations.sqlite", ARMS[:1], images=30)
    (home / "home").mkdir()
    (home / "evaluations.sqlite").rename(home / "home" / "evaluations.sqlite")
    for module, given in (
        (cli_evaluate_export, [run, str(home / "file")]),
        (cli_evaluate_export, [run, str(home / "full"), "--full"]),
    ):
        assert call(module, *given, "--language", language) == 0
    told = capsys.readouterr().out
    assert ("data licences" in told) == (language == "en")
    (home / "home" / "evaluations.sqlite").unlink()
    assert call(cli_evaluate_import, str(home / "file"), "--language", language) == 0
    assert "A100" in capsys.readouterr().out
    assert cli.main(["evaluate", "status", "--language", language]) == 0  # it has no targets here
    told = capsys.readouterr().out
    assert re.search(r"F1 \(CheXbert\).*0[.,]\d{3}", told)
    assert ("imported" if language == "en" else "importada") in told


def call(module, *given):
    import argparse

    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(given))
