"""Launches that a GPU replays by itself, recorded once."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch


def pool(device: torch.device) -> Any:
    """Memory for graphs of which never two run at the same time; None without CUDA."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def record(run: Callable[[], None], device: torch.device, pool: Any) -> torch.cuda.CUDAGraph:
    """What `run` launches, as one graph whose own memory comes from `pool`. Runs it once before:
    libraries set themselves up on the first call, which cannot be recorded. No other thread may
    multiply on the device meanwhile: its space for that would go from under it."""
    with torch.cuda.device(device), _nothing_collected():
        give_back(device)
        beside = _beside(device)
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            run()
        torch.cuda.current_stream().wait_stream(beside)
        give_back(device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool, beside, capture_error_mode="thread_local"):
            run()
        _workspaces()  # the graph's own: to the pool, where the next graph finds it
    return graph


def settle(device: torch.device) -> None:
    """Wait until every run is over, so that graphs and what they write to may go."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def give_back(device: torch.device) -> None:
    """Return to the driver what graphs that have gone held, and what one stream holds and another
    has no use for."""
    if device.type == "cuda":
        _workspaces()
        torch.cuda.empty_cache()


def _workspaces() -> None:
    """Give up the space that cuBLAS keeps for each stream it has worked on: 32 MiB on Hopper, 8 on
    others. It takes it anew when it next works there; a captured product has it from its pool."""
    torch._C._cuda_clearCublasWorkspaces()


@cache
def _beside(device: torch.device) -> torch.cuda.Stream:
    # One for all, since the allocator keeps what it frees by streams.
    return torch.cuda.Stream(device)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keeps an older graph that lies in Python's garbage where it is: to be destroyed by chance in
    the middle of a capture would spoil that one."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
