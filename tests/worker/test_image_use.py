"""A model that ignores its image is found out: on demand, before evaluations, in readings."""

import sys

from benchmarks.phantoms import phantoms
from cxr_demo import cli
from cxr_demo.models import proofs
from cxr_demo.phantoms import SAMPLE_SEEDS
from cxr_demo.reading_notices import sentence
from cxr_demo.records import DoneEvent, PipelineKind, Precision
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker.client import JobState
from tests.phantom_images import radiograph

DEAF = (sys.executable, "-m", "tests.worker.deaf_worker")


def test_a_deaf_twin_is_refused_by_evaluations_and_marked_in_readings(start, capsys):
    worker = start(DEAF)
    worker.start_evaluation(phantoms(), {"phantoms": "2"}, {"timed": False}).result(60)
    ended = worker.wait(lambda status: status.job.state is not JobState.RUNNING, 90).job
    (arm,) = ended.arms
    assert (ended.state, arm.state, arm.done) == (JobState.STOPPED, "failed", 0)
    assert arm.error["code"] == "image_not_used"
    with StoreReader(store_path()) as store:
        assert not store.arms(ended.group)  # not even a run was begun
    (known,) = proofs.latest("embedded")
    assert not known.passed

    phantom = radiograph(SAMPLE_SEEDS[0])
    *_, done = worker.read(phantom, "embedded", Precision.BF16, PipelineKind.DIRECT)
    assert isinstance(done, DoneEvent), done
    assert done.reading.provenance.image_use == known
    (notice,) = done.reading.notices
    assert "DO NOT TRUST" in sentence(notice, "en")
    assert "NÃO CONFIE" in sentence(notice, "pt")

    assert cli.main(["selftest", "--language", "pt"]) == 1  # the same worker answers
    assert "A IMAGEM NÃO É USADA" in capsys.readouterr().err
