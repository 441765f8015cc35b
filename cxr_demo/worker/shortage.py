"""Too little memory: what is needed, what is free, and how to go on."""

from typing import Any

from cxr_demo import fit
from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.evaluation.faults import NoLongerFits
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
    gpu, free = _device(before)
    needed = fit.answer(model, precision, gpu, free).need.peak
    smaller = fit.offer(model, precision, gpu, free)
    return OutOfMemory(
        model=CARDS[model].name,
        free=free,
        # An estimate that was too small is no explanation.
        **({"needed": needed} if needed > free else {}),
        offer=None if smaller is None else {"model": model, "precision": smaller.value},
    )


def require_room(model: str, precision: Precision, known: int | None, now: Telemetry) -> None:
    """Raises NoLongerFits if neither what one reading takes (measured, or estimated) nor `known`
    bytes are free, what this process holds counted as free. The embedded model fits."""
    if model not in ARCHITECTURES:
        return
    gpu, free = _device(now)
    needed = fit.answer(model, precision, gpu, free).need.peak
    needed = needed if known is None else min(needed, known)
    if fit.judge(needed, free) is fit.Verdict.NO:
        raise NoLongerFits(model=CARDS[model].name, needed=needed, free=free)


def batch(model: str, precision: Precision, new: int, images: int, now: Telemetry) -> int | None:
    """Radiographs to read at once, see `fit.batch`, what this process holds counted as free; None
    without a GPU and for the embedded model."""
    gpu, free = _device(now)
    if gpu is None or model not in ARCHITECTURES:
        return None
    return fit.batch(model, precision, free, new, images)


def _device(now: Telemetry) -> tuple[fit.Gpu | None, int]:
    """The worker's GPU, None on a processor, and the bytes that are free once this process has let
    go of what it holds."""
    machine = fit.machine(now)
    gpu = next((each for each in machine.gpus if each.index == now.device_index), None)
    return gpu, machine.ram_free + (now.rss or 0) if gpu is None else gpu.free
