"""A hub on loopback that speaks the real one's HTTP: listings with commits and hashes, `resolve`
with redirects to a storage host on a port of its own, ranges, and refusals by X-Error-Code."""

import hashlib
import json
import sys
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from safetensors.numpy import save

COMMIT = "c0ffee" + "0" * 34
TOKEN = "hf_right"
LARGE = "model.safetensors"

Asked = namedtuple("Asked", "host method path range if_range token")


def tensors(kib=4096, seed=0):
    """A whole safetensors file of about `kib` KiB."""
    values = np.random.default_rng(seed).integers(0, 255, kib * 1024, dtype=np.uint8)
    return save({"weight": values})


def tiny_model():
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")
    files = {name: json.dumps({"name": name}).encode() for name in names}
    return files | {
        LARGE: tensors(),
        "README.md": b"# not wanted",
        "modeling.py": b"raise SystemExit('code of a model was run')",
        "pytorch_model.bin": b"pickle",
        "sub/config.json": b"{}",
    }


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class FakeHub:
    """`repos`: repository -> file -> bytes. What is odd about this hub is set on its attributes."""

    def __init__(self, repos):
        self.repos = repos
        self.asked = []
        self.gated = False
        self.accepted = True
        self.narrow = False
        self.status = None  # answer everything with this status
        self.storage_status = None
        self.page = None  # a filter's page instead of any answer
        self.stall_after = None  # the storage host sends so many bytes and then waits
        self.cut_after = None  # or breaks off, once
        self.lie = {}  # name -> bytes that the storage host sends instead
        self.sizes = {}  # name -> size that the hub names
        self.storage_etag = '"storage-1"'
        self.released = threading.Event()
        self.hub = self._serve("hub")
        self.storage = self._serve("storage")

    def _serve(self, host):
        fake = self

        class Handler(_Handler):
            pass

        Handler.fake, Handler.host = fake, host
        server = _Server(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.hub.server_port}"

    @property
    def storage_host(self):
        return f"127.0.0.1:{self.storage.server_port}"

    def gets(self, name):
        """GETs of the bytes of `name`, at either host."""
        return [a for a in self.asked if a.method == "GET" and a.path.endswith(f"/{name}")]

    def close(self):
        self.released.set()
        for server in (self.hub, self.storage):
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        heads, path = self.headers, urlsplit(self.path).path
        given = heads.get("Authorization")
        self.fake.asked.append(
            Asked(self.host, self.command, path, heads["Range"], heads["If-Range"], given)
        )
        if self.fake.page is not None:
            return self._send(200, self.fake.page, {"Content-Type": "text/html"})
        if self.host == "storage":
            return self._store(path)
        if self.fake.status is not None:
            return self._send(self.fake.status, b"")
        return self._api(path) if path.startswith("/api/models/") else self._resolve(path)

    def _account(self, repo):
        """None, or how this account is refused."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token != TOKEN:
            return 401, None, "Invalid credentials in Authorization header"
        if repo not in self.fake.repos:
            return (404 if token else 401), "RepoNotFound", "Repository not found"
        return None

    def _api(self, path):
        repo, _, revision = path.removeprefix("/api/models/").partition("/revision/")
        refused = self._account(repo)
        if refused is None and revision not in ("main", COMMIT):
            refused = 404, "RevisionNotFound", "Invalid rev id"
        if refused is not None:
            return self._refuse(*refused)
        blobs = "blobs" in parse_qs(urlsplit(self.path).query)
        files = self.fake.repos[repo].items()
        siblings = [
            self._sibling(name, data) if blobs else {"rfilename": name} for name, data in files
        ]
        answer = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings}
        answer |= {"private": False, "gated": "manual" if self.fake.gated else False, "tags": []}
        return self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _sibling(self, name, data):
        size = self.fake.sizes.get(name, len(data))
        told = {"rfilename": name, "size": size, "blobId": git_sha1(data)}
        if _is_large(name):
            sha256 = hashlib.sha256(data).hexdigest()
            told["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 134}
        return told

    def _resolve(self, path):
        repo, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        refused = self._account(repo)
        if refused is None and self.fake.gated:
            refused = self._gate(repo)
        if refused is None and (revision != COMMIT or name not in self.fake.repos[repo]):
            refused = 404, "EntryNotFound", "Entry not found"
        if refused is not None:
            return self._refuse(*refused)
        data = self.fake.repos[repo][name]
        if not _is_large(name):
            heads = {"X-Repo-Commit": COMMIT, "ETag": f'"{git_sha1(data)}"'}
            return self._send(200, data, heads)
        heads = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            "X-Linked-Size": str(self.fake.sizes.get(name, len(data))),
            "Location": f"http://{self.fake.storage_host}/{repo}/{name}?Signature=1",
        }
        return self._send(302, b"Found. Redirecting", heads)

    def _gate(self, repo):
        restricted = f"Access to model {repo} is restricted."
        if not self.headers.get("Authorization"):
            return 401, "GatedRepo", restricted
        if self.fake.narrow:
            said = "Please enable access to public gated repositories in your fine-grained token"
            return 403, "GatedRepo", said
        return None if self.fake.accepted else (403, "GatedRepo", restricted)

    def _store(self, path):
        if self.fake.storage_status is not None:
            return self._send(self.fake.storage_status, b"<Error/>")
        repo, _, name = path.lstrip("/").rpartition("/")
        data = self.fake.lie.get(name, self.fake.repos[repo][name])
        heads = {"ETag": self.fake.storage_etag, "Accept-Ranges": "bytes"}
        start, wanted = 0, self.headers["Range"]
        if wanted and self.headers.get("If-Range") in (None, self.fake.storage_etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            heads["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._begin(206 if start else 200, heads, len(data) - start)
        self._body(data, start)
        return None

    def _body(self, data, start):
        stop = self.fake.stall_after or self.fake.cut_after
        if not stop or start >= stop:
            self.wfile.write(data[start:])
            return
        self.wfile.write(data[start:stop])
        self.wfile.flush()
        if self.fake.stall_after:
            self.fake.released.wait(30)
        self.close_connection = True

    def _refuse(self, status, code, message):
        heads = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        return self._send(status, json.dumps({"error": message}).encode(), heads)

    def _begin(self, status, heads, length):
        self.send_response(status)
        for name, value in heads.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, status, body, heads=None):
        self._begin(status, heads or {}, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients are killed on purpose
            super().handle_error(request, client_address)


def _is_large(name):
    return name.endswith((".safetensors", ".pth"))
