"""A recipe that names prompts: arms of their own, in batches, and the keys of older rows."""

from dataclasses import replace

import pytest

from benchmarks import checkpoints
from benchmarks.preliminary import preliminary
from cxr_demo.datasets.recipe import Arm, Recipe
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.signature import facts
from cxr_demo.models.cards import CARDS
from cxr_demo.models.faults import UnknownPrompt
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.host import DeviceHost
from tests.evaluation.bench import SharedEngine, again, drive, finish, plan

MODEL, DEFAULT, STEPS = "chexagent-8b", "chexagent-report-1", "chexagent-8b-steps-1"
REPORT = PipelineKind.REPORT
IMAGES = 3


def asked(*prompts, models=(MODEL,), pipelines=(REPORT,)):
    made = preliminary(list(models), [Precision.BF16])
    return replace(made, pipelines=pipelines, prompts=prompts)


def test_a_prompt_takes_the_place_of_the_default_where_a_model_has_it():
    both = asked(STEPS, models=(MODEL, "medgemma-4b-it"), pipelines=tuple(PipelineKind))
    arms = both.arms()
    assert [(each.model, each.prompt) for each in arms if each.pipeline is REPORT] == [
        (MODEL, STEPS),
        ("medgemma-4b-it", None),
    ]
    assert {each.prompt for each in arms if each.pipeline is not REPORT} == {None}
    default, steps = asked(STEPS, DEFAULT).arms()
    assert (default.prompt, default.asked, steps.asked) == (None, DEFAULT, STEPS)
    assert default == Arm(MODEL, Precision.BF16, REPORT)
    assert Recipe.from_dict(both.to_dict()) == both
    assert "prompts" not in asked().to_dict()
    for unknown in (asked("nothing-1"), asked(STEPS, pipelines=(PipelineKind.DIRECT,))):
        given = {"recipe": unknown.to_dict(), "data": {"phantoms": "4"}}
        with pytest.raises(UnknownPrompt, match="CheXagent 8B"):
            Plan.of(given)


def test_keys_of_prompts_without_steps_are_those_of_before():
    for about in CARDS.values():
        for prompt in about.prompts.values():
            assert set(facts(prompt)) == {"id", "text", "max_new_tokens", "system"}
    steps = facts(CARDS[MODEL].prompt(REPORT, STEPS))["steps"]
    assert steps[0]["heading"] == "View" and steps[-1]["image"] is False


def test_both_prompts_are_evaluated_side_by_side_and_go_on(chexpert, tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    checkpoints.write(MODEL, tmp_path / MODEL, tiny=True)
    few = asked(STEPS, DEFAULT)
    few = replace(few, draw=replace(few.draw, size=IMAGES))
    made = plan({"chexpert": chexpert}, few, force=[12, 14])
    device = DeviceHost(SharedEngine(None), Sampler(None), Neighbours(None), path=store_path())
    run, store = finish(made, EvaluationStore(store_path()), device)
    with store:
        default, steps = store.arms(run.group)
        assert (default.prompt, steps.prompt) == (DEFAULT, STEPS)
        for arm in (default, steps):
            assert (arm.done, arm.failed, arm.state, arm.current) == (IMAGES, 0, "finished", True)
        told = [store.texts(arm.id, [0])[0] for arm in (default, steps)]
        assert "[Cardiac]\n" not in told[0].report and "[Cardiac]\n" in told[1].report
        assert "[Impression]\n" in told[1].report
        assert told[0].row_key != told[1].row_key
        statuses = run.progress().arms
        assert [each.prompt for each in statuses] == [None, STEPS]
        assert [each.run for each in statuses] == [default.id, steps.id]
        digests = [store.digest(arm.id) for arm in (default, steps)]
        second = again(run, store)
        drive(second, device)
        assert [arm.run for arm in second.arms] == [default.id, steps.id]
        assert [store.digest(arm.id) for arm in store.arms(run.group)] == digests
