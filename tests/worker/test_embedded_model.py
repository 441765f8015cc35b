"""The embedded model in the worker, nothing replaced: a reading, a stop, an evaluation."""

import pytest

from benchmarks.phantoms import phantoms
from cxr_demo.evaluation.scores import scores
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
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker import launch
from cxr_demo.worker.client import JobState
from tests.phantom_images import radiograph
from tests.worker.helpers import image

EMBEDDED = ("embedded", Precision.BF16)
RECIPE = phantoms(pipelines=[PipelineKind.DIRECT])


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

    worker.start_evaluation(RECIPE, {"phantoms": "3"}, {"timed": False}).result(30)
    ended = worker.wait(lambda status: status.job.state is not JobState.RUNNING, 60).job
    assert (ended.state, ended.done, ended.failed) == (JobState.FINISHED, 3, 0)
    with StoreReader(store_path()) as store:
        arm = store.arm(ended.run)
        rows = store.texts(arm.id, range(3)).values()
        assert all(row.report and row.tokens and row.seconds > 0 for row in rows)
        assert len(rows) == 3 and arm.facts["signature"]["weights_sha256"]
        score = scores(store, arm, UncertaintyPolicy.UNCERTAIN_AS_POSITIVE)["direct"]
        assert 0 <= score <= 1
