"""Where weights lie, when a folder is complete, and hashes that notice changes."""

import hashlib
import json
import os

import pytest

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models.cards import card
from cxr_demo.paths import assets_dir, models_dir, private_dir
from cxr_demo.weights import Installed, Missing

MEDGEMMA = card("medgemma-4b-it")


@pytest.fixture
def place(tmp_path):
    """A folder with all that a checkpoint needs besides weights."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "preprocessor_config.json").write_text("{}")
    return tmp_path


def write_index(place, names):
    index = {"weight_map": {f"tensor{i}": name for i, name in enumerate(names)}}
    (place / weights.INDEX).write_text(json.dumps(index))


def test_folders():
    assert weights.folder(card("embedded")) == assets_dir() / "embedded"
    assert weights.folder(MEDGEMMA) == models_dir() / "medgemma-4b-it"


def test_an_absent_folder_misses_everything(tmp_path):
    found = weights.status(MEDGEMMA, tmp_path / "nowhere")
    assert isinstance(found, Missing)
    assert "model.safetensors" in found.what


def test_one_file_is_complete(place):
    (place / "model.safetensors").write_bytes(b"12345")
    found = weights.status(MEDGEMMA, place)
    assert found == Installed(place, (place / "model.safetensors",), 5)


def test_every_shard_of_the_index_is_needed(place):
    write_index(place, ["b.safetensors", "a.safetensors", "b.safetensors"])
    (place / "a.safetensors").write_bytes(b"1")
    assert weights.status(MEDGEMMA, place).what == ("b.safetensors",)
    (place / "b.safetensors").write_bytes(b"22")
    found = weights.status(MEDGEMMA, place)
    assert [each.name for each in found.shards] == ["a.safetensors", "b.safetensors"]
    assert found.size == 3


@pytest.mark.parametrize("name", ["../secret.safetensors", "weights.bin", "a/b.safetensors"])
def test_an_index_that_names_other_files_is_refused(place, name):
    write_index(place, [name])
    with pytest.raises(WeightsRefused):
        weights.status(MEDGEMMA, place)


@pytest.mark.parametrize("text", ["", "[]", '{"weight_map": 3}', '{"weight_map": {}}'])
def test_an_index_that_is_none_is_refused(place, text):
    (place / weights.INDEX).write_text(text)
    with pytest.raises(WeightsRefused):
        weights.status(MEDGEMMA, place)


def test_only_pickles_is_said(place):
    (place / "pytorch_model.bin").write_bytes(b"x")
    assert weights.status(MEDGEMMA, place).pickled


def test_the_hash_of_one_file_is_its_own(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert weights.digest([tmp_path / "a"]) == hashlib.sha256(b"abc").hexdigest()


def test_the_hash_of_several_is_that_of_sha256sum(tmp_path):
    for name in "ba":
        (tmp_path / name).write_bytes(name.encode())
    lines = "".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}\n" for n in "ab")
    both = [tmp_path / "b", tmp_path / "a"]
    assert weights.digest(both) == hashlib.sha256(lines.encode()).hexdigest()


def test_a_hash_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    first = weights.digest([path])
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    assert weights.digest([path]) == first
    monkeypatch.undo()
    os.utime(path, ns=(1, 1))
    path.write_bytes(b"abd")
    assert weights.digest([path]) == hashlib.sha256(b"abd").hexdigest()


def test_the_memory_names_no_files(tmp_path):
    path = tmp_path / "Maria da Silva"
    path.write_bytes(b"abc")
    weights.digest([path])
    assert "Maria" not in (private_dir() / "hashes.json").read_text()
