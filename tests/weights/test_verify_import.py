"""Flipped bytes are found, and folders that were carried over are checked before they count."""

import os
import shutil

import pytest
from hub_server import COMMIT, LARGE, git_sha1, tensors, tiny_model

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models.cards import card
from cxr_demo.models.faults import UnknownModel
from cxr_demo.paths import models_dir
from cxr_demo.weights import faults, hashes, record
from cxr_demo.weights.fetch import Fetch
from cxr_demo.weights.importing import import_folder
from cxr_demo.weights.verify import State, verify

ID = "medgemma-4b-it"
REPO = "google/medgemma-4b-it"


@pytest.fixture
def place(hub):
    """The model's folder after a fetch."""
    Fetch(ID, hub=hub()).run()
    return models_dir() / ID


def flip(path, at=-1):
    before = path.stat()
    whole = bytearray(path.read_bytes())
    whole[at] ^= 1
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return before


def states(found):
    return {each.name: each.state for each in found if each.state is not State.RIGHT}


def test_what_was_fetched_is_right(place):
    found = verify(ID)
    assert states(found) == {} and len(found) == 5
    assert all(each.published for each in found)


def test_a_flipped_byte_with_its_time_restored_is_found(place):
    before = flip(place / LARGE)
    after = (place / LARGE).stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    weights.locate(card(ID))  # neither size, nor time, nor inode tell: only reading does
    assert states(verify(ID)) == {LARGE: State.ALTERED}
    with pytest.raises(WeightsRefused):  # and from now on it is not loaded either
        weights.locate(card(ID))


def test_a_fetch_mends_what_verify_found(place, hub):
    flip(place / LARGE)
    verify(ID)
    Fetch(ID, hub=hub()).run()
    assert states(verify(ID)) == {}


def test_missing_and_unlisted_files_are_named(place):
    (place / "tokenizer.json").unlink()
    (place / "stray.bin").write_bytes(b"?")
    assert states(verify(ID)) == {"tokenizer.json": State.MISSING, "stray.bin": State.UNLISTED}


def test_a_new_inode_is_hashed_again(place, monkeypatch):
    copied = place / "copy"
    shutil.copy2(place / LARGE, copied)
    copied.replace(place / LARGE)
    computed = []
    monkeypatch.setattr(hashes, "_compute", lambda path, _: computed.append(path.name) or "other")
    with pytest.raises(WeightsRefused):
        weights.locate(card(ID))
    assert computed == [LARGE]


def test_without_a_record_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(faults.NothingThere):
        verify(ID)
    plain(models_dir() / ID)
    with pytest.raises(faults.NoRecord):
        verify(ID)
    with pytest.raises(UnknownModel):
        verify("embedded")


@pytest.mark.parametrize("text", ["", "[]", '{"files": {"../x": {"size": 1, "sha256": null}}}'])
def test_a_broken_record_is_refused_and_a_fetch_mends_it(place, hub, text):
    (place / "cxr-demo.json").write_text(text)
    with pytest.raises(WeightsRefused):
        weights.locate(card(ID))
    Fetch(ID, hub=hub()).run()
    assert weights.locate(card(ID))


@pytest.fixture
def carried(place, tmp_path):
    """What was fetched elsewhere, carried over; this machine has nothing."""
    target = tmp_path / "usb" / "anything"
    shutil.copytree(place, target)
    shutil.rmtree(place)
    return target


def test_a_fetched_folder_is_imported_with_its_commit(carried):
    done = import_folder(carried)
    assert done.compared and done.package.id == ID
    assert weights.revision(card(ID)) == COMMIT
    assert weights.locate(card(ID)) and states(verify(ID)) == {}


def test_a_byte_that_changed_on_the_way_is_found(carried):
    flip(carried / LARGE)
    with pytest.raises(faults.WrongHash, match=r"model\.safetensors"):
        import_folder(carried)
    assert isinstance(weights.status(card(ID)), weights.Missing)
    assert record.read(models_dir() / ID) is None
    assert not list((models_dir() / ID).glob("*.part"))


def test_a_folder_without_a_file_is_refused(carried):
    (carried / "config.json").unlink()
    with pytest.raises(faults.ImportRefused, match=r"config\.json"):
        import_folder(carried)


def plain(folder):
    folder.mkdir(parents=True)
    for name, data in tiny_model().items():
        if "/" not in name:
            (folder / name).write_bytes(data)
    return folder


def test_files_as_they_are_are_imported_and_said_to_be_uncompared(tmp_path):
    folder = plain(tmp_path / "medgemma-4b-it")
    done = import_folder(folder)
    assert not done.compared and weights.revision(card(ID)) is None
    here = {each.name for each in (models_dir() / ID).iterdir()}
    assert not here & {"modeling.py", "pytorch_model.bin", "README.md"}
    assert not any(each.published for each in verify(ID))


def test_a_copy_that_broke_off_is_refused(tmp_path):
    folder = plain(tmp_path / "anything")
    with pytest.raises(faults.ImportRefused, match="--model"):
        import_folder(folder)
    (folder / LARGE).write_bytes(tensors()[:-1])
    with pytest.raises(faults.CutShort, match=r"model\.safetensors is cut short"):
        import_folder(folder, ID, check=never)  # said before tensors are looked for
    assert not (models_dir() / ID).exists()


def test_pickles_alone_are_said_to_be_the_reason(tmp_path):
    folder = plain(tmp_path / "anything")
    (folder / LARGE).unlink()
    with pytest.raises(faults.NotWhole, match=r"safetensors \(its pickle files are never loaded\)"):
        import_folder(folder, ID)


def never(card, folder):
    raise AssertionError("looked into a broken file")


def test_a_file_whose_size_is_not_that_of_its_record_is_refused_before_a_copy(carried):
    (carried / "tokenizer.json").write_bytes(b"{")
    with pytest.raises(faults.CutShort, match=r"tokenizer\.json"):
        import_folder(carried)
    assert not (models_dir() / ID).exists()


def test_the_cache_of_huggingface_hub_names_hashes_and_commit(tmp_path):
    cache = tmp_path / "models--google--medgemma-4b-it"
    snapshot = cache / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    for name, data in tiny_model().items():
        if "/" in name:
            continue
        sha256 = hashes.hashlib.sha256(data).hexdigest()
        blob = cache / "blobs" / (sha256 if name == LARGE else git_sha1(data))
        blob.write_bytes(data)
        (snapshot / name).symlink_to(blob)
    older = cache / "snapshots" / ("0" * 40)
    older.mkdir()
    with pytest.raises(faults.ImportRefused):
        import_folder(cache)  # two, and nothing says which
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(COMMIT)
    assert import_folder(cache).compared  # the folder that people copy
    assert weights.revision(card(ID)) == COMMIT
    assert import_folder(snapshot).compared
    assert weights.revision(card(ID)) == COMMIT
    flip((snapshot / LARGE).resolve())
    with pytest.raises(faults.WrongHash):
        import_folder(snapshot)
    assert weights.locate(card(ID))  # what was there before stays


def test_odd_folders_are_refused(place, tmp_path):
    with pytest.raises(faults.ImportRefused):
        import_folder(tmp_path / "nowhere")
    with pytest.raises(faults.ImportRefused):
        import_folder(place)
