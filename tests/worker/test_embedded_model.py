"""The embedded model in the worker, nothing replaced: a reading, a stop, an evaluation."""

import pytest

from cxr_demo.evaluation.job import store_path
from cxr_demo.evaluation.phantom_run import radiograph
from cxr_demo.evaluation.phantom_score import micro_f1
from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.phantoms import SAMPLE_SEEDS
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    PipelineKind,
    Precision,
    StopReason,
    TokenEvent,
)
from cxr_demo.store.runs import RunStore
from cxr_demo.worker import launch
from cxr_demo.worker.client import JobState
from tests.worker.helpers import image

EMBEDDED = ("embedded", Precision.BF16)
RECIPE = {"count": 3, "precision": "bf16", "pipeline": "direct"}


@pytest.mark.slow
def test_reading_stopping_seeing_refusing_and_evaluating(start):
    worker = start(launch.COMMAND)
    phantom = radiograph(SAMPLE_SEEDS[0])
    *_, done = worker.read(phantom, *EMBEDDED, PipelineKind.REPORT)
    assert isinstance(done, DoneEvent), done
    reading = done.reading
    assert reading.stop is StopReason.END and len(reading.report) > 40
    assert reading.timings.ttft < reading.timings.total
    assert reading.memory.rss_peak > 200e6
    assert tuple(each.finding for each in reading.findings[0].labels) == FINDINGS
    assert reading.provenance.image_sha256 == phantom.sha256

    stream = worker.read(phantom, *EMBEDDED, PipelineKind.REPORT)
    next(event for event in stream if isinstance(event, TokenEvent))
    stream.stop()
    *_, last = stream
    assert last.reading.stop is StopReason.STOPPED
    assert reading.report.startswith(last.reading.report[:10])
    assert len(last.reading.report) < len(reading.report)

    seen = worker.see(phantom, *EMBEDDED, PipelineKind.REPORT)
    assert seen.image.ndim == 3 and seen.prompt == reading.provenance.prompt
    assert seen.preprocessing == reading.provenance.preprocessing

    *_, refused = worker.read(image(), *EMBEDDED, PipelineKind.REPORT)
    assert isinstance(refused, FailedEvent) and refused.error["code"] == "phantoms_only"

    run = worker.start_job("phantoms", RECIPE).result(30).run
    ended = worker.wait(lambda status: status.job.state is not JobState.RUNNING, 60).job
    assert (ended.state, ended.done, ended.failed) == (JobState.FINISHED, 3, 0)
    with RunStore(store_path()) as store:
        rows = list(store.predictions(run))
    assert all(row.report and row.tokens and row.provenance for row in rows)
    assert all(row.seconds > 0 and row.ttft > 0 for row in rows)
    assert all(len(row.labels["direct"]) == 14 for row in rows)
    score = micro_f1(rows, UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)
    assert score is not None and 0 <= score <= 1
