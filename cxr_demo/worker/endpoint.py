"""The local, authenticated connection: a Unix socket or Windows pipe that only this user can open.

The worker writes `worker.json` (mode 0600: address, random key, pid) after it listens; a client
reads it, connects, and both sides prove that they know the key. Frames are bytes of `wire.Codec`.
"""

import contextlib
import hmac
import json
import os
import secrets
import socket
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from cxr_demo.worker.lease import runtime_dir
from cxr_demo.worker.messages import CODEC
from cxr_demo.worker.wire import LARGEST_FRAME

HANDSHAKE_S = 5.0
_NONCE = 32
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes on Linux, 104 on macOS, with the NUL


@dataclass(frozen=True)
class Endpoint:
    """Where the worker listens, and the key that proves who one is (hexadecimal)."""

    address: str
    key: str
    pid: int


class Channel:
    """A connection's two directions. `send` may be called by several threads, `receive` by one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Send one record. Raises OSError when the other side is gone."""
        frame = CODEC.encode(message)
        with self._sending:
            self._connection.send_bytes(frame)

    def receive(self, timeout: float | None = None) -> Any:
        """The next record. Raises EOFError or OSError when the other side is gone, TimeoutError
        after `timeout` seconds of silence, WireError for a frame that is not ours."""
        if timeout is not None and not self._connection.poll(timeout):
            raise TimeoutError
        return CODEC.decode(self._connection.recv_bytes(LARGEST_FRAME))

    def hang_up(self) -> None:
        """End the connection from any thread: `receive` fails with EOFError or OSError at both."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._connection.close()
            else:  # the descriptor stays valid until the receiving thread itself closes it
                _shut_down(self._connection.fileno())

    def close(self) -> None:
        """Free the connection; called by the thread that receives, when it is done."""
        with contextlib.suppress(OSError):
            self._connection.close()


class Door:
    """The worker's listening end. Only the holder of the worker's lease may open it."""

    def __init__(self) -> None:
        forget_endpoint()
        self.closed = False
        self._key = secrets.token_bytes(32)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._listener = self._listen()
        _write_endpoint(Endpoint(str(self._listener.address), self._key.hex(), os.getpid()))

    def accept(self) -> Connection:
        """The next caller, not yet authenticated. Raises OSError once the door is closed."""
        return self._listener.accept()

    def authenticate(self, connection: Connection) -> Channel:
        """Prove both sides. Raises AuthenticationError, EOFError, OSError or TimeoutError."""
        _prove(connection, self._key, mine=b"worker", theirs=b"client")
        return Channel(connection)

    def close(self) -> None:
        """Stop listening and remove what was written. May be called again."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._listener.close()
        forget_endpoint()
        if self._folder is not None:
            self._folder.cleanup()

    def _listen(self) -> Listener:
        if sys.platform == "win32":
            return Listener(family="AF_PIPE")
        path = runtime_dir() / "worker.sock"
        path.unlink(missing_ok=True)
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            # Some file systems cannot hold a socket; then the folder below can.
            with contextlib.suppress(OSError):
                return Listener(str(path), family="AF_UNIX", backlog=16)
        self._folder = tempfile.TemporaryDirectory(prefix="cxr-demo-")  # mode 0700, a random name
        return Listener(str(Path(self._folder.name) / "s"), family="AF_UNIX", backlog=16)


def connect(endpoint: Endpoint) -> Channel:
    """Connect and authenticate. Raises OSError, EOFError or AuthenticationError if nobody, or
    somebody else, listens there, and TimeoutError if the listener does not answer."""
    connection = Client(endpoint.address)
    try:
        _prove(connection, bytes.fromhex(endpoint.key), mine=b"client", theirs=b"worker")
    except BaseException:
        connection.close()
        raise
    return Channel(connection)


def read_endpoint() -> Endpoint | None:
    """What the last worker wrote, or None. It may be dead by now."""
    try:
        return Endpoint(**json.loads(_endpoint_path().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget_endpoint() -> None:
    """Remove the file, and the socket of a worker that could not do so itself."""
    old = read_endpoint()
    if old is None:
        return
    _endpoint_path().unlink(missing_ok=True)
    if sys.platform == "win32":
        return
    Path(old.address).unlink(missing_ok=True)
    if Path(old.address).parent.name.startswith("cxr-demo-"):
        with contextlib.suppress(OSError):
            Path(old.address).parent.rmdir()


def _write_endpoint(endpoint: Endpoint) -> None:
    path = _endpoint_path()
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(endpoint), file)
    draft.replace(path)  # whole or not at all: a client never reads half a key


def _endpoint_path() -> Path:
    return runtime_dir() / "worker.json"


def _prove(connection: Any, key: bytes, mine: bytes, theirs: bytes) -> None:
    """Both sides show that they know `key`. Not the standard library's challenge: that one waits
    for ever, and computes MD5, which machines in FIPS mode refuse."""
    nonce = secrets.token_bytes(_NONCE)
    connection.send_bytes(nonce)
    asked = _receive_short(connection)
    connection.send_bytes(hmac.digest(key, mine + asked, "sha256"))
    proof = _receive_short(connection)
    if not hmac.compare_digest(proof, hmac.digest(key, theirs + nonce, "sha256")):
        raise AuthenticationError("the other side does not know the key")


def _receive_short(connection: Any) -> bytes:
    if not connection.poll(HANDSHAKE_S):
        raise TimeoutError
    return connection.recv_bytes(_NONCE)


def _shut_down(descriptor: int) -> None:
    twin = socket.socket(fileno=os.dup(descriptor))
    with contextlib.suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)
    twin.close()


__all__ = [
    "AuthenticationError",
    "Channel",
    "Door",
    "Endpoint",
    "connect",
    "forget_endpoint",
    "read_endpoint",
]
