"""Samples of memory and load, taken in a thread beside the work. Bytes and seconds.

A request's peaks are the largest of samples taken every `INTERVAL_S` while it runs; an allocation
that lives for less than that may be missed (torch's own peaks, which miss none, stand beside them).
"""

import os
import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil

from cxr_demo.records import GpuMemory, Memory, Telemetry
from cxr_demo.telemetry import nvml

INTERVAL_S = 0.03


@dataclass
class _Peaks:
    device: int | None = None
    process: int | None = None
    rss: int | None = None


class Sampler:
    """What one process and the GPU with NVML's index `device_index` (None: no GPU) use.

    Make it before the process touches the GPU: `device_baseline` is what is used at that moment.
    Thread-safe; `close` ends its thread.
    """

    def __init__(self, device_index: int | None) -> None:
        self._pid = os.getpid()
        self._process = psutil.Process(self._pid)
        self._handles = nvml.handles()
        self._index = device_index
        self._device: Any = None if device_index is None else self._handles[device_index]
        self._baseline = None if self._device is None else nvml.memory_used(self._device)
        self._peaks = _Peaks()
        self._lock = threading.Lock()
        self._active = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="memory-peaks", daemon=True)
        self._thread.start()

    def sample(self) -> Telemetry:
        """All GPUs, and the process's own memory, now."""
        gpus: tuple[GpuMemory, ...] = tuple(
            nvml.describe(index, handle, self._pid)
            for index, handle in enumerate(self._handles)
            if handle is not None
        )
        with self._lock:
            device_peak, rss_peak = self._peaks.device, self._peaks.rss
        return Telemetry(
            at=time.time(),
            gpus=gpus,
            device_index=self._index,
            device_peak=device_peak,
            device_baseline=self._baseline,
            rss=self._process.memory_info().rss,
            rss_peak=rss_peak,
        )

    def begin_request(self) -> None:
        """Forget the last request's peaks and watch closely until `end_request`."""
        with self._lock:
            self._peaks = _Peaks()
        self._measure()
        self._active.set()

    def end_request(self) -> Memory:
        """The peaks since `begin_request`; torch's fields are left None."""
        self._active.clear()
        self._measure()
        with self._lock:
            return Memory(
                vram_process_peak=self._peaks.process,
                vram_device_peak=self._peaks.device,
                vram_device_baseline=self._baseline,
                rss_peak=self._peaks.rss,
            )

    def close(self) -> None:
        """End the watching thread."""
        self._closed = True
        self._active.set()
        self._thread.join(1)

    def _watch(self) -> None:
        while True:
            self._active.wait()
            if self._closed:
                return
            self._measure()
            time.sleep(INTERVAL_S)

    def _measure(self) -> None:
        rss = self._process.memory_info().rss
        device = process = None
        if self._device is not None:
            device = nvml.memory_used(self._device)
            process = nvml.process_used(self._device, self._pid)
        with self._lock:
            self._peaks.rss = _larger(self._peaks.rss, rss)
            self._peaks.device = _larger(self._peaks.device, device)
            self._peaks.process = _larger(self._peaks.process, process)


def _larger(known: int | None, new: int | None) -> int | None:
    if known is None or new is None:
        return known if new is None else new
    return max(known, new)
