"""One model in one precision in a process of its own: `python -m benchmarks.memory_pair MODEL
PRECISION --out FILE [--cap GIB --context BYTES]`. Called by `benchmarks.memory`.

Loads as the worker does, reads one radiograph at full length, then batches of sizes that the
estimator was not fitted on. With `--cap` torch's allocator gets what a card of that many GiB would
leave it, and only the reading is done. Weights are random, so no quality follows.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cxr_demo.worker.isolation import seal

seal()  # before anything heavy: the worker's environment, GPU order and all

from cxr_demo import models  # noqa: E402
from cxr_demo.errors import CxrError, OutOfMemory  # noqa: E402
from cxr_demo.fit.machine import DESKTOP  # noqa: E402
from cxr_demo.models.cards import card  # noqa: E402
from cxr_demo.records import PipelineKind, Precision  # noqa: E402
from cxr_demo.telemetry import Sampler, nvml  # noqa: E402
from cxr_demo.units import GIB  # noqa: E402

UNSEEN = ((8, 64), (3, 200))
"""Batch sizes and new tokens at which the estimator is judged and never fitted."""
TINY_UNSEEN = ((2, 4),)


@dataclass(frozen=True)
class Cap:
    """Imitate a card of `gib` GiB. `context` bytes are outside of torch's allocator."""

    gib: float
    context: int

    @property
    def allowed(self) -> int:
        """Bytes that torch's allocator may have."""
        return round(self.gib * GIB) - DESKTOP - self.context


def measure(
    model: str,
    precision: Precision,
    tokens: int,
    unseen: tuple[tuple[int, int], ...],
    cap: Cap | None = None,
) -> dict[str, Any]:
    """Load, read once at full length, read the `unseen` batches. Raises CxrError."""
    import torch

    from cxr_demo.models import stock
    from cxr_demo.models.measuring import Meter, full_reading, noise, ready

    gpu = nvml.first_visible()
    sampler = Sampler(gpu)
    on_gpu = gpu is not None and torch.cuda.is_available()
    device = torch.device("cuda:0" if on_gpu else "cpu")
    context = _bare_context(sampler, device)
    if cap is not None:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(cap.allowed / total, device)
    meter = Meter(sampler, device)
    phases: dict[str, Any] = {}

    def progress(fraction: float) -> None:
        if fraction >= 1 and "load" not in phases:
            phases["load"] = asdict(meter.end())
            meter.begin()  # what follows is the warm-up

    meter.begin()
    loaded = models.load(card(model), precision, str(device), progress)
    inner: Any = loaded
    prompt = replace(card(model).prompts[PipelineKind.REPORT], max_new_tokens=tokens)
    ready(inner, noise(), prompt)
    phases["warm_up"] = asdict(meter.end())
    reading = full_reading(inner, noise(), prompt, meter)
    row = {
        "model": model,
        "precision": precision.value,
        "device": loaded.device,
        "engine": loaded.engine,
        "allocator": os.environ.get("PYTORCH_ALLOC_CONF"),
        "work": {"prompt": reading.prompt, "new": tokens, "batch": 1},
        "ttft": reading.ttft,
        "tpot": reading.tpot,
        "bare_context": context,
        "baseline": sampler.sample().device_baseline,
        "rss": sampler.sample().rss,
        **phases,
        "prefill": asdict(reading.prefill),
        "decode": asdict(reading.decode),
    }
    # transformers' own generate() takes one radiograph at a time, so it has no batches.
    batches = () if loaded.engine == stock.NAME else unseen
    row["unseen"] = [_batch(inner, meter, size, new) for size, new in batches]
    loaded.close()
    sampler.close()
    return row


def _bare_context(sampler: Sampler, device: Any) -> int | None:
    """Bytes that CUDA takes before anything was computed; None without it."""
    import torch

    from cxr_demo.models.measuring import outside

    if device.type == "cuda":
        torch.zeros(1, device=device)
        torch.cuda.synchronize(device)
    return outside(sampler, device)


def _batch(model: Any, meter: Any, size: int, new: int) -> dict[str, Any]:
    """`size` radiographs at once, each answered with `new` tokens."""
    from cxr_demo.models.base import Item
    from cxr_demo.models.measuring import noise

    prompt = replace(model.card.prompts[PipelineKind.REPORT], max_new_tokens=new)  # and its room
    seen = model.see(noise())
    items: Iterator[Item] = (Item(str(n), seen, prompt, force=new) for n in range(size))
    meter.forget()
    meter.begin()
    replies = list(model.generate_many(items, size))
    phase = asdict(meter.end())
    work = {"prompt": replies[0].prompt_tokens, "new": new, "batch": size}
    return {"work": work, "tokens": sum(len(each.ids) for each in replies), **phase}


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the head of this file."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory_pair", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("precision", type=Precision, choices=list(Precision))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--cap", type=float, help="GiB of the card that is imitated")
    parser.add_argument("--context", type=int, default=0, help="bytes, as measured without a cap")
    chosen = parser.parse_args(arguments)
    cap = None if chosen.cap is None else Cap(chosen.cap, chosen.context)
    import torch

    unseen = () if cap else TINY_UNSEEN if chosen.tiny else UNSEEN
    try:
        row = measure(chosen.model, chosen.precision, chosen.tokens, unseen, cap)
    except torch.OutOfMemoryError:  # in a reading; the loaders translate theirs
        row = {"model": chosen.model, "precision": chosen.precision.value}
        row["failed"] = OutOfMemory.code
    except CxrError as error:
        row = {"model": chosen.model, "precision": chosen.precision.value, "failed": error.code}
        if not isinstance(error, OutOfMemory):
            row["detail"] = error.message()
    row["allowed"] = None if cap is None else cap.allowed
    chosen.out.write_text(json.dumps(row, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
