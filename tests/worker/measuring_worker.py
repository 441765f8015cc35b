"""A worker whose GPU is made up: what is measured takes two seconds and is always the same."""

import time

from cxr_demo import fit
from cxr_demo.worker import measuring
from cxr_demo.worker.serve import leave, serve
from tests.worker.fake_worker import FakeEngine

GPU = "NVIDIA Made Up"
PEAK = 3_000_000_000


class Engine(FakeEngine):
    def only_gpu(self):
        return "cuda:0"


def take(device, model, precision, sampler, progress):
    for stage in (measuring.BUILDING, measuring.READING):
        for step in range(40):
            progress(stage, step / 40)
            time.sleep(0.02)
    need = fit.Need(PEAK - 2, PEAK - 1, PEAK)
    return fit.Measured(
        model, precision, GPU, need, 0.3, 0.01, 1064, 512, "fake", "2026-11-26T04:00:00+00:00", {}
    )


if __name__ == "__main__":
    measuring.take = take
    leave(serve(Engine))
