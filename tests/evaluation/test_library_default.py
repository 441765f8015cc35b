"""The library's default precision through an evaluation: stock generate(), a row per image."""

from dataclasses import replace

from benchmarks import checkpoints
from benchmarks.preliminary import preliminary
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.host import DeviceHost
from tests.evaluation.bench import COUNT, SharedEngine, finish, plan

MODEL = "chexagent-8b"


def test_it_is_evaluated_like_any_other_and_says_what_it_is(chexpert, tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    checkpoints.write(MODEL, tmp_path / MODEL, tiny=True)
    asked = preliminary([MODEL], [Precision.BNB4_DEFAULT])
    asked = replace(asked, pipelines=(PipelineKind.DIRECT,))
    asked = plan({"chexpert": chexpert}, asked)
    engine = SharedEngine(None)
    device = DeviceHost(engine, Sampler(None), Neighbours(None), path=store_path())
    run, store = finish(asked, EvaluationStore(store_path()), device)
    with store:
        (arm,) = store.arms(run.group)
        assert (arm.precision, arm.pipeline) == ("bnb4_default", "direct")
        assert (arm.done, arm.failed, arm.state) == (COUNT, 0, "finished")
        assert arm.facts["signature"]["engine"] == "stock"
        assert arm.facts["batch"]["images"] == COUNT
        assert arm.facts["stand_in"] and not arm.facts["confirmed"]
