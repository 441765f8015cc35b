"""The decoding pool: the same radiographs, under limits, whatever the file does."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest

from cxr_demo.errors import StudyError
from cxr_demo.records import VoiFunction
from cxr_demo.studies import open_study, render, transfer
from cxr_demo.studies.errors import (
    DecoderEnded,
    DecodingTooLarge,
    DecodingTooLong,
    FileTooLarge,
    FileUnreadable,
    WrongBodyPart,
)
from cxr_demo.studies.pool import DecodePool, _environment
from tests.studies import build, hostile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool():
    with DecodePool(size=2) as pool:
        pool.warm()
        yield pool


def children():
    return [
        each
        for each in psutil.Process().children()
        if "cxr_demo.studies.child" in each.cmdline() and each.status() != psutil.STATUS_ZOMBIE
    ]


def same(one, two):
    assert one.pixels.dtype == two.pixels.dtype == np.uint16
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(render(one, bits=16), render(two, bits=16))
    skipped = ("pixels", "windows")
    for name in set(one.__dataclass_fields__) - set(skipped):
        assert getattr(one, name) == getattr(two, name), name
    for mine, theirs in zip(one.windows, two.windows, strict=True):
        assert (mine.centre, mine.width, mine.label) == (theirs.centre, theirs.width, theirs.label)


def test_as_in_this_process(pool, tmp_path):
    item = build.lut_item(0, np.arange(4096, dtype=np.uint16)[::-1].copy(), 12)
    paths = [
        build.REAL / "RG1_UNCR.dcm",
        build.write(tmp_path / "phantom", phantom=True, spacing=(0.2, 0.2)),
        build.write(tmp_path / "table", tags={"VOILUTSequence": [item]}),
    ]
    for path in paths:
        (mine,), (theirs,) = pool.open(path), open_study(path)
        same(mine, theirs)
    assert mine.windows[0].function is VoiFunction.TABLE
    (full,) = pool.open(paths[2], ignore_file_lut=True)
    assert [each.label for each in full.windows] == ["full"]


def test_errors_come_through(pool, tmp_path):
    with pytest.raises(WrongBodyPart) as caught:
        pool.open(build.REAL / "RG3_UNCR.dcm")
    assert caught.value.params == {"part": "EXTREMITY"}
    with pytest.raises(FileUnreadable):
        pool.open(tmp_path / "missing")
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(200 << 20)
    with pytest.raises(FileTooLarge):
        pool.open(tmp_path / "huge")


def test_lists_and_members(pool, tmp_path):
    for number in (1, 2):
        tags = {"StudyInstanceUID": f"1.2.3.{number}"}
        build.write(tmp_path / f"{number}.dcm", build.chest(seed=number), tags=tags)
    found = pool.list_studies(tmp_path)
    assert len(found) == 2
    for number, ref in enumerate(found, 1):
        (radiograph,) = pool.open(ref)
        np.testing.assert_array_equal(radiograph.pixels, build.chest(seed=number))


def test_children_are_reused(pool, tmp_path):
    path = build.write(tmp_path / "x")
    pool.open(path)
    before = {each.pid for each in children()}
    for _ in range(5):
        pool.open(path)
    assert {each.pid for each in children()} == before
    start = time.monotonic()
    pool.open(path)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("make", (*hostile.HOSTILE, hostile.deep_nesting_wanted))
def test_hostile_files_are_refused_quickly(make, pool, tmp_path):
    """Each in under two seconds, with one sentence; the next file opens as if nothing had been."""
    path = make(tmp_path / "x")
    good = build.write(tmp_path / "good")
    pool.open(good)
    start = time.monotonic()
    with pytest.raises(StudyError) as caught:
        pool.open(path)
    assert time.monotonic() - start < 2
    assert not isinstance(caught.value, DecoderEnded | DecodingTooLong)
    assert caught.value.message("pt").count(". ") == 0
    assert len(pool.open(good)) == 1


def test_memory_limit(tmp_path):
    """A file within all other limits, in a child that may not have what it needs."""
    path = build.write(tmp_path / "x", np.tile(build.chest(), (12, 10)))
    with DecodePool(size=1, memory=60 << 20) as small:
        with pytest.raises(DecodingTooLarge):
            small.open(path)
        assert len(small.open(build.write(tmp_path / "y"))) == 1
    with DecodePool(size=1) as usual:
        assert usual.open(path)[0].pixels.shape == (3600, 2800)


def test_40_megapixels_fit_into_the_memory_limit(tmp_path):
    pixels = np.tile(build.chest(400, 400, bits=16), (16, 15))[:6320, :6000]
    path = build.write(tmp_path / "x", pixels, bits=16, photometric="MONOCHROME1")
    with DecodePool(size=1) as pool:
        np.testing.assert_array_equal(pool.open(path)[0].pixels, pixels)


def test_time_limit_replaces_the_child(tmp_path):
    """The child is stopped in the middle of its work, as a decoder that hangs would be."""
    path = build.write(tmp_path / "x")
    with DecodePool(size=1, seconds=1.5) as pool:
        pool.open(path)
        (child,) = children_of(pool)
        child.suspend()
        start = time.monotonic()
        with pytest.raises(DecodingTooLong):
            pool.open(path)
        assert time.monotonic() - start < 4
        assert len(pool.open(path)) == 1
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def children_of(pool):
    child = pool._slots.get()
    pool._slots.put(child)
    return [psutil.Process(child._process.pid)]


def test_a_crash_costs_one_file(tmp_path):
    path = build.write(tmp_path / "x")
    with DecodePool(size=1, seconds=10) as pool:
        pool.open(path)
        (child,) = children_of(pool)
        child.suspend()
        threading.Timer(0.3, child.kill).start()
        with pytest.raises(DecoderEnded):
            pool.open(path)
        assert len(pool.open(path)) == 1
        (idle,) = children_of(pool)
        idle.kill()
        idle.wait()
        assert len(pool.open(path)) == 1


def test_several_threads(pool, tmp_path):
    paths = [build.write(tmp_path / str(n), build.chest(seed=n)) for n in range(8)]
    with ThreadPoolExecutor(4) as threads:
        for number, (radiograph,) in enumerate(threads.map(pool.open, paths)):
            np.testing.assert_array_equal(radiograph.pixels, build.chest(seed=number))


def test_nothing_is_left_behind():
    before = {each.pid for each in children()}
    pool = DecodePool(size=2)
    pool.warm()
    (new,) = [each for each in children() if each.pid not in before]
    pool.close()
    assert not new.is_running() or new.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_children_end_with_a_killed_parent(tmp_path):
    path = build.write(tmp_path / "x")
    code = (
        "import sys, time; from pathlib import Path; from cxr_demo.studies.pool import DecodePool;"
        "pool = DecodePool(size=1); pool.open(Path(sys.argv[1]));"
        "print(pool._slots.get()._process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    pid = int(parent.stdout.readline())
    child = psutil.Process(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    gone, _ = psutil.wait_procs([child], timeout=5)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


def test_the_child_brings_no_screen_and_no_torch():
    code = (
        "import sys, cxr_demo.studies.child;"
        "print({'torch', 'gradio', 'transformers', 'starlette'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_child_finds_the_libraries_of_its_parent(monkeypatch, tmp_path):
    """Those that lie outside of the environment's own folder, too, but none by the way."""
    libraries, here = tmp_path / "libraries", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["", "somewhere", str(here), str(libraries), *sys.path])
    places = _environment()["PYTHONPATH"].split(os.pathsep)
    assert places[0] == str(ROOT) and str(libraries) in places
    assert not {"", "somewhere", str(here)} & set(places)


def answer(header, *payloads):
    stream = BytesIO()
    transfer.write_frame(stream, header, *payloads)
    stream.seek(0)
    return stream


def honest():
    stream = BytesIO()
    radiograph = _radiograph()
    transfer.write_radiographs(stream, (radiograph,))
    stream.seek(0)
    return transfer.read_frame(stream), radiograph


def _radiograph():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return open_study(build.write(Path(folder) / "x", build.chest(80, 80)))[0]


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": [100_000, 100_000]},
        {"shape": [-1, 5]},
        {"shape": "ab"},
        {"bits": 64},
        {"view": "UPSIDE DOWN"},
        {"windows": []},
        {"source": "<script>"},
        {"sha256": "../../etc/passwd"},
        {"slope": "nan"},
        {"spacing": [float("inf"), 1]},
        {"modality": "<b>x</b>"},
        {"notices": [["invented", {}]]},
        {"notices": [["lateral", {"part": "<img src=x>"}]]},
    ],
)
def test_a_child_that_lies_is_not_believed(lie):
    header, radiograph = honest()
    header["radiographs"][0] |= lie
    stream = answer(header, radiograph.pixels)
    with pytest.raises((transfer.BadAnswer, DecoderEnded)):
        transfer.read_radiographs(transfer.read_frame(stream), stream)


@pytest.mark.parametrize(
    "error",
    [
        {"code": "worker_died", "params": {}},
        {"code": "study_syntax", "params": {"syntax": "<script>alert(1)</script>"}},
        {"code": "study_syntax", "params": {"syntax": "x" * 1000}},
        {"code": 5, "params": {}},
        "text",
    ],
)
def test_errors_of_a_child_that_lies(error):
    stream = answer({"error": error})
    with pytest.raises(transfer.BadAnswer):
        transfer.read_radiographs(transfer.read_frame(stream), stream)


def test_frames_that_are_none():
    for data in (b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\3abc"):
        with pytest.raises(transfer.BadAnswer):
            transfer.read_frame(BytesIO(data))
    assert transfer.read_frame(BytesIO(b"\0\0")) is None
    assert transfer.read_frame(BytesIO(b"\0\0\0\x50ab")) is None
