"""A worker with a model that misbehaves on demand: everything else in it is the real thing.

The first pixel of a radiograph says what happens; the model writes "word " every 10 ms.
"""

import time

from cxr_demo import models
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.models.base import Reply, Seen
from cxr_demo.records import (
    DoneEvent,
    FindingLabel,
    FindingSet,
    Memory,
    Phase,
    PhaseEvent,
    Provenance,
    Reading,
    StopReason,
    Timings,
    Token,
    TokenEvent,
)
from cxr_demo.worker.engine import Engine
from cxr_demo.worker.lease import device_lease
from cxr_demo.worker.serve import leave, serve

WORDS = 30
ENDLESS, OUT_OF_MEMORY, DEVICE_FAULT, BUG = 1, 2, 3, 4
STEP_S = 0.15


class FakeModel:
    engine, weights_sha256 = "fake", "f" * 64
    confirmed, stand_in, batch_use = False, False, None

    def __init__(self, card, precision):
        self.card, self.precision = card, precision
        self.device = "fake device"

    def generate_many(self, items, slots, should_stop):
        for item in items:
            time.sleep(STEP_S)
            if should_stop():
                return
            yield Reply(item.key, "No pneumothorax.", (5, 6), StopReason.END, 9, STEP_S)

    def see(self, radiograph):
        return Seen(radiograph.pixels[..., None].repeat(3, -1).astype("uint8"), "fake")

    def prompt_text(self, prompt):
        return f"<image>{prompt.text}"

    def reset_peaks(self):
        pass

    settle = reset_peaks

    def peaks(self):
        return Memory(vram_allocated_peak=7)

    def close(self):
        pass


def load(card, precision, device, progress):
    for step in range(10):
        progress(step / 10)
        time.sleep(0.02)
    return FakeModel(card, precision)


class FakeEngine(Engine):
    def _open_device(self):
        if self._lease is None:
            self._lease = device_lease(None).acquire()
        return "cpu"

    def prove_at_first(self):
        """Words that come from no network can be tested for nothing."""

    require_image_use = prove_at_first

    def read(self, radiograph, kind, should_stop, submitted, prompt=None):
        order = int(radiograph.pixels[0, 0])
        yield PhaseEvent(Phase.READING)
        count = 10**6 if order == ENDLESS else WORDS
        written = 0
        while written < count and not should_stop():
            yield TokenEvent(Token(written, 5, "word ", 0.01 * written))
            written += 1
            time.sleep(0.01)
            if written == 5 and order == OUT_OF_MEMORY:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            if written == 5 and order == DEVICE_FAULT:
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
            if written == 5 and order == BUG:
                raise ValueError("/home/ana/maria.dcm")
        stop = StopReason.END if written == count else StopReason.STOPPED
        asked = self._model.card.prompt(kind, prompt)
        yield DoneEvent(
            reading(self._model, "word " * written, stop, kind, radiograph.sha256, asked)
        )


def reading(model, report, stop, kind, sha256, prompt):
    findings = FindingSet(
        "rules", tuple(FindingLabel(each, Label.NOT_MENTIONED) for each in FINDINGS)
    )
    provenance = Provenance(
        model=model.card.id,
        revision=None,
        weights_sha256=None,
        precision=model.precision,
        pipeline=kind,
        prompt=prompt,
        preprocessing="fake",
        engine="fake",
        device=model.device,
        image_sha256=sha256,
        versions={},
        created="",
    )
    return Reading(report, (findings,), stop, Timings(), model.peaks(), provenance)


if __name__ == "__main__":
    models.load = load
    leave(serve(FakeEngine))
