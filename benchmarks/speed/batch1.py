"""One radiograph at a time: every path of the engine and stock `generate()`, on the same image."""

import time
from dataclasses import replace
from typing import Any

import torch

from benchmarks.speed import clock, floor, paths
from benchmarks.speed.settings import Size
from benchmarks.speed.stock import Stock
from cxr_demo.decoding.engine import Engine, Request
from cxr_demo.models.base import Seen
from cxr_demo.records import PipelineKind, Prompt


def measure(model: Any, stock: Stock, seen: Seen, size: Size) -> dict[str, Any]:
    """Seconds to the first token and per token, of stock and of every path; and the floor."""
    prompt = replace(model.card.prompts[PipelineKind.REPORT], max_new_tokens=size.new_tokens)
    found: dict[str, Any] = {
        "floor": _floor(model, stock, prompt, size).to_dict(),
        "prompt_tokens": len(model.prompt_ids(prompt)),
        "stock": of_stock(stock, seen, prompt, size),
        "paths": {},
    }
    for path in paths.available(model):
        began = time.perf_counter()
        engine = paths.use(model, path)
        ready = time.perf_counter() - began
        tokens = size.plain_tokens if path == "plain" else size.new_tokens
        figures = of_path(model, engine, seen, replace(prompt, max_new_tokens=tokens), size)
        found["paths"][path] = {"seconds_until_ready": ready, **figures}
    return found


def of_stock(stock: Stock, seen: Seen, prompt: Prompt, size: Size) -> dict[str, Any]:
    """Stock `generate()` from the image's pixels: one token, and all of them."""

    def run(tokens: int) -> None:
        stock.generate(stock.inputs([seen], prompt), tokens)

    first = clock.repeated(lambda: run(1), stock.device, size.repeats)
    whole = clock.repeated(lambda: run(size.new_tokens), stock.device, size.repeats)
    return {
        "new_tokens": size.new_tokens,
        "ttft": first.to_dict(),
        "total": whole.to_dict(),
        "per_token": (whole.median - first.median) / (size.new_tokens - 1),
    }


@torch.no_grad()
def of_path(model: Any, engine: Engine, seen: Seen, prompt: Prompt, size: Size) -> dict[str, Any]:
    """The same of one path, and its parts, launched one by one: image and prompt to embeddings, and
    prefill; and both as the path does them together."""
    tokens = prompt.max_new_tokens
    device = model.prefix(seen, prompt).embeddings.device
    # the second reply sets up what comes again
    runs = [_reply(model, engine, seen, prompt) for _ in range(size.repeats + 2)][2:]
    embedded = clock.repeated(lambda: model.prefix(seen, prompt), device, size.repeats)
    prefix = model.prefix(seen, prompt)
    prefill = clock.repeated(lambda: engine.prefill(prefix, tokens), device, size.repeats)
    both = clock.repeated(lambda: model.begin(seen, prompt), device, size.repeats)
    streamed = [_streamed(model, seen, prompt) for _ in range(size.repeats)]
    gaps = [each for each in streamed if each is not None]
    return {
        "new_tokens": tokens,
        "ttft": clock.spread([first for first, _ in runs]).to_dict(),
        "embedding": embedded.to_dict(),
        "prefill": prefill.to_dict(),
        "both": both.to_dict(),
        "per_token": clock.spread([rest / (tokens - 1) for _, rest in runs]).to_dict(),
        # with text, as the screen gets it; None if the random reply ended at once
        "per_token_streamed": clock.spread(gaps).to_dict() if gaps else None,
    }


def _reply(model: Any, engine: Engine, seen: Seen, prompt: Prompt) -> tuple[float, float]:
    """Seconds from pixels to the first token on the host, and from there to the last."""
    began = time.perf_counter()
    steps = engine.decode(model.begin(seen, prompt), Request(prompt.max_new_tokens))
    next(steps)
    first = time.perf_counter()
    count = sum(1 for _ in steps)
    if count != prompt.max_new_tokens - 1:
        raise RuntimeError(f"{engine.name} gave {count + 1} tokens of {prompt.max_new_tokens}")
    return first - began, time.perf_counter() - first


def _streamed(model: Any, seen: Seen, prompt: Prompt) -> float | None:
    elapsed = [token.elapsed for token in model.generate(seen, prompt)]
    if len(elapsed) < 2:
        return None
    return (elapsed[-1] - elapsed[0]) / (len(elapsed) - 1)


def _floor(model: Any, stock: Stock, prompt: Prompt, size: Size) -> floor.Floor:
    network = model._network
    return floor.Floor(
        floor.weights_bytes(stock.body, stock.head),
        floor.cache_bytes(
            network.layers,
            network.window,
            network.dtype.itemsize,
            len(model.prompt_ids(prompt)),
            size.new_tokens,
        ),
        clock.copy_bandwidth(stock.device, size.copied),
    )
