"""The measurement of memory: planning of caps, merging, and the whole with tiny models."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import memory, report
from cxr_demo.fit.machine import DESKTOP
from cxr_demo.records import Precision
from cxr_demo.units import GIB

CONTEXT = 700 * 2**20


def plan(tmp_path, seconds=60.0):
    return memory.Plan(tmp_path, 512, False, memory.CARDS, time.monotonic() + seconds)


def row(peak, model="chexagent-2-3b", precision="nf4"):
    phase = {"seconds": 1.0, "allocated": peak, "reserved": peak - CONTEXT, "device": peak}
    return {
        "model": model,
        "precision": precision,
        "device": "NVIDIA Test",
        "engine": "plain",
        "work": {"prompt": 1064, "new": 512, "batch": 1},
        "ttft": 0.1,
        "tpot": 0.01,
        "allowed": 1,
        **dict.fromkeys(("load", "warm_up", "prefill", "decode"), phase),
    }


class Child:
    """Answers as a process would whose model needs `needed` bytes of the device."""

    def __init__(self, needed):
        self.needed = needed
        self.asked = []

    def __call__(self, model, precision, plan, gib=None, context=0):
        self.asked.append(gib)
        assert context == CONTEXT
        if self.needed > gib * GIB - DESKTOP:
            return {"model": model, "precision": precision.value, "failed": "out_of_memory"}
        return row(self.needed, model, precision.value)


def test_caps_are_tried_from_below_until_one_holds_it(tmp_path):
    child = Child(int(3.5 * GIB))
    found = memory.caps(row(int(3.5 * GIB)), plan(tmp_path), child)
    assert child.asked == [
        4,
        6,
    ]  # 4 GiB hold the weights and not the reading; larger ones are implied
    assert [each["finished"] for each in found] == [False, True, True, True, True]
    assert found[0]["why"] == "out_of_memory" and found[2]["why"] == "6 GiB do"
    assert found[1]["tokens"] == 512 and not found[2]["tried"]


def test_cards_below_the_weights_are_not_tried_and_say_so(tmp_path):
    child = Child(int(16.2 * GIB))
    found = memory.caps(row(int(16.5 * GIB), "chexagent-8b", "bf16"), plan(tmp_path), child)
    assert child.asked == []
    assert {each["why"] for each in found} == {"not tried: weights alone exceed"}
    assert all(each["finished"] is None for each in found)


def test_a_report_that_takes_more_of_the_device_than_the_card_has_did_not_fit(tmp_path):
    answer = row(int(3.41 * GIB))  # the allocator kept its cap, the context did not
    found = memory.caps(row(int(3.3 * GIB)), plan(tmp_path), lambda *_: answer)
    assert found[0]["finished"] is False and "device" in found[0]["why"]


def test_what_the_time_did_not_suffice_for_is_named(tmp_path):
    found = memory.caps(row(int(3.5 * GIB)), plan(tmp_path, seconds=-1), Child(GIB))
    assert {each["why"] for each in found} == {"not tried: out of time"}


def test_a_crash_of_one_pair_is_its_row_and_the_others_go_on(tmp_path):
    def child(model, precision, plan, gib=None, context=0):
        if precision is Precision.NF4:
            return {"model": model, "precision": "nf4", "failed": "crash", "detail": "killed"}
        return row(int(17 * GIB), model, precision.value)

    both = (Precision.NF4, Precision.BF16)
    rows = list(memory.pairs_of("chexagent-8b", both, plan(tmp_path), child))
    assert rows[0]["caps"] == [] and len(rows[1]["caps"]) == len(memory.CARDS)


def test_a_run_that_is_cut_short_has_written_what_it_measured(tmp_path, monkeypatch):
    def pairs(model, precisions, plan, child):
        yield row(3)
        raise KeyboardInterrupt

    monkeypatch.setattr(memory, "pairs_of", pairs)
    monkeypatch.setattr(memory, "write_checkpoint", lambda *_: {"seconds": 1.0, "bytes": 2})
    out = tmp_path / "cut.json"
    with pytest.raises(KeyboardInterrupt):
        memory.main(["chexagent-2-3b", "--folder", str(tmp_path / "models"), "--out", str(out)])
    results = report.read(out)
    assert [each["decode"]["device"] for each in results["pairs"]] == [3]
    assert set(results["checkpoints"]) == {"chexagent-2-3b"}


def written(path, rows):
    return report.write(path, "w", "c", {"pairs": rows, "checkpoints": {path.stem: {}}}, ["GPU"])


def test_parts_are_merged_and_a_later_row_replaces_an_earlier_one(tmp_path):
    one = written(tmp_path / "one.json", [row(1), row(2, precision="bf16")])
    two = written(tmp_path / "two.json", [row(3)])
    whole = json.loads(memory.merge([one, two], tmp_path / "whole.json").read_text())
    assert report.problems(whole) == []
    peaks = {each["precision"]: each["decode"]["device"] for each in whole["results"]["pairs"]}
    assert peaks == {"nf4": 3, "bf16": 2}
    assert set(whole["results"]["checkpoints"]) == {"one", "two"}


def test_parts_of_different_versions_are_refused(tmp_path):
    one, two = written(tmp_path / "one.json", [row(1)]), written(tmp_path / "two.json", [row(2)])
    other = json.loads(two.read_text())
    other["versions"]["torch"] = "1.0"
    two.write_text(json.dumps(other))
    with pytest.raises(ValueError, match="different versions"):
        memory.merge([one, two], tmp_path / "whole.json")


def test_the_whole_with_a_tiny_model_on_this_machine(tmp_path):
    out = tmp_path / "tiny.json"
    command = [sys.executable, "-m", "benchmarks.memory", "chexagent-8b", "--tiny"]
    command += ["--precisions", "nf4", "--folder", str(tmp_path / "models"), "--out", str(out)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=300)
    results = report.read(out)
    (pair,) = results["pairs"]
    assert "failed" not in pair and pair["work"]["new"] == memory.TINY_TOKENS
    assert pair["ttft"] > 0 and pair["tpot"] > 0 and pair["load"]["seconds"] > 0
    assert pair["unseen"][0]["tokens"] == 2 * 4 and pair["unseen"][0]["work"]["batch"] == 2
    assert len(pair["caps"]) == len(memory.CARDS)
    assert not (tmp_path / "models" / "chexagent-8b").exists()  # 33 GB of it at full size
