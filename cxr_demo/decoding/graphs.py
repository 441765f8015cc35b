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
    libraries set themselves up on the first call, which cannot be recorded."""
    with torch.cuda.device(device), _nothing_collected():
        torch.cuda.empty_cache()  # memory of one stream is of no use to the other
        beside = _beside(device)
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            run()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool, beside, capture_error_mode="thread_local"):
            run()
    return graph


@cache
def _beside(device: torch.device) -> torch.cuda.Stream:
    # One for all: cuBLAS keeps 32 MiB for every stream that it has ever worked on.
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
