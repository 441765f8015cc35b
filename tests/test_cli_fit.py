"""`python -m cxr_demo fit`, through the command line's own entry."""

import json

import pytest

from cxr_demo import cli, fit
from cxr_demo.fit import measured
from cxr_demo.telemetry import nvml
from cxr_demo.units import GIB
from cxr_demo.worker import launch
from tests.worker.measuring_worker import GPU, PEAK
from tests.worker.test_measuring import MADE_UP


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


def test_times_of_another_gpu_do_not_stand_in_this_cards_row(capsys, monkeypatch):
    monkeypatch.undo()  # the figures that ship with the program
    assert cli.main(["fit", "--vram", "8", "--language", "en"]) == 0
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if "measured on NVIDIA H200  " in line]
    assert len(rows) >= 8 and not any(" ms" in row for row in rows)
    assert "a time that was not measured on this card" in said


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


@pytest.mark.skipif(nvml.first_visible() is not None, reason="there is a GPU here")
def test_a_precision_alone_is_not_taken_silently(capsys):
    assert cli.main(["fit", "--vram", "8", "--precision", "nf4", "--language", "pt"]) == 2
    assert "--measure MODELO" in capsys.readouterr().err


def test_measuring_without_a_gpu_is_one_sentence(capsys):
    assert cli.main(["fit", "--measure", "chexagent-2-3b", "--language", "en"]) == 1
    assert "no NVIDIA GPU here" in capsys.readouterr().err


def test_measuring_through_the_worker_ends_in_the_table(capsys, monkeypatch):
    card = fit.Gpu(GPU, 8 * GIB, 7 * GIB, index=0)
    monkeypatch.setattr(fit, "machine", lambda told=None: fit.Machine((card,), GIB, GIB, visible=0))
    monkeypatch.setattr(launch, "COMMAND", MADE_UP)
    asked = ["fit", "--measure", "chexagent-2-3b", "--precision", "nf4", "--language", "en"]
    assert cli.main(asked) == 0
    said = capsys.readouterr().out
    assert "measured on this GPU" in said and "300 ms" in said and "10 ms" in said
    assert cli.main([*asked, "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["measured"]["need"]["decode"] == PEAK
    assert "here" in {each["basis"] for each in second["answers"]}


def test_nothing_is_measured_that_should_not_fit(capsys, monkeypatch):
    card = fit.Gpu(GPU, 2 * GIB, GIB, index=0)
    monkeypatch.setattr(fit, "machine", lambda told=None: fit.Machine((card,), GIB, GIB, visible=0))
    monkeypatch.setattr(launch, "COMMAND", MADE_UP)
    assert cli.main(["fit", "--measure", "chexagent-8b", "--language", "en"]) == 1
    assert "--precision" in capsys.readouterr().err
