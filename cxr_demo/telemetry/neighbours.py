"""Who else computes on the GPU: their memory and their time would be taken for ours.

NVML lists processes by the host's numbers. In a container ours is another one there, so it is known
by having come while a model was loaded.
"""

import os

import psutil
import pynvml

from cxr_demo.telemetry import nvml


class Neighbours:
    """Processes on the GPU with NVML's index `device_index` (None: no GPU, and nobody to see). Make
    it before this process touches the GPU."""

    def __init__(self, device_index: int | None) -> None:
        self._handle = None if device_index is None else nvml.handles()[device_index]
        self._before = set(self._processes())
        self._mine: set[int] = set()

    def settle(self) -> None:
        """This process has just come to the GPU: whoever is new there is it."""
        if not self._mine:
            self._mine = set(self._processes()) - self._before

    def look(self, child_on_device: bool = False) -> tuple[int, int | None] | None:
        """How many others there are, and their bytes (None: not told); None if there are none.
        `child_on_device`: a process that this one started uses the GPU too. In a container it
        cannot be told from a stranger, so then nobody is seen."""
        found = self._processes()
        if os.getpid() in found or not self._hidden(found):
            others = found.keys() - self._family()
        elif child_on_device:
            return None
        else:
            others = found.keys() - self._mine
        if not others:
            return None
        sizes = [found[each] for each in others]
        known = [each for each in sizes if each is not None]
        return len(others), sum(known) if len(known) == len(sizes) else None

    def _hidden(self, found: dict[int, int | None]) -> bool:
        """Whether this process stands in the list under a number that it does not know."""
        return bool(self._mine & found.keys()) and os.getpid() not in self._mine

    @staticmethod
    def _family() -> set[int]:
        me = psutil.Process()
        return {me.pid, *(each.pid for each in me.children(recursive=True))}

    def _processes(self) -> dict[int, int | None]:
        if self._handle is None:
            return {}
        listed = nvml.ask(pynvml.nvmlDeviceGetComputeRunningProcesses, self._handle) or []
        return {each.pid: each.usedGpuMemory for each in listed}
