"""The command line over a real worker process (with a stand-in for the model inside)."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cxr_demo import cli
from cxr_demo.findings import FINDINGS
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker import launch
from tests.worker.fake_worker import BUG, ENDLESS, WORDS
from tests.worker.helpers import FAKE

KEYS = (
    "file",
    "report",
    "findings",
    "model",
    "precision",
    "pipeline",
    "timings",
    "vram",
    "warnings",
)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(launch, "COMMAND", FAKE)


@pytest.fixture
def files(tmp_path):
    def make(name, order=0):
        pixels = np.random.default_rng(5).integers(300, 40_000, (256, 256)).astype(np.uint16)
        pixels[0, 0] = order
        Image.fromarray(pixels).save(tmp_path / name)
        return str(tmp_path / name)

    return make


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_prompt_that_the_model_has_not_is_named_with_those_it_has(capsys):
    given = ["read", "nothing.png", "--model", "chexagent-2-3b", "--prompt", "chexagent-8b-steps-1"]
    assert cli.main(given) == 1
    told = capsys.readouterr().err
    assert "chexagent-report-1, chexagent-2-steps-1" in told


def test_json_has_one_object_a_file_and_a_refused_one_stops_nobody(fake, files, tmp_path, capsys):
    text = tmp_path / "text.dcm"
    text.write_text("Dear colleague,")
    given = [files("a.png"), str(text), str(tmp_path / "none.dcm"), files("b.png", BUG)]
    given.append(files("c.png"))
    command = ["read", *given, "--json", "--precision", "nf4", "--pipeline", "direct"]
    assert cli.main(command) == 1
    first, *refused, last = lines(capsys)
    assert [each["file"] for each in (first, *refused, last)] == given
    for each in refused:
        assert set(each) == {"file", "error"}
        assert set(each["error"]) == {"code", "message"}
    assert [each["error"]["code"] for each in refused] == [
        "study_unknown_format",
        "study_unreadable",
        "model",
    ]
    for each in (first, last):
        assert set(KEYS) <= set(each)
        assert each["report"] == "word " * WORDS
        assert [one["name"] for one in each["findings"]] == [str(f) for f in FINDINGS]
        assert set(each["findings"][0]) == {"name", "label", "spans"}
        assert (each["precision"], each["pipeline"]) == ("nf4", "direct")
        assert each["vram"]["rss_peak"] > 0
        assert "untagged" in [one["code"] for one in each["warnings"]]


def test_a_terminal_gets_words_in_its_language(fake, files, capsys):
    assert cli.main(["read", files("a.png"), "--language", "pt"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Somente para pesquisa")
    assert "word " * WORDS in said
    assert "primeiro token" in said and "sem metadados DICOM" in said


def test_an_unknown_model_is_refused_before_anything_starts(fake, files, capsys):
    assert cli.main(["read", files("a.png"), "--model", "gpt-9", "--language", "en"]) == 1
    assert "gpt-9" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        cli.main(["read", "a.png", "--precision", "nf5"])
    assert wrong.value.code == 2


def test_ctrl_c_stops_the_reading_and_says_130(files):
    code = (
        "import sys; from cxr_demo import cli; from cxr_demo.worker import launch;"
        "from tests.worker.helpers import FAKE; launch.COMMAND = FAKE;"
        f"sys.exit(cli.main(['read', {files('a.png', ENDLESS)!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while "word" not in process.stdout.read(20):
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == cli.INTERRUPTED
    assert "Traceback" not in errors


def test_evaluate_shows_progress_and_scores_and_goes_on_where_it_stopped(fake, capsys):
    command = ["evaluate", "phantoms", "--count", "3", "--json"]
    assert cli.main(command) == 0
    *progress, last = lines(capsys)
    assert progress[-1]["done"] == progress[-1]["total"] == 3
    assert last["state"] == "finished"
    assert set(last["micro_f1"]) == {"uncertain_as_positive", "uncertain_as_negative"}
    with StoreReader(store_path()) as store:
        assert store.counts(last["run"])[:2] == (3, 0)
        (board,) = store.groups()
        assert (board.name, board.synthetic) == ("phantoms", True)
    assert cli.main(command) == 0  # nothing is left to do
    assert lines(capsys)[-1] == last


def test_every_command_of_the_table_exists_and_explains_itself(capsys):
    for name in cli.COMMANDS:
        with pytest.raises(SystemExit) as shown:
            cli.main([name, "--help"])
        assert shown.value.code == 0
        assert name in capsys.readouterr().out
    with pytest.raises(SystemExit) as wrong:
        cli.main(["nothing"])
    assert wrong.value.code == 2


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (["preliminary", "--size", "30"], 1, "--size não muda nada em `evaluate preliminary`"),
        (["local", "--views", "frontal"], 1, "--views não muda nada"),
        (["local", "--models", ""], 1, "ao menos um modelo"),
        (["local", "--models", "embedded", "--precisions", "bf17"], 1, "escolha entre bf16, nf4"),
        (["aggregated", "--size", "-4"], 2, "não é um número inteiro a partir de 1"),
        (["local", "--timed-images", "0"], 2, "não é um número inteiro a partir de 1"),
        (["local", "--most-failed", "40"], 2, "não é uma fração de 0 a 1"),
        (["import", "/nowhere/at.all"], 1, "não existe ou não pode ser lido"),
        (["pause"], 1, "Nenhuma avaliação em andamento"),
    ],
)
def test_what_an_evaluation_cannot_take_is_one_sentence(fake, given, status, said, capsys):
    try:
        found = cli.main(["evaluate", *given, "--language", "pt"])
    except SystemExit as error:
        found = error.code
    assert (found, said in capsys.readouterr().err) == (status, True)


@pytest.mark.parametrize("named", [[], ["zzz"]], ids=["none", "unknown"])
@pytest.mark.parametrize("what", ["status", "relabel"])
def test_nothing_to_show_or_label_is_said(what, named, capsys):
    assert cli.main(["evaluate", what, *named, "--language", "en"]) == 1
    said = capsys.readouterr().err
    assert "zzz" in said if named else "No evaluation" in said
