import os
import subprocess
import time

import numpy as np
import psutil
import pytest

from cxr_demo.telemetry import Sampler, nvml
from cxr_demo.units import MIB

GPU = nvml.first_visible()


@pytest.fixture
def sampler():
    made = Sampler(GPU)
    yield made
    made.close()


def test_a_peak_that_comes_and_goes_is_seen(sampler):
    sampler.begin_request()
    before = sampler.sample().rss
    block = np.ones(200 * MIB, np.uint8)
    time.sleep(0.2)
    del block
    time.sleep(0.1)
    memory = sampler.end_request()
    assert memory.rss_peak - before > 180 * MIB
    assert sampler.sample().rss < memory.rss_peak - 100 * MIB
    assert sampler.sample().rss_peak == memory.rss_peak  # kept until the next request
    sampler.begin_request()
    assert sampler.end_request().rss_peak < memory.rss_peak - 100 * MIB


def test_the_process_memory_is_the_systems_own_figure(sampler):
    assert abs(sampler.sample().rss - psutil.Process(os.getpid()).memory_info().rss) < 20 * MIB


@pytest.mark.skipif(GPU is not None, reason="this machine has an NVIDIA GPU")
def test_what_cannot_be_had_is_none():
    sampler = Sampler(None)
    sample, memory = sampler.sample(), sampler.end_request()
    sampler.close()
    assert sample.gpus == () and sample.device_index is None
    assert (sample.device_peak, sample.device_baseline) == (None, None)
    assert (memory.vram_device_peak, memory.vram_process_peak) == (None, None)


@pytest.mark.skipif(GPU is None, reason="NO NVIDIA GPU HERE: NVML was not compared")
def test_nvml_says_what_nvidia_smi_says(sampler):
    line = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[GPU]
    used, total = (int(part) * MIB for part in line.split(","))
    gpu = sampler.sample().gpus[GPU]
    assert abs(gpu.used - used) <= 20 * MIB
    assert gpu.total == pytest.approx(total, abs=20 * MIB)
    assert 0 <= gpu.load <= 1


@pytest.mark.parametrize("hidden", ["", "7777", "GPU-nothing", "-1"])
def test_a_hidden_gpu_is_no_gpu(hidden):
    assert nvml.first_visible({"CUDA_VISIBLE_DEVICES": hidden}) is None
    assert nvml.first_visible({}) == (0 if nvml.handles() else None)
