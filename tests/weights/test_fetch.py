"""Fetching over real HTTP: what is asked for, what is kept, and how refusals are told apart."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hub_server import COMMIT, LARGE, TOKEN, tensors

from cxr_demo import weights
from cxr_demo.errors import WeightsMissing, WeightsRefused
from cxr_demo.models.cards import card
from cxr_demo.paths import models_dir
from cxr_demo.weights import faults, record
from cxr_demo.weights.addresses import addresses
from cxr_demo.weights.fetch import Fetch
from cxr_demo.weights.meter import Phase
from cxr_demo.weights.sources import package
from cxr_demo.weights.transfer import part_of

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"


def place():
    return models_dir() / ID


def test_what_a_model_needs_is_fetched_and_nothing_else(fake, hub):
    seen = []
    Fetch(ID, on_progress=seen.append, hub=hub()).run()
    names = {each.name for each in place().iterdir() if not each.name.startswith(".")}
    wanted = {"config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"}
    assert names == wanted | {LARGE, "cxr-demo.json"}
    assert (place() / LARGE).read_bytes() == fake.repos[REPO][LARGE]
    assert weights.locate(card(ID)).size == len(fake.repos[REPO][LARGE])
    assert {each.phase for each in seen} == {Phase.RECEIVE, Phase.VERIFY}
    assert seen[-1].done == seen[-1].total


def test_the_commit_is_resolved_once_and_is_the_pin(fake, hub):
    planned = Fetch(ID, hub=hub()).plan()
    assert planned.resolved == (REPO,) and planned.revisions == {REPO: COMMIT}
    Fetch(ID, hub=hub()).run()
    assert weights.revision(card(ID)) == COMMIT
    assert record.read(place()).revisions == {REPO: COMMIT}
    fake.asked.clear()
    again = Fetch(ID, hub=hub())
    again.run()
    assert again.plan().resolved == ()
    assert [each.path for each in fake.asked] == [f"/api/models/{REPO}/revision/{COMMIT}"]


def test_the_token_never_reaches_the_storage_host(fake, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    Fetch(ID, hub=hub()).run()
    tokens = {each.host: each.token for each in fake.asked}
    assert tokens == {"hub": f"Bearer {TOKEN}", "storage": None}


def test_after_a_kill_at_60_percent_only_the_rest_is_asked_for(fake):
    size = len(fake.repos[REPO][LARGE])
    fake.stall_after = size * 6 // 10
    command = [sys.executable, "-m", "cxr_demo", "weights", "fetch", ID]
    environment = os.environ | {"HF_ENDPOINT": fake.endpoint}
    part = part_of(place() / LARGE)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as child:
        end = time.monotonic() + 25
        while not (part.exists() and part.stat().st_size > size * 0.5):
            if time.monotonic() > end or child.poll() is not None:
                break
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    came = part.stat().st_size
    assert size * 0.5 < came < size
    fake.stall_after = None
    fake.released.set()
    fake.asked.clear()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = fake.gets(LARGE)
    assert [(each.range, each.if_range) for each in asked] == [(f"bytes={came}-", '"storage-1"')]
    assert (place() / LARGE).read_bytes() == fake.repos[REPO][LARGE]


def test_a_cut_is_resumed_by_itself(fake, hub):
    fake.cut_after = 1_000_000
    Fetch(ID, hub=hub()).run()
    first, second = fake.gets(LARGE)
    assert first.range is None and second.range.startswith("bytes=")
    assert (place() / LARGE).read_bytes() == fake.repos[REPO][LARGE]


def test_a_pause_keeps_what_came(fake, hub):
    fetch = Fetch(ID, hub=hub())

    def pause(now):
        if now.file == LARGE and now.done > 1_000_000:
            fetch.stop()

    fetch._meter._tell = pause
    with pytest.raises(faults.Stopped):
        fetch.run()
    came = part_of(place() / LARGE).stat().st_size
    assert came >= 262_144
    assert isinstance(weights.status(card(ID)), weights.Missing)
    Fetch(ID, hub=hub()).run()
    assert fake.gets(LARGE)[-1].range == f"bytes={came}-"


def test_a_file_that_changed_at_its_host_begins_anew(fake, hub):
    fake.storage_status = 500
    with pytest.raises(faults.HubBusy):
        Fetch(ID, hub=hub()).run()
    fake.storage_status = None
    part_of(place() / LARGE).write_bytes(b"x" * 1000)
    (place() / f"{LARGE}.part.etag").write_text('"storage-0"')
    Fetch(ID, hub=hub()).run()
    assert fake.gets(LARGE)[-1].if_range == '"storage-0"'
    assert (place() / LARGE).read_bytes() == fake.repos[REPO][LARGE]


def test_wrong_bytes_are_not_kept(fake, hub):
    fake.lie[LARGE] = tensors(seed=1)
    with pytest.raises(faults.WrongHash, match=r"model\.safetensors"):
        Fetch(ID, hub=hub()).run()
    assert not (place() / LARGE).exists() and not part_of(place() / LARGE).exists()
    fake.lie.clear()
    Fetch(ID, hub=hub()).run()
    assert weights.locate(card(ID))


def test_a_full_disk_is_refused_before_the_first_byte(fake, hub):
    fake.sizes[LARGE] = 10**18
    with pytest.raises(faults.DiskFull, match="GiB are needed"):
        Fetch(ID, hub=hub()).run()
    assert not [each for each in fake.asked if "/resolve/" in each.path or each.host == "storage"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_disk_that_fills_on_the_way(fake, hub):
    place().mkdir(parents=True)
    part_of(place() / LARGE).symlink_to("/dev/full")
    with pytest.raises(faults.DiskFull):
        Fetch(ID, hub=hub()).run()


def test_two_at_once_are_refused(fake, hub):
    fake.stall_after = 500_000
    first = Fetch(ID, hub=hub())
    ended = []

    def work():
        with pytest.raises(faults.Stopped):
            first.run()
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    while not fake.gets(LARGE):
        time.sleep(0.01)
    with pytest.raises(faults.AlreadyFetching):
        Fetch(ID, hub=hub()).run()
    first.stop()
    fake.released.set()
    thread.join(10)
    assert ended


def refused(hub, kind, endpoint=None):
    with pytest.raises(faults.WeightsError) as found:
        Fetch(ID, hub=hub(endpoint)).run()
    assert type(found.value) is kind, found.value
    for language in ("en", "pt"):
        assert "?" not in found.value.message(language)  # every parameter is filled in
    return found.value


def test_accounts_are_told_apart(fake, hub, monkeypatch):
    fake.gated = True
    refused(hub, faults.NotLoggedIn)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused(hub, faults.BadToken)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fake.accepted = False
    error = refused(hub, faults.LicenceNotAccepted)
    assert f"{fake.endpoint}/{REPO}" in error.message("pt")
    fake.narrow = True
    refused(hub, faults.TokenTooNarrow)
    fake.accepted, fake.narrow = True, False
    Fetch(ID, hub=hub()).run()


def test_not_found_with_and_without_a_token(fake, hub, monkeypatch):
    fake.repos = {}
    refused(hub, faults.NotFoundOrPrivate)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    refused(hub, faults.NotFoundOrPrivate)


def test_a_revision_that_is_gone(fake, hub):
    fake.repos["StanfordAIMI/CheXagent-2-3b"] = fake.repos[REPO]
    with pytest.raises(faults.NotFoundOrPrivate):
        Fetch("chexagent-2-3b", hub=hub()).run()


def test_network_troubles_are_told_apart(fake, hub, monkeypatch):
    refused(hub, faults.Offline, "http://127.0.0.1:9")
    fake.storage_status = 403
    assert fake.storage_host in str(refused(hub, faults.StorageBlocked))
    fake.storage_status = None
    fake.storage.shutdown()
    fake.storage.server_close()
    assert fake.storage_host in str(refused(hub, faults.StorageBlocked))
    fake.page = b"<html>Blocked by your organisation</html>"
    refused(hub, faults.Intercepted)
    fake.page, fake.status = None, 429
    refused(hub, faults.HubBusy)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused(hub, faults.OfflineSwitch)


class _Proxy(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.send_response(407, "Proxy Authentication Required")
        self.send_header("Proxy-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_CONNECT


@pytest.fixture
def web():
    """Serve a handler, with TLS if a context is given; returns its port."""
    servers = []

    def serve(handler, context=None):
        server = HTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server.server_port

    yield serve
    for each in servers:
        each.shutdown()
        each.server_close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login(hub, web, monkeypatch, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{web(_Proxy)}")
    refused(hub, faults.ProxyWantsLogin, f"{scheme}://hub.invalid")


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("HTTP_PROXY", "http://user:secret@127.0.0.1:9", faults.ProxyUnreachable),
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:9", faults.ProxySetting),
        ("HTTPS_PROXY", "ftp://user:secret@127.0.0.1:9", faults.ProxySetting),
        ("SSL_CERT_FILE", "/nowhere.pem", faults.CertificateFile),
        ("SSL_CERT_FILE", __file__, faults.CertificateFile),
    ],
)
def test_a_variable_that_is_set_wrongly_is_named(hub, monkeypatch, name, value, kind):
    monkeypatch.setenv(name, value)
    said = refused(hub, kind, "http://hub.invalid").message("pt")
    assert "secret" not in said
    assert ("127.0.0.1:9" in said) or value in said


def test_a_hub_that_is_no_address_is_named(hub):
    assert "“huggingface.co”" in str(refused(hub, faults.HubSetting, "huggingface.co"))


def test_a_certificate_that_is_not_trusted(hub, web, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1"
    make += " -keyout key.pem -out certificate.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = web(_Proxy, context)
    error = refused(hub, faults.CertificateNotTrusted, f"https://127.0.0.1:{port}")
    assert "SSL_CERT_FILE" in str(error)


def test_a_repository_with_pickles_only_is_refused(fake, hub):
    del fake.repos[REPO][LARGE]
    with pytest.raises(WeightsRefused, match="safetensors"):
        Fetch(ID, hub=hub()).run()
    assert not place().exists()


def test_a_file_changed_after_the_fetch_is_not_loaded(hub):
    Fetch(ID, hub=hub()).run()
    path = place() / LARGE
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(WeightsRefused, match="changed"):
        weights.locate(card(ID))
    path.unlink()
    with pytest.raises(WeightsMissing):
        weights.locate(card(ID))


def test_chexbert_comes_from_two_repositories(fake, hub):
    fake.repos = {
        "StanfordAIMI/RRG_scorers": {"chexbert.pth": b"checkpoint", "other.pth": b"no"},
        "google-bert/bert-base-uncased": {
            "vocab.txt": b"[PAD]",
            "tokenizer.json": b"{}",
            "tokenizer_config.json": b"{}",
            "model.safetensors": tensors(1),
        },
    }
    kept = Fetch("chexbert", hub=hub()).run()
    wanted = {"chexbert.pth", "vocab.txt", "tokenizer.json", "tokenizer_config.json"}
    assert set(kept.files) == wanted
    assert set(kept.revisions) == set(fake.repos)


def test_addresses_for_a_firewall_team(fake, hub, monkeypatch):
    found = addresses(package(ID), hub())
    assert found.hosts == (f"127.0.0.1:{fake.hub.server_port}", fake.storage_host)
    assert found.hidden is None
    large = next(each for each in found.files if each.url.endswith(LARGE))
    assert large.size == len(fake.repos[REPO][LARGE]) and large.hash.startswith("sha256:")
    assert not fake.gets(LARGE)
    fake.gated = True
    locked = addresses(package(ID), hub())
    assert isinstance(locked.hidden, faults.NotLoggedIn)
    assert locked.files == found.files


def test_the_record_is_readable(hub):
    Fetch(ID, hub=hub()).run()
    held = json.loads((place() / "cxr-demo.json").read_text())
    assert held["model"] == ID and held["files"]["config.json"]["sha256"]
