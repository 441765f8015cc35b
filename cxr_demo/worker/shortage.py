"""Too little memory: what was needed, what was free, and how to go on."""

from typing import Any

from cxr_demo import fit
from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision, Telemetry


def explained(error: CxrError, request: Any, before: Telemetry) -> CxrError:
    """`error` of `request` (a Load, Read, ...); one for want of memory with `needed` and `free` in
    bytes and an `offer`, as far as they can be told. `before` was sampled while the model was still
    on the device."""
    model, precision = getattr(request, "model", None), getattr(request, "precision", None)
    if not isinstance(error, OutOfMemory) or model not in ARCHITECTURES:
        return error
    if not isinstance(precision, Precision):
        return error
    machine = fit.machine(before)
    gpu = next((each for each in machine.gpus if each.index == before.device_index), None)
    free = machine.ram_free + (before.rss or 0) if gpu is None else gpu.free
    needed = fit.answer(model, precision, gpu, free).need.peak
    smaller = fit.offer(model, precision, gpu, free)
    return OutOfMemory(
        model=CARDS[model].name,
        free=free,
        # An estimate that was too small is no explanation.
        **({"needed": needed} if needed > free else {}),
        offer=None if smaller is None else {"model": model, "precision": smaller.value},
    )
