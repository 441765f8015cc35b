"""JPEG files to text: the engine's batches, refilled as replies end, against stock static batches.

Both sides read the same files in the same order, opened and preprocessed ahead by the same threads,
and give each image a reply of the same length, whatever its stop ids say. The prompt is the card's
own: the engine makes room for all the tokens that it allows, as in an evaluation.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import clock, workload
from benchmarks.speed.settings import Size
from benchmarks.speed.stock import Stock
from cxr_demo.errors import OutOfMemory
from cxr_demo.models import base
from cxr_demo.models.base import Seen
from cxr_demo.records import PipelineKind

SCOUTED = 3
"""Images per slot while the best number of slots is looked for."""
WORKERS = max(1, min(12, (os.cpu_count() or 2) - 2))


def of_engine(
    model: Any, files: Sequence[Path], size: Size, slots: Sequence[int]
) -> dict[str, Any]:
    """Images per second at each of `slots` with few images, and of all `files` at the best."""
    lengths = workload.lengths(len(files), size)
    tried: dict[str, Any] = {}
    for count in slots:
        some = min(len(files), SCOUTED * count)
        try:
            if len(slots) > 1:
                tried[str(count)] = _engine_run(model, files[:some], lengths, size, count)
        except OutOfMemory:
            tried[str(count)] = None
    rates = {int(name): each["images_per_second"] for name, each in tried.items() if each}
    best = max(rates, key=lambda each: rates[each], default=slots[0])
    whole = _engine_run(model, files, lengths, size, best)
    return {"tried": tried, "best_slots": best, "path": model.engine, "whole": whole}


def _engine_run(
    model: Any, files: Sequence[Path], lengths: Sequence[int], size: Size, slots: int
) -> dict[str, Any]:
    prompt = model.card.prompts[PipelineKind.REPORT]

    def items(images: Iterator[tuple[Path, Seen]], forced: Sequence[int]) -> Iterator[Any]:
        for (file, seen), length in zip(images, forced, strict=False):
            yield base.Item(file.stem, seen, prompt, force=length)

    def warm() -> None:
        first = workload.seen_ahead(model, files[:slots], WORKERS, slots)
        list(model.generate_many(items(first, [2] * slots), slots))

    warming = clock.seconds(warm, model._network.device)
    ended: list[float] = []
    began = time.perf_counter()
    ahead = workload.seen_ahead(model, files, WORKERS, 2 * slots)
    replies = []
    for reply in model.generate_many(items(ahead, lengths), slots):
        replies.append(reply)
        ended.append(time.perf_counter() - began)
    _check({each.key: len(each.ids) for each in replies}, files, lengths)
    use = model.batch_use
    return {
        "slots": slots,
        "images": len(files),
        "seconds": ended[-1],
        "seconds_warming": warming,
        "images_per_second": len(files) / ended[-1],
        "images_per_second_steady": _steady(ended),
        "tokens_per_second": sum(lengths[: len(files)]) / ended[-1],
        "idle_share": use.idle / (use.steps * slots) if use and use.steps else None,
        "characters": sum(len(each.text) for each in replies),
    }


def of_stock(
    stock: Stock,
    model: Any,
    decode: Callable[[list[int]], str],
    files: Sequence[Path],
    size: Size,
    batches: Sequence[int],
) -> dict[str, Any]:
    """Images per second of stock `generate()` with each static batch: sorted by arrival, each runs
    until its longest reply. `model` only opens the images, `decode` turns ids into text."""
    lengths = workload.lengths(len(files), size)
    tried: dict[str, Any] = {}
    for batch in batches:
        if batch > len(files):
            continue
        try:
            tried[str(batch)] = _stock_run(stock, model, decode, files, lengths, size, batch)
        except torch.OutOfMemoryError:
            tried[str(batch)] = None
        if stock.device.type == "cuda":
            torch.cuda.empty_cache()
    rates = {int(name): each["images_per_second"] for name, each in tried.items() if each}
    return {"tried": tried, "best_batch": max(rates, key=lambda each: rates[each], default=None)}


def _stock_run(
    stock: Stock,
    model: Any,
    decode: Callable[[list[int]], str],
    files: Sequence[Path],
    lengths: Sequence[int],
    size: Size,
    batch: int,
) -> dict[str, Any]:
    prompt = model.card.prompts[PipelineKind.REPORT]
    rounds = 2 if 2 * batch <= min(len(files), size.batches[0] * 2) else 1
    count = rounds * batch
    warm = [seen for _, seen in workload.seen_ahead(model, files[:batch], WORKERS, batch)]
    stock.generate(stock.inputs(warm, prompt), 2)
    clock.settle(stock.device)
    began = time.perf_counter()
    ahead = workload.seen_ahead(model, files[:count], WORKERS, 2 * batch)
    characters = steps = 0
    for first in range(0, count, batch):
        images = [seen for _, seen in itertools.islice(ahead, batch)]
        wanted = lengths[first : first + batch]
        inputs = stock.inputs(images, prompt)
        new = stock.generate(inputs, max(wanted))[:, -max(wanted) :].tolist()
        texts = [decode(ids[:length]) for ids, length in zip(new, wanted, strict=True)]
        characters += sum(map(len, texts))
        steps += max(wanted)
    seconds = time.perf_counter() - began
    return {
        "images": count,
        "seconds": seconds,
        "images_per_second": count / seconds,
        "tokens_per_second": sum(lengths[:count]) / seconds,
        "idle_share": 1 - sum(lengths[:count]) / (steps * batch),
        "characters": characters,
    }


def _steady(ended: Sequence[float]) -> float | None:
    """Replies per second between the first and the last quarter of the ends."""
    first, last = len(ended) // 4, 3 * len(ended) // 4
    spent = ended[last] - ended[first]
    return (last - first) / spent if spent > 0 else None


def _check(given: dict[str, int], files: Sequence[Path], lengths: Sequence[int]) -> None:
    """Raises RuntimeError unless every image got a reply of its length."""
    wanted = {file.stem: length for file, length in zip(files, lengths, strict=False)}
    if given != wanted:
        wrong = sum(given.get(name) != length for name, length in wanted.items())
        raise RuntimeError(f"{wrong} of {len(wanted)} replies have another length than forced")
