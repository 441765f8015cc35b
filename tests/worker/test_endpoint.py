import socket
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from cxr_demo.worker import endpoint
from cxr_demo.worker.endpoint import AuthenticationError, Door, connect, read_endpoint
from cxr_demo.worker.lease import runtime_dir
from cxr_demo.worker.messages import Stop


@pytest.fixture
def door():
    opened = Door()
    yield opened
    opened.close()


def serve_one(door, answers):
    def run():
        connection = door.accept()
        try:
            channel = door.authenticate(connection)
            answers.append(channel.receive(5))
        except (AuthenticationError, EOFError, OSError, TimeoutError) as error:
            answers.append(type(error))
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_who_knows_the_key_is_let_in(door):
    answers = []
    thread = serve_one(door, answers)
    channel = connect(read_endpoint())
    channel.send(Stop(5))
    thread.join(5)
    assert answers == [Stop(5)]
    channel.close()


def test_who_does_not_know_the_key_is_refused(door):
    answers = []
    thread = serve_one(door, answers)
    with pytest.raises((EOFError, OSError, AuthenticationError)):
        connect(replace(read_endpoint(), key="00" * 32))
    thread.join(5)
    assert answers == [AuthenticationError]


def test_a_worker_that_does_not_know_the_key_is_not_believed(door):
    true_key = read_endpoint().key
    door._key = b"another key"
    serve_one(door, [])
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        connect(replace(read_endpoint(), key=true_key))


def test_silence_and_noise_end_the_handshake(door, monkeypatch):
    monkeypatch.setattr(endpoint, "HANDSHAKE_S", 0.3)
    answers = []
    thread = serve_one(door, answers)
    silent = Client(read_endpoint().address)
    thread.join(5)
    silent.close()
    thread = serve_one(door, answers)
    with socket.socket(socket.AF_UNIX) as noisy:
        noisy.connect(read_endpoint().address)
        noisy.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(100))
        thread.join(5)
    assert answers[0] is TimeoutError
    assert issubclass(answers[1], (OSError, EOFError, AuthenticationError))


def test_only_this_user_can_read_the_key_and_reach_the_socket(door):
    files = [path for path in runtime_dir().iterdir() if path.name == "worker.json"]
    assert files and files[0].stat().st_mode & 0o777 == 0o600
    assert runtime_dir().stat().st_mode & 0o077 == 0
    door.close()
    assert read_endpoint() is None
    assert not (runtime_dir() / "worker.sock").exists()


def test_a_long_private_folder_gets_a_short_socket_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path / ("long" * 40)))
    opened = Door()
    address = read_endpoint().address
    assert len(address) < 100
    answers = []
    thread = serve_one(opened, answers)
    channel = connect(read_endpoint())
    channel.send(Stop(1))
    thread.join(5)
    channel.close()
    assert answers == [Stop(1)]
    again = Door()  # the first was killed, say: its socket and folder are swept
    assert not Path(address).parent.exists()
    again.close()
    opened.close()


def test_a_closed_channel_ends_both_sides(door):
    answers = []
    thread = serve_one(door, answers)
    channel = connect(read_endpoint())
    began = time.monotonic()
    channel.hang_up()
    thread.join(5)
    assert answers == [EOFError] and time.monotonic() - began < 1
    with pytest.raises((EOFError, OSError)):
        channel.receive(1)
    channel.close()
