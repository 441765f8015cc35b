"""One schema for everything under `benchmarks/results`."""

import copy
import json

import pytest

from benchmarks import report

FILES = sorted(report.RESULTS.glob("*"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_result_follows_the_schema(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    assert report.problems(record) == []
    assert record["name"] == path.stem


def test_there_are_results():
    assert "medgemma_full_size.json" in [path.name for path in FILES]


def test_what_is_written_follows_it_and_comes_back(tmp_path):
    path = tmp_path / "folder" / "speed.json"
    report.write(path, "A test.", "python -m pytest", {"seconds": 1.5, "unknown": None})
    assert report.read(path) == {"seconds": 1.5, "unknown": None}
    record = json.loads(path.read_text())
    assert record["name"] == "speed"
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["torch"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"extra": 1}, "exactly the fields"),
        ({"results": {}}, "results is empty"),
        ({"results": [1]}, "results is no dict"),
        ({"what": ""}, "what is empty"),
        ({"schema": 2}, "schema is 2"),
        ({"machine": {"cpu": "x"}}, "machine has exactly"),
    ],
)
def test_what_does_not_follow_it_is_found(tmp_path, change, wrong):
    path = report.write(tmp_path / "a.json", "A test.", "python", {"seconds": 1})
    record = copy.deepcopy(json.loads(path.read_text())) | change
    assert any(wrong in each for each in report.problems(record))


def test_a_result_names_its_hardware(tmp_path):
    path = report.write(tmp_path / "a.json", "A test.", "python", {"seconds": 1})
    record = json.loads(path.read_text())
    record["machine"] |= {"cpu": None, "gpus": []}
    assert report.problems(record)
    with pytest.raises(ValueError, match="empty"):
        report.write(tmp_path / "b.json", "A test.", "python", {})
