"""Memory and time in a process of its own: the real program, on the embedded model and on a
checkpoint with random weights."""

from dataclasses import replace

import pytest

from cxr_demo.evaluation.recipe_run import RecipeRun
from cxr_demo.evaluation.steps import Measuring
from cxr_demo.records import PipelineKind
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from tests.evaluation.bench import drive, finish, host, never, plan, recipe
from tests.stand_ins import MEDGEMMA, tiny_medgemma


@pytest.mark.slow
def test_it_measures_apart_and_goes_on_where_a_reading_interrupted_it(chexpert):
    run, store = finish(plan({"chexpert": chexpert}))
    with store:
        measuring = Measuring(store, run.arms[0], 3, "all", host(), never)
        shares = measuring.work()
        while not store.timings(run.arms[0].run):
            next(shares)
        measuring.interrupt()  # a reading of the screen wants the device
        assert len(store.timings(run.arms[0].run)) < 3
        for _ in shares:
            pass
        (arm,) = store.arms(run.group)
        timed = arm.facts["time_per_image"]
        assert timed["n"] == 3 and timed["mean"] > 0 and timed["sd"] is not None
        parts = timed["preprocessing"] + timed["generation"] + timed["labelling"]
        assert parts == pytest.approx(timed["mean"])
        assert timed["mean_tokens"] > 1 and arm.facts["time_per_token"]["mean"] > 0
        assert arm.facts["memory"]["rss_peak"] > 200e6
        assert arm.facts["memory"]["vram_device_peak"] is None or host().device != "cpu"
        assert arm.facts["alone_against_batch"] == {
            "images": 3,
            "texts_differ": 0,
            "labels_differ": 0,
        }
        assert not measuring.left()


@pytest.mark.slow
def test_random_weights_have_time_per_token_only(chexpert, tmp_path, monkeypatch):
    tiny_medgemma(tmp_path)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    made = replace(recipe((PipelineKind.DIRECT,)), models=(MEDGEMMA,), timed_images=1)
    with EvaluationStore(store_path()) as store:
        asked = plan({"chexpert": chexpert}, made, timed=True, force=[2, 9])
        run = RecipeRun(asked, store)
        drive(run)
        run.end("finished")
        (arm,) = store.arms(run.group)
        assert arm.facts["stand_in"] and arm.done == arm.total
        tokens = store.outcomes(arm.id).tokens
        assert tokens.min() >= 2 and tokens.max() <= 9 and len(set(tokens.tolist())) > 2
        assert "time_per_image" not in arm.facts and not store.timings(arm.id)
        assert arm.facts["time_per_token"]["mean"] > 0 and arm.facts["memory"] is not None


def test_a_program_that_fails_is_a_note_and_not_the_end(chexpert, monkeypatch):
    run, store = finish(plan({"chexpert": chexpert}))
    with store:
        device = host()
        monkeypatch.setattr(device, "measuring_command", lambda: ["false"])
        list(Measuring(store, run.arms[0], 3, "all", device, never).work())
        (arm,) = store.arms(run.group)
        assert [each["code"] for each in arm.facts["notes"]] == ["measurement_failed"]
        assert arm.state == "finished"
