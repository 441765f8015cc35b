"""`python -m cxr_demo weights ...` against a hub on loopback, in both languages."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import checkpoints
from cxr_demo import cli, cli_weights
from cxr_demo.paths import models_dir

_PATH = Path(__file__).parent / "weights" / "hub_server.py"
_SPEC = importlib.util.spec_from_file_location("hub_server", _PATH)
hub_server = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hub_server)

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"


@pytest.fixture
def fake(monkeypatch, tmp_path):
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    server = hub_server.FakeHub({REPO: hub_server.tiny_model()})
    template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    for name in ("http_proxy", "all_proxy", "hf_token"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    close_session()
    yield server
    server.close()
    close_session()


def test_fetch_says_licence_commit_and_sizes(fake, capsys):
    assert cli.main(["weights", "fetch", ID, "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert "Health AI Developer Foundations" in said
    assert f"`main` is {hub_server.COMMIT} now" in said
    assert "5 files, 4.0 MiB, each verified in full" in said


def test_a_log_gets_a_line_of_progress_now_and_then(fake, capsys, monkeypatch):
    monkeypatch.setattr(cli_weights, "_LOGGED", 0)
    assert cli.main(["weights", "fetch", ID, "--language", "pt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("recebendo model.safetensors · " in each and "restantes" in each for each in lines)
    assert not any("\r" in each or "\033" in each for each in lines)


def test_fetch_as_json_ends_with_the_record(fake, capsys):
    assert cli.main(["weights", "fetch", ID, "--json"]) == 0
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert lines[0]["revisions"] == {REPO: hub_server.COMMIT}
    phases = [each["phase"] for each in lines if "phase" in each]
    assert phases == sorted(phases) and set(phases) == {"receive", "verify"}
    assert lines[-1]["model"] == ID and len(lines[-1]["files"]) == 5


def test_list_before_and_after(fake, capsys):
    cli.main(["weights", "list", "--language", "pt"])
    before = capsys.readouterr().out
    assert "acadêmica, não comercial" in before
    assert f"{ID}: ausente" in before and "chexbert: ausente" in before
    cli.main(["weights", "fetch", ID])
    capsys.readouterr()
    cli.main(["weights", "list", "--language", "pt"])
    after = capsys.readouterr().out
    assert f"{ID}: instalado" in after and hub_server.COMMIT in after


def test_a_broken_folder_hides_no_other(fake, capsys):
    cli.main(["weights", "fetch", ID])
    (models_dir() / ID / "cxr-demo.json").write_text("{")
    capsys.readouterr()
    assert cli.main(["weights", "list", "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert f"{ID}: BROKEN" in said and "chexbert: not here" in said


def listed(capsys, language="en"):
    capsys.readouterr()
    assert cli.main(["weights", "list", "--language", language]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if line.startswith(ID))


def test_list_tells_each_state_with_its_size(fake, capsys):
    assert listed(capsys).startswith(f"{ID}: not here, ")
    cli.main(["weights", "fetch", ID])
    assert listed(capsys, "pt").startswith(f"{ID}: instalado, verificado, 4,0 MiB, ")
    place = models_dir() / ID
    whole = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(whole[:-1])
    assert listed(capsys).startswith(f"{ID}: ALTERED (model.safetensors): fetch it again, ")
    (place / "model.safetensors").unlink()
    (place / "model.safetensors.part").write_bytes(whole[: 2**20])
    assert listed(capsys).startswith(f"{ID}: not complete, 1.0 MiB of 4.0 MiB: ")
    assert cli.main(["weights", "verify", ID, "--language", "en"]) == 1
    said = capsys.readouterr().out  # what is on its way is no stranger
    assert "model.safetensors: MISSING: fetch it" in said and ".part" not in said
    assert "MedGemma 4B: 4 of 5 files are as they should be" in said
    (place / "model.safetensors.part").replace(place / "model.safetensors")
    (place / "cxr-demo.json").unlink()
    assert ", by hand: no record" in listed(capsys)
    place.rename(models_dir() / "chexagent-8b")  # files of who knows which commit
    cli.main(["weights", "list", "--language", "en"])
    assert "StanfordAIMI/CheXagent-8b, commit of a fetch 4934e914" in capsys.readouterr().out


def test_verify_names_an_altered_file_and_fails(fake, capsys):
    cli.main(["weights", "fetch", ID])
    assert cli.main(["weights", "verify", ID]) == 0
    path = models_dir() / ID / "model.safetensors"
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    capsys.readouterr()
    assert cli.main(["weights", "verify", ID, "--language", "pt"]) == 1
    assert "model.safetensors: ALTERADO" in capsys.readouterr().out


def test_urls_lists_hosts_files_sizes_and_hashes(fake, capsys):
    assert cli.main(["weights", "urls", ID, "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert fake.storage_host in said and "sha256:" in said and "git-sha1:" in said
    assert f"/{REPO}/resolve/{hub_server.COMMIT}/model.safetensors" in said
    fake.gated = True
    assert cli.main(["weights", "urls", ID, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["hidden"]["code"] == "not_logged_in" and len(told["files"]) == 5


def test_import_of_loose_files_says_that_nothing_was_compared(tmp_path, capsys):
    checkpoints.write(ID, tmp_path, tiny=True)
    assert cli.main(["weights", "import", str(tmp_path), "--model", ID, "--language", "pt"]) == 0
    said = capsys.readouterr().out
    assert "Não vieram hashes de quem publica" in said and "verificado por inteiro" not in said
    assert cli.main(["weights", "verify", ID, "--language", "pt"]) == 0
    said = capsys.readouterr().out  # equal to our own record only
    assert cli.main(["weights", "import", str(tmp_path), "--model", ID, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["compared"] is False
    assert "config.json: como importado; sem hash" in said and "certo" not in said


@pytest.mark.parametrize("model", ["chexagent-8b", "chexagent-2-3b"])
def test_import_of_another_models_folder_is_refused_before_it_is_copied(model, tmp_path, capsys):
    checkpoints.write(model, tmp_path, tiny=True)
    assert cli.main(["weights", "import", str(tmp_path), "--model", ID, "--language", "pt"]) == 1
    told = capsys.readouterr()
    assert "não contém MedGemma 4B (config.json descreve “chexagent”" in told.err
    assert "[transformers]" not in told.err + told.out
    assert not (models_dir() / ID).exists()


def test_refusals_are_one_sentence_in_the_users_language(fake, capsys):
    fake.gated = True
    assert cli.main(["weights", "fetch", ID, "--language", "pt"]) == 1
    assert "crie um token de leitura" in capsys.readouterr().err
    assert cli.main(["weights", "fetch", "gpt", "--language", "en"]) == 1
    assert "chexbert" in capsys.readouterr().err


def test_ctrl_c_is_a_pause(fake, tmp_path):
    fake.stall_after = 1_000_000
    environment = os.environ | {"HF_ENDPOINT": fake.endpoint, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "cxr_demo", "weights", "fetch", ID, "--language", "en"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        end = time.monotonic() + 25
        while not fake.gets("model.safetensors") and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
    assert child.returncode == 130
    assert "Paused" in said and "Traceback" not in said
    part = models_dir() / ID / "model.safetensors.part"
    assert 0 < part.stat().st_size <= 1_000_000


def test_ctrl_c_tells_what_is_left(tmp_path, monkeypatch, capsys):
    checkpoints.write(ID, tmp_path / ID, tiny=True)
    assert cli.main(["weights", "import", str(tmp_path / ID)]) == 0

    def pressed(self, count):
        raise KeyboardInterrupt

    monkeypatch.setattr("cxr_demo.weights.meter.Meter.step", pressed)
    told = {
        ("verify", ID): "antes de ler todos",
        ("import", str(tmp_path / ID)): "pela metade foi apagada",
        ("prepare", ID): "já terminados foram guardados",
    }
    for given, words in told.items():
        assert cli.main(["weights", *given, "--language", "pt"]) == cli.INTERRUPTED
        assert words in capsys.readouterr().err
    assert not list((models_dir() / ID).glob("*.part"))


def test_the_app_and_list_do_not_import_the_hub():
    code = "import sys, cxr_demo.weights, cxr_demo.weights.sources, cxr_demo.cli_weights\n"
    code += "assert not {'huggingface_hub', 'httpx2'} & set(sys.modules), 'imported'"
    subprocess.run([sys.executable, "-c", code], check=True)


def verify_both(capsys):
    """The published files have no record, the copies made of them do: what can be is verified."""
    assert cli.main(["weights", "verify", ID, "--language", "pt"]) == 1
    told = capsys.readouterr()
    states = dict(line.split("  ")[1].split(": ", 1) for line in told.out.splitlines()[:-1])
    published = [each for each in states if "/" not in each]
    assert "model.safetensors" in published
    assert {states.pop(each) for each in published} == {"NÃO VERIFICADO: sem registro"}
    assert states and set(states.values()) == {"como preparado"}
    assert f" {len(states)} de {len(states) + len(published)} arquivos" in told.out
    assert f"deveriam ser {len(published)} dos arquivos" in told.err
    assert f"weights urls {ID}" in told.err
    return told.out


def test_prepare_list_and_delete_a_copy(tmp_path, monkeypatch, capsys):
    from benchmarks import checkpoints

    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert cli.main(["weights", "prepare", ID, "--language", "en"]) == 1
    assert "weights fetch" in capsys.readouterr().err
    checkpoints.write(ID, tmp_path / ID, tiny=True)
    assert cli.main(["weights", "prepare", ID, "--language", "pt"]) == 0
    assert "verificados por inteiro" in capsys.readouterr().out
    assert cli.main(["weights", "prepare", ID, "--precision", "nf4_emb", "--json"]) == 0
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert {"quantise", "verify"} <= {each["phase"] for each in lines[:-1]}
    assert lines[-1]["use"] == "ready" and lines[-1]["about"]["device"] == "cpu"
    cli.main(["weights", "list", "--language", "en"])
    said = capsys.readouterr().out
    assert "prepared nf4: " in said and "prepared nf4_emb: " in said
    verified = verify_both(capsys)
    (tmp_path / ID / "cxr-demo.json").write_text("{")  # broken is as good as none
    assert verify_both(capsys) == verified
    (tmp_path / f"{ID}.nf4" / "config.json").write_text("{}")
    assert cli.main(["weights", "verify", ID, "--language", "en"]) == 1
    assert f"{ID}.nf4/config.json: ALTERED: prepare it again" in capsys.readouterr().out
    cli.main(["weights", "prepare", ID])
    assert cli.main(["weights", "delete", ID, "--precision", "nf4"]) == 0
    assert cli.main(["weights", "delete", ID, "--precision", "nf4"]) == 1
    assert cli.main(["weights", "delete", ID]) == 0
    capsys.readouterr()
    cli.main(["weights", "list", "--json"])
    found = next(
        line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["id"] == ID
    )
    assert found["state"] == "absent"
    assert [each["precision"] for each in found["prepared"]] == ["nf4_emb"]
    assert cli.main(["weights", "prepare", "chexagent-2-3b", "--precision", "nf4_emb"]) == 1
