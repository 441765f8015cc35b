"""Uploads on disk: private, nameless, and gone when they should be."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cxr_demo.paths import temporary_dir
from cxr_demo.studies.private_files import PrivateFiles, sweep_temporary

ROOT = Path(__file__).resolve().parents[2]


def test_private_and_nameless(tmp_path):
    with PrivateFiles(tmp_path) as files:
        path = files.store(b"pixels")
        assert path.read_bytes() == b"pixels"
        assert path.parent == files.folder
        assert path.suffix == ""
        assert len(path.name) == 32
        if sys.platform != "win32":
            assert path.stat().st_mode & 0o777 == 0o600
            assert files.folder.stat().st_mode & 0o777 == 0o700
        assert files.new() != files.new()
        folder = files.folder
    assert not folder.exists()
    files.close()


def test_in_the_users_own_folder():
    with PrivateFiles() as files:
        assert files.folder.parent == temporary_dir()


def test_released_files_go_after_their_time(tmp_path):
    with PrivateFiles(tmp_path) as files:
        path, kept = files.store(b"a"), files.store(b"b")
        files.release(path, after=0.2)
        assert path.exists()
        time.sleep(0.6)
        assert not path.exists()
        assert kept.exists()
        files.discard(kept)
        files.discard(kept)
        assert not kept.exists()


def test_only_its_own_files_are_deleted(tmp_path):
    other = tmp_path / "report.txt"
    other.write_text("x")
    (tmp_path / "t").mkdir()
    with PrivateFiles(tmp_path / "t") as files:
        for path in (other, files.folder / "lock"):
            with pytest.raises(ValueError, match="private"):
                files.discard(path)
    assert other.exists()


CODE = """
import sys, time
from pathlib import Path
from cxr_demo.studies.private_files import PrivateFiles
files = PrivateFiles(Path(sys.argv[1]))
files.store(b"pixels of a patient")
print(files.folder, flush=True)
while sys.argv[2] == "wait":
    time.sleep(0.05)  # not long: a signal that comes just before a sleep is heard behind it
"""


def program(root, how):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CODE, str(root), how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    folder = Path(process.stdout.readline().strip())
    return process, folder


def end(process):
    process.wait(timeout=20)
    process.stdout.close()


def test_gone_at_exit(tmp_path):
    process, folder = program(tmp_path, "exit")
    end(process)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_gone_at_sigterm(tmp_path):
    process, folder = program(tmp_path, "wait")
    assert list(folder.iterdir())
    process.send_signal(signal.SIGTERM)
    end(process)
    assert process.returncode == -signal.SIGTERM
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_gone_at_the_next_start_after_sigkill(tmp_path):
    process, dead = program(tmp_path, "wait")
    process.send_signal(signal.SIGKILL)
    end(process)
    assert len(list(dead.iterdir())) == 2
    (tmp_path / "stray").write_bytes(b"left by somebody")
    (tmp_path / "gradio").mkdir()
    with PrivateFiles(tmp_path) as files:
        assert list(tmp_path.iterdir()) == [files.folder]


def test_a_living_program_keeps_its_files(tmp_path):
    process, living = program(tmp_path, "wait")
    try:
        (tmp_path / "gradio").mkdir()
        assert sweep_temporary(tmp_path) == 0
        assert len(list(living.iterdir())) == 2
        assert (tmp_path / "gradio").exists()
    finally:
        process.kill()
        end(process)
    assert sweep_temporary(tmp_path) == 2
