"""Seconds on a synchronised clock, and the bandwidth that memory reaches when it only copies."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Spread:
    """Repeated seconds of one thing, warm-up dropped."""

    median: float
    least: float
    most: float
    repeats: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def spread(seconds: list[float]) -> Spread:
    """Of at least one value."""
    return Spread(statistics.median(seconds), min(seconds), max(seconds), len(seconds))


def settle(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long `run` takes, its work on the device included."""
    settle(device)
    began = time.perf_counter()
    run()
    settle(device)
    return time.perf_counter() - began


def repeated(run: Callable[[], object], device: torch.device, repeats: int) -> Spread:
    """`run` once to warm up, then `repeats` times."""
    run()
    return spread([seconds(run, device) for _ in range(repeats)])


def copy_bandwidth(device: torch.device, size: int) -> float:
    """Bytes per second, read and written both counted, of copies of `size` bytes (less where the
    device has not that much free)."""
    if device.type == "cuda":
        size = min(size, torch.cuda.mem_get_info(device)[0] // 4)
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    times = repeated(lambda: target.copy_(source), device, 10)
    return 2 * 4 * source.numel() / times.median


def kernels(runs: Sequence[Callable[[], object]], device: torch.device, rounds: int) -> float:
    """Seconds of one of `runs`, all of them one after the other, `rounds` times: one CUDA graph, so
    that no launch from the host counts. Different runs should touch different memory, or caches
    answer."""
    if device.type != "cuda":
        return repeated(lambda: [run() for run in runs], device, rounds).median / len(runs)
    beside = torch.cuda.Stream(device)
    beside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(beside):
        for run in runs:
            run()
    torch.cuda.current_stream(device).wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for run in runs:
            run()
    return repeated(graph.replay, device, rounds).median / len(runs)
