"""NVIDIA's management library, asked so that every answer may be missing. Bytes.

Memory is "memory info version 2", whose `used` is what nvidia-smi shows (version 1 counts the
driver's reserve as used). No driver, no library, no right to ask: the answer is None.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import pynvml

from cxr_demo.records import GpuMemory


def ask(question: Callable[..., Any], *arguments: Any) -> Any:
    """`question(*arguments)`, or None where NVML cannot say."""
    try:
        return question(*arguments)
    except pynvml.NVMLError:
        return None


def open_nvml() -> bool:
    """Start NVML for this process; false if there is no usable NVIDIA driver. May be repeated."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return True


def handles() -> list[Any]:
    """All GPUs of this machine in nvidia-smi's order; empty without a driver."""
    if not open_nvml():
        return []
    count = ask(pynvml.nvmlDeviceGetCount) or 0
    return [ask(pynvml.nvmlDeviceGetHandleByIndex, index) for index in range(count)]


def memory_used(handle: Any) -> int | None:
    """Bytes in use on one GPU, by all processes."""
    memory = ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    return None if memory is None else int(memory.used)


def memory_free(handle: Any) -> int | None:
    """Bytes that are free on one GPU."""
    memory = ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    return None if memory is None else int(memory.free)


def process_used(handle: Any, pid: int) -> int | None:
    """Bytes of one GPU that process `pid` uses; None under Windows (WDDM does not tell), in most
    containers (NVML counts pids of the host), and for a process without a CUDA context."""
    for process in ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) or []:
        if process.pid == pid and process.usedGpuMemory is not None:
            return int(process.usedGpuMemory)
    return None


def describe(index: int, handle: Any, pid: int) -> GpuMemory:
    """One GPU at this moment, with what process `pid` uses of it."""
    memory = ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    rates = ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
    return GpuMemory(
        index=index,
        name=name(handle) or f"GPU {index}",
        total=None if memory is None else int(memory.total),
        used=None if memory is None else int(memory.used),
        free=None if memory is None else int(memory.free),
        load=None if rates is None else rates.gpu / 100,
        process_used=process_used(handle, pid),
    )


def describe_all() -> list[GpuMemory]:
    """Every GPU of this machine at this moment, with what this process uses of it."""
    found = enumerate(handles())
    return [describe(index, each, os.getpid()) for index, each in found if each is not None]


def name(handle: Any) -> str | None:
    """The GPU's product name."""
    answer = ask(pynvml.nvmlDeviceGetName, handle)
    return answer.decode() if isinstance(answer, bytes) else answer


def first_visible(environment: Mapping[str, str] = os.environ) -> int | None:
    """NVML's index of the GPU that torch calls `cuda:0`, if CUDA_DEVICE_ORDER is PCI_BUS_ID.

    CUDA_VISIBLE_DEVICES may hide or reorder GPUs, by index or by the start of a UUID. None if
    there is no GPU, or none is visible.
    """
    found = handles()
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return 0 if found else None
    first = wanted.split(",")[0].strip()
    if first.isdecimal():
        return int(first) if int(first) < len(found) else None
    for index, handle in enumerate(found):
        uuid = ask(pynvml.nvmlDeviceGetUUID, handle)
        text = uuid.decode() if isinstance(uuid, bytes) else uuid
        if first and text is not None and text.startswith(first):
            return index
    return None
