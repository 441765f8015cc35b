"""Folders are looked into before any GPU works, and remembered where they held the data set."""

import json
import stat
import threading

import pytest

from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.findings import FINDINGS
from cxr_demo.ui.bench.folders import Folders, NoFolder
from cxr_demo.ui.bench.setup import hindrance, setup_view
from cxr_demo.ui.bench.wish import Wish
from cxr_demo.ui.fitness import Fitness

WISH = Wish.of({"evaluation": "preliminary", "models": ["embedded"]})
FITNESS = Fitness(lambda: None, measurer=None)


@pytest.fixture(scope="module")
def chexpert(tmp_path_factory):
    return write_layout("chexpert", tmp_path_factory.mktemp("data") / "chexpert", 6, width=256)


@pytest.fixture
def folders(tmp_path):
    made = Folders(tmp_path / "folders.json")
    yield made
    made.close()


def check(folders, dataset, folder):
    done = threading.Event()
    folders.check(dataset, str(folder), done.set)
    assert done.wait(20)
    return folders.known(dataset)


def test_a_folder_that_holds_the_data_set_is_kept_for_the_next_start(folders, chexpert, tmp_path):
    found = check(folders, "chexpert", chexpert)
    assert {each.part: each.images for each in found.found.parts} == {"valid": 6, "train": 6}
    assert found.seconds is not None
    file = tmp_path / "folders.json"
    assert Folders(file).paths() == {"chexpert": chexpert}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_without_it_gets_its_sentence_and_is_not_kept(folders, tmp_path):
    assert "CheXpert" in check(folders, "chexpert", tmp_path).error.message("en")
    assert isinstance(check(folders, "chexpert", tmp_path / "nowhere").error, NoFolder)
    assert isinstance(check(folders, "chexpert", "  ").error, NoFolder)
    assert folders.paths() == {}


def test_a_damaged_memory_is_an_empty_one(tmp_path):
    (tmp_path / "folders.json").write_text("{not json")
    assert Folders(tmp_path / "folders.json").paths() == {}
    (tmp_path / "folders.json").write_text(json.dumps({"other": "/x", "brax": "/y"}))
    assert list(Folders(tmp_path / "folders.json").paths()) == ["brax"]


def test_the_form_says_what_is_there_and_what_is_missing(folders, chexpert):
    assert "CheXpert" in hindrance(WISH, folders, FITNESS, "en")
    check(folders, "chexpert", chexpert)
    assert hindrance(WISH, folders, FITNESS, "en") is None
    (row,) = setup_view(WISH, folders, FITNESS, "en", chexbert=False)["folders"]
    assert row["mark"] == "SYNTHETIC, NOT PATIENTS"
    assert "valid: 6 images" in row["facts"][0]
    assert "not used here" in row["facts"][1]
    assert row["missing"] == []


def test_missing_images_and_tables_are_counted(folders, chexpert, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "train.csv").write_bytes((chexpert / "train.csv").read_bytes())
    check(folders, "chexpert", copy)
    (row,) = setup_view(WISH, folders, FITNESS, "pt", chexbert=False)["folders"]
    assert any("valid.csv" in each for each in row["missing"])
    assert hindrance(WISH, folders, FITNESS, "pt") is not None
    (copy / "valid.csv").write_bytes((chexpert / "valid.csv").read_bytes())
    check(folders, "chexpert", copy)
    (row,) = setup_view(WISH, folders, FITNESS, "pt", chexbert=False)["folders"]
    assert "✗ Nenhuma imagem da tabela está na pasta" in row["missing"][0]
    assert not row["facts"][0].startswith("✓")
    assert hindrance(WISH, folders, FITNESS, "pt") is not None  # every one would fail
    one = next(each.relative_to(chexpert) for each in sorted(chexpert.glob("valid/patient*")))
    (copy / one).mkdir(parents=True)
    check(folders, "chexpert", copy)
    (row,) = setup_view(WISH, folders, FITNESS, "pt", chexbert=False)["folders"]
    assert any("5 imagens da tabela não estão" in each for each in row["missing"])
    assert hindrance(WISH, folders, FITNESS, "pt") is None


def test_a_table_without_a_finding_says_what_f1_will_be(folders, tmp_path):
    cells = ",".join("0" for _ in FINDINGS)
    table = f"path,patient,{','.join(FINDINGS)}\na.png,1,{cells}\n"
    (tmp_path / "labels.csv").write_text(table)
    (tmp_path / "a.png").touch()
    check(folders, "folder", tmp_path)
    wish = Wish.of({"evaluation": "local", "models": ["embedded"]})
    (row,) = setup_view(wish, folders, FITNESS, "pt", chexbert=False)["folders"]
    assert row["facts"][0] == "✓ 1 imagens, 1 pacientes"
    assert "o F1 será 0 e nada dirá" in row["missing"][0]


def test_what_cannot_be_chosen_says_why():
    wish = Wish.of({"evaluation": "preliminary", "models": []})
    folders = Folders()
    view = setup_view(wish, folders, FITNESS, "en", chexbert=True)
    notes = {each["id"]: each["note"] for each in view["models"]}
    assert notes["embedded"] == "Synthetic images only"
    assert notes["medgemma-4b-it"] == "Not installed here"
    assert not any(each["able"] for each in view["models"])
    assert any("MedGemma 4B" in each for each in view["unable"])
    assert "at least one model" in view["ready"]
    folders.close()
