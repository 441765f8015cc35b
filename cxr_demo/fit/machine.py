"""The cards and the memory of this machine, or of one that somebody thinks of buying."""

import re
from dataclasses import dataclass

import psutil

from cxr_demo.fit.faults import CardNotUnderstood
from cxr_demo.records import GpuMemory, Telemetry
from cxr_demo.telemetry import capability as capabilities
from cxr_demo.telemetry import nvml
from cxr_demo.units import GIB

DESKTOP = GIB * 6 // 10
"""Bytes that driver and desktop take of a card that is only typed in."""

_LARGEST = 1024
_SIZE = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(?:GB|GiB|G)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Gpu:
    """One card. `total` and `free` in bytes; `capability` is CUDA's, None if unknown; `index` is
    NVML's; `typed`: nobody has asked a card, somebody typed its size."""

    name: str
    total: int
    free: int
    capability: tuple[int, int] | None = None
    index: int | None = None
    typed: bool = False


@dataclass(frozen=True)
class Machine:
    """This machine: its GPUs in nvidia-smi's order, and its main memory in bytes. `visible` is
    NVML's index of the GPU that the worker uses."""

    gpus: tuple[Gpu, ...]
    ram_total: int
    ram_free: int
    visible: int | None = None

    @property
    def first(self) -> Gpu | None:
        """The GPU that the worker uses."""
        return next((each for each in self.gpus if each.index == self.visible), None)


def machine(telemetry: Telemetry | None = None) -> Machine:
    """This machine now. What our own worker holds on its GPU counts as free (`telemetry`: its last
    one), since a model on the device leaves before the next one comes."""
    memory = psutil.virtual_memory()
    told = nvml.describe_all()
    gpus = tuple(each for gpu in told if (each := _gpu(gpu, telemetry)) is not None)
    return Machine(gpus, memory.total, memory.available, nvml.first_visible())


def typed(gib: float | str) -> Gpu:
    """A card of `gib` GB (which has so many GiB), with the usual share of driver and desktop taken
    off. Raises CardNotUnderstood."""
    found = _SIZE.fullmatch(str(gib))
    size = float(found[1].replace(",", ".")) if found else 0.0
    if not 1 <= size <= _LARGEST:
        raise CardNotUnderstood(typed=str(gib)[:20])
    total = round(size * GIB)
    return Gpu(f"{size:g} GB", total, total - DESKTOP, typed=True)


def _gpu(told: GpuMemory, telemetry: Telemetry | None) -> Gpu | None:
    if told.total is None or told.free is None:
        return None  # NVML does not say: nothing to compare with
    free = min(told.total, told.free + held(told.index, telemetry))
    return Gpu(told.name, told.total, free, capabilities.of(told.index), told.index)


def held(index: int, telemetry: Telemetry | None) -> int:
    """Bytes that our worker holds on the GPU with NVML's `index`; 0 if that cannot be told."""
    if telemetry is None or telemetry.device_index != index:
        return 0
    own = next((each for each in telemetry.gpus if each.index == index), None)
    if own is None:
        return 0
    if own.process_used is not None:
        return own.process_used
    if own.used is None or telemetry.device_baseline is None:
        return 0
    return max(0, own.used - telemetry.device_baseline)
