"""Strangers on the GPU are told from this process, its children and its own other number."""

import os
from types import SimpleNamespace

import pytest

from cxr_demo.telemetry import neighbours, nvml
from cxr_demo.telemetry.neighbours import Neighbours


@pytest.fixture
def gpu(monkeypatch):
    """A GPU whose list of processes the test writes."""
    listed = {}

    def ask(question, *arguments):
        return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in listed.items()]

    monkeypatch.setattr(nvml, "handles", lambda: ["a GPU"])
    monkeypatch.setattr(neighbours.nvml, "ask", ask)
    return listed


def test_without_a_gpu_nobody_is_there():
    assert Neighbours(None).look() is None


def test_a_stranger_is_seen_with_its_bytes_and_goes_again(gpu):
    here = Neighbours(0)
    gpu[os.getpid()] = 5
    here.settle()
    assert here.look() is None
    gpu[999_999_999] = 7
    assert here.look() == (1, 7)
    gpu[999_999_998] = None
    assert here.look() == (2, None)
    gpu.clear()
    assert here.look() is None


def test_who_was_there_before_is_a_stranger_too(gpu):
    gpu[999_999_999] = 7
    here = Neighbours(0)
    gpu[os.getpid()] = 5
    here.settle()
    assert here.look() == (1, 7)


def test_in_a_container_our_own_number_is_learnt(gpu):
    here = Neighbours(0)
    gpu[1_234_567_890] = 5  # this process, by the host's count
    here.settle()
    assert here.look() is None
    gpu[999_999_999] = 7
    assert here.look() == (1, 7)
    assert here.look(child_on_device=True) is None  # it may be the child
