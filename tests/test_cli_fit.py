"""`python -m cxr_demo fit`, through the command line's own entry."""

import json

import pytest

from cxr_demo import cli
from cxr_demo.fit import measured


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "none.json")


def test_a_typed_card_is_answered_in_words(capsys):
    assert cli.main(["fit", "--vram", "8", "--language", "pt"]) == 0
    said = capsys.readouterr().out
    assert "Uma placa de 8 GB" in said and "não cabe" in said and "no limite" in said
    assert "Só pela memória, qualidade não medida" in said
    assert "Embedded" not in said and "Embutido" not in said


def test_json_has_one_object_a_card_with_every_pair(capsys):
    assert cli.main(["fit", "--vram", "12", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert record["gpu"]["typed"] and len(record["answers"]) >= 8
    assert {each["basis"] for each in record["answers"]} == {"estimate"}
    assert all(each["peak"] == max(each["need"].values()) for each in record["answers"])
    assert record["advice"]["model"] != "embedded"


def test_this_machine_is_asked_without_a_size(capsys):
    assert cli.main(["fit", "--json"]) == 0
    assert all(json.loads(line)["answers"] for line in capsys.readouterr().out.splitlines())


def test_a_size_that_is_none_is_refused_in_one_sentence(capsys):
    assert cli.main(["fit", "--vram", "eight", "--language", "en"]) == 1
    assert "type a number of GB" in capsys.readouterr().err
