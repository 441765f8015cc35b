"""The allocator's bound under Windows, with a card that is made up."""

import pytest
import torch

from cxr_demo.units import GIB
from cxr_demo.worker import spill
from cxr_demo.worker.engine import Engine


@pytest.fixture
def bounds(monkeypatch):
    """A card of 8 GiB, 5 free, 2 of ours; collects the fractions that torch is given."""
    given = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GIB, 8 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2 * GIB)
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share, device: given.append(share)
    )
    return given


def test_windows_is_bounded_by_what_is_free_and_what_is_ours(bounds):
    allowed = spill.keep_within_free("cuda:0", "win32")
    assert allowed == 7 * GIB - spill.MARGIN
    assert bounds == [pytest.approx(allowed / (8 * GIB))]


@pytest.mark.parametrize(("device", "system"), [("cuda:0", "linux"), ("cpu", "win32")])
def test_nothing_else_is_bounded(bounds, device, system):
    assert spill.keep_within_free(device, system) is None and bounds == []


def test_a_full_card_is_bounded_to_nothing_rather_than_below(bounds, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 8 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 0)
    assert spill.keep_within_free("cuda:0", "win32") == 0 and bounds == [0]


def test_the_engine_asks_before_each_load(monkeypatch, tmp_path):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    asked = []
    monkeypatch.setattr(spill, "keep_within_free", asked.append)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    engine = Engine(0)
    assert engine.only_gpu() == engine.only_gpu() == "cuda:0"
    assert asked == ["cuda:0", "cuda:0"]
