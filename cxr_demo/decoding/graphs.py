"""Launches that a GPU replays by itself, recorded once."""

from collections.abc import Callable
from typing import Any

import torch


def pool(device: torch.device) -> Any:
    """Memory for graphs of which never two run at the same time; None without CUDA."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def record(run: Callable[[], None], device: torch.device, pool: Any) -> torch.cuda.CUDAGraph:
    """What `run` launches, as one graph whose own memory comes from `pool`. Runs it once before:
    libraries set themselves up on the first call, which cannot be recorded."""
    with torch.cuda.device(device):
        torch.cuda.empty_cache()  # memory of one stream is of no use to the other
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            run()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            run()
    return graph
