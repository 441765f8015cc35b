"""`python -m cxr_demo label`: columns, labels, refusals, and files that are large."""

import csv

import pytest
import torch

from cxr_demo import cli, cli_label
from cxr_demo.findings import FINDINGS
from cxr_demo.labelers import chexbert
from tests.labelers.test_chexbert import TINY, write_checkpoint, write_tokenizer


def label(tmp_path, text, *options, encoding="utf-8"):
    source, target = tmp_path / "reports.csv", tmp_path / "out.csv"
    source.write_bytes(text.encode(encoding))
    status = cli.main(["label", str(source), str(target), "--language", "en", *options])
    return status, target


def read(path, delimiter=","):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def test_labels_stand_under_the_findings_names_beside_the_other_columns(tmp_path):
    text = 'id,report,note\n7,"Cardiomegaly. No effusion.\nPossible edema.",ça\n'
    status, target = label(tmp_path, text)
    (row,) = read(target)
    assert status == 0
    assert list(row) == ["id", "report", "note", *FINDINGS]
    assert (row["id"], row["note"]) == ("7", "ça")
    assert row["report"] == "Cardiomegaly. No effusion.\nPossible edema."
    assert row["Cardiomegaly"] == "1"
    assert row["Pleural Effusion"] == "0"
    assert row["Edema"] == "-1"
    assert row["Fracture"] == ""


def test_a_column_called_like_a_finding_is_kept_under_another_name(tmp_path):
    _, target = label(tmp_path, "report,Edema\nNo edema.,1.0\n")
    (row,) = read(target)
    assert (row["Edema_input"], row["Edema"]) == ("1.0", "0")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_write(tmp_path, delimiter):
    text = delimiter.join(["id", "Report"]) + "\r\n" + delimiter.join(["1", "Edema."]) + "\r\n"
    _, target = label(tmp_path, text, encoding="utf-8-sig")
    (row,) = read(target, delimiter)
    assert (row["id"], row["Edema"]) == ("1", "1")


def test_many_rows_stay_in_order_and_progress_goes_to_stderr(tmp_path, capsys):
    reports = ("Edema.", "No edema.", "Possible edema.", "Clear lungs.")
    lines = [f"{index},{reports[index % 4]}" for index in range(1001)]
    _, target = label(tmp_path, "id,report\n" + "\n".join(lines))
    rows = read(target)
    assert [row["id"] for row in rows] == [str(index) for index in range(1001)]
    assert [row["Edema"] for row in rows[:4]] == ["1", "0", "-1", ""]
    told = capsys.readouterr()
    assert "100%  1001" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"id,text\n1,Edema\n", "has no column called report"),
        (b"", "has no column called report"),
        (b"id,report\n1,Edema,more\n", "line 2 has 3 columns instead of 2"),
        (b"id,report\n1\n", "line 2 has 1 columns instead of 2"),
        (b"id,report\n1,\xff\xfe\xe9\n", "cannot be read as UTF-8"),
        (b'id,report\n1,"never closed\n', "cannot be read as UTF-8 text in columns"),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(tmp_path, capsys, content, sentence):
    (tmp_path / "reports.csv").write_bytes(content)
    status = cli.main(
        ["label", str(tmp_path / "reports.csv"), str(tmp_path / "out.csv"), "--language", "en"]
    )
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1
    assert sentence in told
    assert [each.name for each in tmp_path.iterdir()] == ["reports.csv"]


def test_a_missing_file_and_a_target_that_cannot_be(tmp_path, capsys):
    assert cli.main(["label", str(tmp_path / "no.csv"), str(tmp_path / "out.csv")]) == 1
    assert "no.csv" in capsys.readouterr().err
    source = tmp_path / "reports.csv"
    source.write_text("report\nEdema.\n")
    assert cli.main(["label", str(source), str(source)]) == 1
    assert source.read_text() == "report\nEdema.\n"
    assert cli.main(["label", str(source), str(tmp_path / "none" / "out.csv")]) == 1


def test_chexbert_labels_a_file(tmp_path, monkeypatch):
    write_tokenizer(tmp_path)
    write_checkpoint(tmp_path, chexbert.Network(TINY).state_dict())
    monkeypatch.setattr(chexbert, "BertConfig", lambda: TINY)
    torch.set_num_threads(1)
    options = ("--labeler", "chexbert", "--chexbert", str(tmp_path), "--device", "cpu")
    status, target = label(tmp_path, "report\nno effusion\nlungs clear\n", *options)
    assert status == 0
    expected = chexbert.CheXbert(tmp_path, device="cpu", config=TINY).label(
        ["no effusion", "lungs clear"]
    )
    for row, found in zip(read(target), expected, strict=True):
        numbers = [cli_label._NUMBERS.get(each.label, "") for each in found.labels]
        assert [row[finding] for finding in FINDINGS] == numbers


def test_chexbert_without_its_files_says_which(tmp_path, capsys):
    options = ("--labeler", "chexbert", "--chexbert", str(tmp_path))
    status, target = label(tmp_path, "report\nEdema.\n", *options)
    assert status == 1
    assert "vocab.txt" in capsys.readouterr().err
    assert not target.exists()
