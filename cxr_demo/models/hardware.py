"""What the chosen device is and can do."""

import platform
from pathlib import Path

import torch

from cxr_demo.errors import OutOfMemory, PrecisionUnsupported
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.faults import not_offered
from cxr_demo.records import Memory, Precision
from cxr_demo.telemetry import capability


def name_of(device: torch.device) -> str:
    """The hardware's name, such as "NVIDIA H200" or the processor's."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    for line in _cpu_lines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine() or "CPU"


def check_precision(card: ModelCard, precision: Precision, device: torch.device) -> None:
    """Raise PrecisionUnsupported unless `card` offers `precision` and `device` computes it."""
    if precision not in card.evaluated:
        raise not_offered(card.name, precision, card.evaluated)
    if device.type != "cuda":
        return
    barred = capability.barred(precision, torch.cuda.get_device_capability(device))
    if barred is not None:
        raise PrecisionUnsupported(model=card.name, precision=precision.value, detail=barred.detail)


def out_of_memory(card: ModelCard, device: torch.device) -> OutOfMemory:
    """The error to raise for torch's; says what is free on the device now."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
    return OutOfMemory(model=card.name, free=free)


def room(device: torch.device) -> int | None:
    """Bytes of a GPU that torch may still take, as far as one can tell now."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    allocated = torch.cuda.memory_allocated(device)
    cap = int(torch.cuda.get_per_process_memory_fraction(device) * total)
    return min(free + torch.cuda.memory_reserved(device), cap) - allocated


def reset_peaks(device: torch.device) -> None:
    """Start a new measurement of torch's peaks."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peaks(device: torch.device) -> Memory:
    """torch's peaks since `reset_peaks`, in bytes; nothing without CUDA."""
    if device.type != "cuda":
        return Memory()
    return Memory(
        vram_allocated_peak=torch.cuda.max_memory_allocated(device),
        vram_reserved_peak=torch.cuda.max_memory_reserved(device),
    )


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
