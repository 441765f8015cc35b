"""Every loader on tables as their publishers write them; labels by name, rows as they are."""

from unicodedata import normalize

import pytest

from cxr_demo.datasets import DATASETS, stock
from cxr_demo.datasets.base import age_of, locate, sex_of, view_of
from cxr_demo.datasets.faults import (
    ColumnsMissing,
    DatasetNotFound,
    OwnColumnsMissing,
    OwnTableDamaged,
    OwnTableMissing,
    TableDamaged,
    TableMissing,
    TableUnreadable,
)
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.records import View
from tests.datasets.layouts import ALPHABETICAL, brax, chexpert, mimic, write


def spoken_of(sample):
    return {
        each: label for each, label in sample.labels.items() if label is not Label.NOT_MENTIONED
    }


# ---------------------------------------------------------------- CheXpert


@pytest.mark.parametrize(
    ("prefix", "form"), [("CheXpert-v1.0-small/", "small"), ("CheXpert-v1.0/", "full"), ("", "")]
)
def test_chexpert_in_either_size(tmp_path, prefix, form):
    row = f"{prefix}train/patient00001/study2/view1_frontal.jpg,Female,68.0,Frontal,AP"
    chexpert(tmp_path, f"{row},1.0,,,,-1.0,0.0,,,,,,,,1.0")
    (sample,) = DATASETS["chexpert"].samples(tmp_path, "train")
    assert sample.key == "train/patient00001/study2/view1_frontal"
    assert sample.path == tmp_path / "train/patient00001/study2/view1_frontal.jpg"
    assert (sample.patient, sample.study) == ("patient00001", "patient00001/study2")
    assert (sample.sex, sample.age, sample.view) == ("F", 68.0, View.AP)
    assert (sample.split, sample.form) == ("train", form)
    assert list(sample.labels) == list(FINDINGS)
    assert spoken_of(sample) == {
        Finding.NO_FINDING: Label.POSITIVE,
        Finding.LUNG_LESION: Label.UNCERTAIN,
        Finding.EDEMA: Label.NEGATIVE,
        Finding.SUPPORT_DEVICES: Label.POSITIVE,
    }


@pytest.mark.parametrize(
    ("columns", "view"),
    [
        ("Frontal,PA", View.PA),
        ("Frontal,AP", View.AP),
        ("Lateral,", View.LATERAL),
        ("Frontal,LL", View.UNKNOWN),
        ("Frontal,RL", View.UNKNOWN),
    ],
)
def test_chexpert_views(tmp_path, columns, view):
    chexpert(tmp_path, f"valid/patient1/study1/view1_frontal.jpg,Male,1,{columns}{',' * 14}")
    assert DATASETS["chexpert"].samples(tmp_path, "train")[0].view is view


def test_a_patients_studies_never_lend_each_other_labels(tmp_path):
    path = "CheXpert-v1.0-small/train/patient00007/study{}/view1_frontal.jpg,Male,50,Frontal,PA"
    chexpert(tmp_path, path.format(1) + ",,,,,,,,,,,,,1.0,", path.format(2) + ",1.0" + 13 * ",")
    first, second = DATASETS["chexpert"].samples(tmp_path, "train")
    assert spoken_of(first) == {Finding.FRACTURE: Label.POSITIVE}
    assert spoken_of(second) == {Finding.NO_FINDING: Label.POSITIVE}


# ---------------------------------------------------------------- MIMIC

IMAGES = (
    ("aaaa-1", 10000032, 50414267, "PA", "train"),
    ("aaaa-2", 10000032, 50414267, "LATERAL", "train"),
    ("bbbb-1", 10000032, 53189527, "", "train"),
    ("cccc-1", 11000099, 56699142, "AP AXIAL", "test"),
)


@pytest.mark.parametrize("ending", [".csv.gz", ".csv"])
def test_mimic_gives_a_studys_labels_to_its_images(tmp_path, ending):
    labels = [
        "10000032,50414267,,1.0,-1.0" + 11 * ",",
        "11000099,56699142" + 8 * "," + ",1.0" + 5 * ",",
    ]
    mimic(tmp_path, labels, IMAGES, ending)
    found = DATASETS["mimic"].samples(tmp_path, "automatic")
    assert [each.key for each in found][:2] == [
        "files/p10/p10000032/s50414267/aaaa-1",
        "files/p10/p10000032/s50414267/aaaa-2",
    ]
    assert found[3].file == "files/p11/p11000099/s56699142/cccc-1.jpg"
    said = {Finding.CARDIOMEGALY: Label.POSITIVE, Finding.CONSOLIDATION: Label.UNCERTAIN}
    assert spoken_of(found[0]) == spoken_of(found[1]) == said
    assert found[2].labels is None
    assert spoken_of(found[3]) == {Finding.NO_FINDING: Label.POSITIVE}
    assert [each.view for each in found] == [View.PA, View.LATERAL, View.UNKNOWN, View.UNKNOWN]
    assert [each.split for each in found] == ["train", "train", "train", "test"]
    (part,) = stock.take(DATASETS["mimic"], tmp_path).parts
    assert (part.images, part.unlabelled, part.absent, part.patients) == (3, 1, 3, 2)


def test_mimic_by_hand_says_airspace_opacity(tmp_path):
    mimic(tmp_path, [], IMAGES)
    columns = ALPHABETICAL.replace("Lung Opacity", "Airspace Opacity")
    values = ["1.0" if each == "Airspace Opacity" else "0.0" for each in columns.split(",")]
    write(
        tmp_path / "mimic-cxr-2.1.0-test-set-labeled.csv",
        f"study_id,{columns}",
        f"56699142,{','.join(values)}",
    )
    (sample,) = DATASETS["mimic"].samples(tmp_path, "by_hand")
    positive = [each for each, label in sample.labels.items() if label is Label.POSITIVE]
    assert (sample.study, positive) == ("56699142", [Finding.LUNG_OPACITY])


def test_mimic_refuses_a_study_that_is_labelled_twice(tmp_path):
    mimic(tmp_path, ["10000032,50414267" + 14 * ","] * 2, IMAGES)
    with pytest.raises(TableDamaged, match="row 3, study_id"):
        DATASETS["mimic"].samples(tmp_path, "automatic")


# ---------------------------------------------------------------- BRAX

_PLACE = "id_a/Study_b/Series_c/image-d"
_BRAX_ROW = (
    f"0,Anonymized_DICOMs/{_PLACE}.dcm,images/{_PLACE}.png,id_a,F,85 or more,Study_b,20080101,"
    ",,-1,0,1,,,,,,,,,,{view},3000,2500,ACME"
)


@pytest.mark.parametrize(("folder", "form"), [("images", "png"), ("Anonymized_DICOMs", "dicom")])
def test_brax_as_png_or_dicom_has_one_key(tmp_path, folder, form):
    brax(tmp_path, _BRAX_ROW.format(view="RL"))
    (tmp_path / folder / "id_a").mkdir(parents=True)
    (sample,) = DATASETS["brax"].samples(tmp_path, "automatic")
    assert sample.key == f"images/{_PLACE}"
    assert sample.file.startswith(folder)
    assert (sample.form, sample.view, sample.sex, sample.age) == (form, View.LATERAL, "F", 85.0)
    assert spoken_of(sample) == {
        Finding.CARDIOMEGALY: Label.UNCERTAIN,
        Finding.LUNG_LESION: Label.NEGATIVE,
        Finding.LUNG_OPACITY: Label.POSITIVE,
    }
    assert stock.take(DATASETS["brax"], tmp_path).parts[0].absent == 0


# ---------------------------------------------------------------- the hospital's own folder


def test_folder_in_portuguese_from_a_spreadsheet(tmp_path):
    header = ";".join(["Caminho", "Paciente", "Idade", *(each.pt for each in FINDINGS)])
    cells = ";".join("1" if each is Finding.EDEMA else "" for each in FINDINGS)
    write(tmp_path / "rotulos.csv", header, f"raio x\\a.1.dcm;17;61,5;{cells}", encoding="cp1252")
    (sample,) = DATASETS["folder"].samples(tmp_path, "all")
    assert (sample.key, sample.file) == ("raio x/a.1", "raio x/a.1.dcm")
    assert (sample.patient, sample.study, sample.age) == ("17", "raio x/a.1", 61.5)
    assert spoken_of(sample) == {Finding.EDEMA: Label.POSITIVE}


def folder(root, *rows):
    return write(root / "labels.csv", ",".join(["path", "patient", *FINDINGS]), *rows)


@pytest.mark.parametrize("path", ["../a.png", "/a.png", "C:/a.png", "x/../../a.png", "", "x/"])
def test_no_row_leads_out_of_the_folder(tmp_path, path):
    folder(tmp_path, f"{path},1{',' * 14}")
    with pytest.raises(OwnTableDamaged, match="row 2, column path: write the file's path"):
        DATASETS["folder"].samples(tmp_path, "all")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"a.jpg,1{',' * 14}", "coluna path: uma linha anterior tem a mesma imagem"),
        (f"b.jpg,{',' * 14}", "coluna patient: não pode ficar vazia"),
        (
            f"b.jpg,1,secret{',' * 13}",
            "coluna Enlarged Cardiomediastinum: um rótulo é 1 (presente)",
        ),
        ("b.jpg,1", "linha 3: a linha tem células de menos"),
        (f"sala 1,b.jpg,1{',' * 14}", "ponha entre aspas células com vírgula"),
    ],
)
def test_a_wrong_row_of_an_own_table_says_what_would_be_right(tmp_path, row, said):
    folder(tmp_path, f"a.png,1{',' * 14}", row)
    with pytest.raises(OwnTableDamaged, match="row 3") as caught:
        DATASETS["folder"].samples(tmp_path, "all")
    error = CxrError.from_dict(caught.value.to_dict()).message("pt")
    assert said in error and "secret" not in error


def test_the_name_of_an_own_table_is_never_told(tmp_path):
    write(tmp_path / "maria da silva.csv", "path,patient")
    with pytest.raises(OwnColumnsMissing) as caught:
        DATASETS["folder"].samples(tmp_path, "all")
    assert "maria" not in str(caught.value.to_dict()) + str(caught.value)
    assert "colunas na tabela CSV desta pasta: Aumento do Cardi" in caught.value.message("pt")


def test_a_table_whose_columns_nobody_can_tell_is_refused(tmp_path):
    write(tmp_path / "a.csv", "a.png,1,0,1")
    with pytest.raises(OwnColumnsMissing, match="The first row of the CSV table"):
        DATASETS["folder"].samples(tmp_path, "all")
    names = ",".join(["path", "patient", *FINDINGS, "edema"])
    write(tmp_path / "a.csv", names, f"a.png,1{',' * 15}")
    with pytest.raises(OwnTableDamaged, match="row 1, column Edema / edema: this column is there"):
        DATASETS["folder"].samples(tmp_path, "all")


@pytest.mark.parametrize(
    ("first", "encoding", "name"),
    [
        ((), "utf-8-sig", "Labels.CSV"),
        (("sep=;",), "utf-8", "a.csv"),
        ((), "utf-16", "a.csv"),
        (("sep=;",), "cp1252", "a.csv"),
    ],
)
def test_a_folder_as_spreadsheets_write_it(tmp_path, first, encoding, name):
    """Decimal commas, rows of blanks at the end, an accent that the disk spells as a Mac does."""
    header = ";".join(["Caminho", "Paciente", *(each.pt for each in FINDINGS)])
    row = f"tórax/a.png;17;1,0;-1,0;0,0{';' * 11}"
    write(tmp_path / name, *first, header, row, ";" * 15, " ;" * 15, encoding=encoding)
    place = tmp_path / normalize("NFD", "tórax")
    place.mkdir()
    (place / "a.png").touch()
    (sample,) = DATASETS["folder"].samples(tmp_path, "all")
    assert (sample.key, sample.path.is_file()) == ("tórax/a", True)
    assert list(sample.labels.values())[:4] == [
        Label.POSITIVE,
        Label.UNCERTAIN,
        Label.NEGATIVE,
        Label.NOT_MENTIONED,
    ]


def test_a_folder_with_two_tables_says_which_one_is_wanted(tmp_path):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, "path,patient")
    with pytest.raises(OwnTableMissing, match=r"labels\.csv.* 2 CSV files"):
        stock.take(DATASETS["folder"], tmp_path)


# ---------------------------------------------------------------- what is wrong is said


def test_a_wrong_label_is_named_by_row_and_column_and_never_quoted(tmp_path):
    row = "x/patient1/study1/v.jpg,Male,1,Frontal,PA" + ",secret" + 13 * ","
    chexpert(tmp_path, "x/patient1/study1/v.jpg,Male,1,Frontal,PA" + 14 * ",", row)
    with pytest.raises(TableDamaged, match="row 3, No Finding") as caught:
        DATASETS["chexpert"].samples(tmp_path, "train")
    assert "secret" not in caught.value.message("en") + caught.value.message("pt")


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_the_wrong_one(tmp_path, name):
    with pytest.raises((DatasetNotFound, OwnTableMissing)) as caught:
        locate(DATASETS[name], tmp_path)
    assert ".csv" in caught.value.message("pt")


def test_missing_tables_and_columns_are_named(tmp_path):
    write(tmp_path / "valid.csv", "Path,Sex,Age,AP/PA")
    with pytest.raises(ColumnsMissing, match="Frontal/Lateral"):
        DATASETS["chexpert"].samples(tmp_path, "valid")
    with pytest.raises(TableMissing, match=r"train\.csv"):
        DATASETS["chexpert"].samples(tmp_path, "train")


@pytest.mark.parametrize("damage", [lambda data: data[:60], lambda data: b"\xff"])
def test_broken_tables_are_refused(tmp_path, damage):
    mimic(tmp_path, ["10000032,50414267" + 14 * ","], IMAGES)
    table = tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz"
    table.write_bytes(damage(table.read_bytes()))
    with pytest.raises(TableUnreadable) as caught:
        DATASETS["mimic"].samples(tmp_path, "automatic")
    assert CxrError.from_dict(caught.value.to_dict()).message("pt") == caught.value.message("pt")


def test_a_row_that_is_cut_off_is_refused(tmp_path):
    chexpert(tmp_path, "train/patient1/study1/view1_frontal.jpg,Female,68")
    with pytest.raises(TableDamaged, match="row 2, too short"):
        DATASETS["chexpert"].samples(tmp_path, "train")


def test_cells():
    assert [age_of(each) for each in ("061Y", "24M", "85 or more", "", "x")] == [
        61,
        2,
        85,
        None,
        None,
    ]
    assert [sex_of(each) for each in ("Female", "m", "Unknown", "O", "")] == [
        "F",
        "M",
        None,
        None,
        None,
    ]
    assert [view_of(each) for each in ("ap", "L", "LAO", "AP LLD")] == [
        View.AP,
        View.LATERAL,
        View.UNKNOWN,
        View.UNKNOWN,
    ]
