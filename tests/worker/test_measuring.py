"""Measuring what a model takes of this GPU: through a real worker process, and the measurement."""

import sys
import time

import pytest
import torch

from benchmarks import checkpoints
from cxr_demo import fit
from cxr_demo.errors import PrecisionUnsupported
from cxr_demo.fit import measured
from cxr_demo.models import measuring as phases
from cxr_demo.models import published
from cxr_demo.records import DoneEvent, Precision
from cxr_demo.telemetry import Sampler
from cxr_demo.units import GIB
from cxr_demo.worker import launch, measuring
from cxr_demo.worker.client import WorkerState
from tests.worker.helpers import CHOICE, image, until
from tests.worker.measuring_worker import GPU, PEAK

MADE_UP = (sys.executable, "-m", "tests.worker.measuring_worker")
ASKED = ("chexagent-2-3b", Precision.NF4)
CARD = fit.Gpu(GPU, 8 * GIB, 7 * GIB)


@pytest.fixture(autouse=True)
def private(monkeypatch, tmp_path):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "none.json")


@pytest.fixture
def worker(private, start):
    client = start(MADE_UP)
    client.wait(lambda status: status.pid is not None, 15)
    return client


def test_a_measurement_tells_how_far_it_is_and_replaces_the_estimate(worker):
    assert fit.answer(*ASKED, CARD).basis is fit.Basis.ESTIMATE
    running = worker.measure_fit(*ASKED)
    status = worker.wait(lambda status: status.state is WorkerState.MEASURING, 10)
    assert (status.model, status.precision) == ASKED
    seen = set()
    until(lambda: seen.add(running.progress) or running.done, 30)
    told = sorted((each for each in seen if each), key=lambda each: each.fraction)
    assert told[0].stage == "building"
    assert told[-1].stage == "reading" and told[-1].fraction > 0.6
    assert any(each.remaining is not None for each in told)
    found = running.result(1)
    assert (found.gpu, found.need.peak) == (GPU, PEAK)
    here = fit.answer(*ASKED, CARD)
    assert (here.basis, here.need.peak, here.ttft) == (fit.Basis.HERE, PEAK, 0.3)
    ready = worker.wait(lambda status: status.state is WorkerState.READY, 5)
    assert ready.model is None  # what was loaded left, and did not come back by itself


def test_a_stop_ends_it_and_stores_nothing(worker):
    running = worker.measure_fit(*ASKED)
    until(lambda: running.progress, 10)
    running.stop()
    began = time.monotonic()
    with pytest.raises(fit.MeasuringStopped):
        running.result(5)
    assert time.monotonic() - began < 1
    assert fit.answer(*ASKED, CARD).basis is fit.Basis.ESTIMATE
    *_, last = worker.read(image(), *CHOICE)
    assert isinstance(last, DoneEvent)  # the worker reads on


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("embedded", Precision.BF16), fit.NotDescribed),
        (("chexagent-2-3b", Precision.NF4_EMB), PrecisionUnsupported),
    ],
)
def test_what_cannot_be_measured_is_refused(worker, asked, error):
    with pytest.raises(error):
        worker.measure_fit(*asked).result(10)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_one_sentence_says_so(start):
    client = start(launch.COMMAND)
    with pytest.raises(fit.NoGpu, match="estimate is all there is"):
        client.measure_fit(*ASKED).result(60)


def test_the_measurement_itself_with_a_tiny_model(monkeypatch):
    layout = checkpoints.layout("chexagent-8b", tiny=True)
    tiny = {"config.json": layout.config, "preprocessor_config.json": layout.images}
    monkeypatch.setattr(published, "settings", lambda card: tiny)

    peaks = iter((3, 9, 4, 5))

    class Meter(phases.Meter):
        """Gives what a driver would; a processor has no memory of its own to tell of."""

        def end(self):
            return phases.Phase(super().end().seconds, 1, 2, next(peaks))

    told = []

    def progress(stage, fraction):
        told.append((stage, fraction))

    def take():
        sampler = Sampler(None)
        try:
            return measuring.take("cpu", "chexagent-8b", Precision.NF4, sampler, progress)
        finally:
            sampler.close()

    with pytest.raises(fit.NoGpu):  # nothing was measured: nothing is made up
        take()
    monkeypatch.setattr(phases, "Meter", Meter)
    found = take()
    assert found.need == fit.Need(load=3, prefill=9, decode=5)  # the warm-up counts as a prefill
    assert (found.tokens, found.engine) == (512, "plain")
    assert found.ttft > 0 and found.tpot > 0 and found.prompt > 128
    assert {stage for stage, _ in told} == {"building", "reading"}
