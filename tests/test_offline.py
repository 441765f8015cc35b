"""With the network cut off, the 4-bit model loads and reads a phantom, without one look-up."""

import json
import shutil
import subprocess
import sys

import pytest

from cxr_demo import phantoms
from cxr_demo.paths import assets_dir
from cxr_demo.phantoms.files import Kind, write
from cxr_demo.worker.lease import runtime_dir

CUT = {"as root": ["unshare", "-n"], "as a user": ["unshare", "-r", "-n"]}


def ways_to_cut():
    if shutil.which("unshare") is None:
        return []
    return [
        way
        for way in CUT.values()
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0
    ]


@pytest.fixture
def phantom(tmp_path):
    path = tmp_path / "phantom.dcm"
    write(phantoms.plan(phantoms.SAMPLE_SEEDS[0]), path, Kind.DICOM_MONO1, width=512)
    return path


@pytest.mark.slow
def test_a_phantom_is_read_in_4_bits_with_the_network_cut(phantom):
    ways = ways_to_cut()
    if not ways:
        pytest.skip("THE NETWORK COULD NOT BE CUT HERE (unshare is missing or not permitted)")
    assert any(assets_dir().glob("embedded/*.safetensors"))
    command = [sys.executable, "-m", "cxr_demo", "read", str(phantom), "--json"]
    done = subprocess.run(
        [*ways[0], *command, "--precision", "nf4", "--pipeline", "direct"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read = json.loads(done.stdout)
    assert read["precision"] == "nf4" and read["report"]
    assert len(read["findings"]) == 14
    log = (runtime_dir() / "worker.log").read_text()
    assert "serving" in log and "Read took" in log
    assert "network blocked" not in log  # nothing even tried


def test_the_cut_is_real():
    ways = ways_to_cut()
    if not ways:
        pytest.skip("THE NETWORK COULD NOT BE CUT HERE (unshare is missing or not permitted)")
    code = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=2)"
    done = subprocess.run([*ways[0], sys.executable, "-c", code], capture_output=True, check=False)
    assert b"unreachable" in done.stderr.lower() or b"Errno 101" in done.stderr
