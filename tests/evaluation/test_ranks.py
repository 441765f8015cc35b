"""Ranks: who gets which GPU, and files that are not merged while somebody writes them."""

import pytest

from cxr_demo.errors import LeaseHeld
from cxr_demo.evaluation import rank_files, ranks
from cxr_demo.evaluation.facts import together
from cxr_demo.evaluation.faults import TooFewGpus
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.store.records import Group, Row
from cxr_demo.telemetry import nvml
from cxr_demo.worker.lease import Lease

GROUP = Group("g", "preliminary", {}, "m" * 64, "chexpert valid", 4, True)


def part(images, seconds, peak):
    counts = dict.fromkeys(("tokens", "steps", "slot_steps", "idle_slot_steps"), 10)
    memory = {"vram_device_peak": peak, "vram_device_baseline": 1, "rss_peak": None, "slots": 8}
    return {"images": images, "seconds": seconds, **counts, **memory}


def test_more_ranks_than_gpus_are_refused_and_processors_are_shared(monkeypatch):
    monkeypatch.setattr(nvml, "handles", lambda: ["a", "b"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert ranks.visible_gpus() == ["0", "1"]
    ranks.check_gpus(2)
    with pytest.raises(TooFewGpus, match="--ranks"):
        ranks.check_gpus(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(TooFewGpus):
        ranks.check_gpus(2)
    monkeypatch.setattr(nvml, "handles", list)
    ranks.check_gpus(8)


def test_each_rank_sees_one_gpu(monkeypatch):
    monkeypatch.setattr(nvml, "handles", lambda: ["a", "b", "c"])
    monkeypatch.setenv(ranks.GPUS, "0,2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert ranks.choose_gpu(1) == 2
    monkeypatch.setenv(ranks.GPUS, "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert ranks.choose_gpu(0) is None


def test_rates_of_one_launch_add_up_and_launches_follow_each_other():
    found = together({"a/0": part(100, 10.0, 7), "a/1": part(90, 9.0, 9)})
    assert found["images_per_second"] == 19 and found["ranks"] == 2
    assert (found["vram_device_peak"], found["tokens"], found["seconds"]) == (9, 20, 10.0)
    found = together({"a/0": part(100, 10.0, 7), "b/0": part(50, 5.0, None)})
    assert found["images_per_second"] == 10 and found["ranks"] == 1


def test_files_of_ranks_are_merged_once_nobody_writes_them_any_more():
    file = rank_files.rank_file("g", "1", 0)
    with EvaluationStore(file) as rank:
        rank.put_group(GROUP)
        run = rank.open_arm("g", "embedded", "bf16", "report", {"engine": "plain"}, 4)
        rank.commit(run, Row(2, "r", "end"))
        rank.set_facts(run, batch_parts={"1/0": part(1, 2.0, 5)})
    with EvaluationStore(store_path()) as store:
        with Lease(file.with_suffix(".lock")), pytest.raises(LeaseHeld):
            rank_files.merge(store, "g")
        rank_files.merge(store, "g")
        assert store.done(run) == {2} and not file.exists()
        assert store.arm(run).facts["batch"]["images_per_second"] == 0.5
