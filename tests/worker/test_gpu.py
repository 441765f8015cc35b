"""On a real NVIDIA GPU: figures, death without remains, and a GPU that somebody else has filled."""

import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.phantoms import phantoms
from cxr_demo.phantoms import SAMPLE_SEEDS
from cxr_demo.records import DoneEvent, FailedEvent, Memory, PipelineKind, Precision
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.telemetry import nvml
from cxr_demo.units import GIB, MIB
from cxr_demo.worker import launch
from cxr_demo.worker.client import JobState
from tests.phantom_images import radiograph
from tests.worker.helpers import until

GPU = nvml.first_visible()
pytestmark = pytest.mark.skipif(GPU is None, reason="NO NVIDIA GPU HERE: the worker ran on the CPU")

READ = ("embedded", Precision.NF4, PipelineKind.REPORT)
HOG = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
block = torch.empty(free - int(sys.argv[1]), dtype=torch.uint8, device="cuda")
print("full", flush=True)
sys.stdin.read()
"""


def used():
    return nvml.memory_used(nvml.handles()[GPU])


def test_figures_on_a_gpu_and_nothing_left_after_kill_9(start):
    before = used()
    worker = start(launch.COMMAND)
    *_, done = worker.read(radiograph(SAMPLE_SEEDS[0]), *READ)
    assert isinstance(done, DoneEvent), done
    memory = done.reading.memory
    assert abs(memory.vram_device_baseline - before) < 20 * MIB
    assert memory.vram_device_peak - memory.vram_device_baseline > 200 * MIB  # the context alone
    assert 0 < memory.vram_allocated_peak <= memory.vram_reserved_peak
    assert memory.vram_reserved_peak < memory.vram_device_peak
    # The status is half a second old: wait for one from after the reading.
    read_at = time.time()
    status = worker.wait(lambda status: status.telemetry.at > read_at, 5)
    gpu = status.telemetry.gpus[GPU]
    assert status.device == gpu.name == done.reading.provenance.device
    assert abs(gpu.used - used()) <= 20 * MIB
    assert status.telemetry.device_peak == memory.vram_device_peak
    print(done.reading.timings, memory)
    psutil.Process(status.pid).kill()
    until(lambda: used() - before < 20 * MIB, 10)
    *_, again = worker.read(radiograph(SAMPLE_SEEDS[0]), *READ)
    assert again.reading.report == done.reading.report


def test_a_gpu_that_is_full_costs_one_reading(start):
    before = used()
    hog = subprocess.Popen(
        [sys.executable, "-c", HOG, str(GIB // 4)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert hog.stdout.readline() == b"full\n"
    worker = start(launch.COMMAND)
    *_, last = worker.read(radiograph(SAMPLE_SEEDS[0]), *READ)
    hog.kill()
    hog.communicate()
    assert isinstance(last, FailedEvent) and last.error["code"] == "out_of_memory"
    until(lambda: used() - before < GIB, 10)
    *_, done = worker.read(radiograph(SAMPLE_SEEDS[0]), *READ)
    assert isinstance(done, DoneEvent), done


def test_an_evaluation_with_a_guest_and_a_resume(start):
    worker = start(launch.COMMAND)
    recipe = phantoms(pipelines=[PipelineKind.DIRECT])
    worker.start_evaluation(recipe, {"phantoms": "200"}, {"timed": False, "slots": 8}).result(60)
    at_work = worker.wait(lambda now: now.job and now.job.done >= 40, 240)
    assert (at_work.model, at_work.precision) == ("embedded", Precision.BF16)
    *_, done = worker.read(radiograph(SAMPLE_SEEDS[0]), *READ)  # in 4 bits, beside it
    assert isinstance(done, DoneEvent) and done.reading.memory == Memory()
    back = worker.wait(lambda now: not now.guest and now.job.done > at_work.job.done, 60)
    assert back.precision is Precision.BF16
    worker.pause_job().result(10)
    worker.wait(lambda now: now.job.state is JobState.PAUSED, 30)
    worker.resume_job().result(30)
    worker.wait(lambda now: now.job.state is JobState.FINISHED, 240)
    with StoreReader(store_path()) as store:
        (arm,) = store.arms(store.groups()[0].id)
    assert (arm.done, arm.failed) == (200, 0)
    again = arm.facts["after_resume"]
    assert again["images"] == 32 and again["labels"]["direct"]["images"] == 32
    resumed = [each for each in arm.facts["notes"] if each["code"] == "resumed"]
    assert len(resumed) == 1  # the guest put no batch down
    print(again, arm.facts["batch"])


def test_a_true_size_model_is_measured_and_leaves_nothing(start):
    worker = start(launch.COMMAND)
    worker.wait(lambda status: status.telemetry is not None, 30)
    found = worker.measure_fit("chexagent-2-3b", Precision.NF4).result(300)
    assert 2 * GIB < found.need.load <= found.need.peak < 5 * GIB
    assert found.tokens == 512 and 0 < found.tpot < found.ttft < 10
    print(found)
    worker.wait(lambda status: status.model is None, 5)
    read_at = time.time()
    status = worker.wait(lambda status: status.telemetry.at > read_at, 5)
    left = status.telemetry.gpus[GPU].used - status.telemetry.device_baseline
    assert left < GIB  # the context, and no tensor
