"""What to offer where a model did not fit: the same one, stored smaller."""

from cxr_demo.fit.answers import answer, offered
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.machine import Gpu
from cxr_demo.fit.storage import STORAGES
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision


def offer(
    model: str, precision: Precision, gpu: Gpu | None, ram_free: int | None = None
) -> Precision | None:
    """The largest 4-bit precision of `model` that needs less than `precision`, fits, and can be
    computed here; None if there is none, or nothing is known of the model's memory."""
    if model not in ARCHITECTURES:
        return None
    asked = answer(model, precision, gpu, ram_free).need.peak
    smaller = [
        answer(model, each, gpu, ram_free)
        for each in offered(CARDS[model], gpu)
        if STORAGES[each].packed and each is not precision
    ]
    fitting = [each for each in smaller if each.runs and each.need.peak < asked]
    best = max(fitting, key=lambda each: each.need.peak, default=None)
    return None if best is None else best.precision
