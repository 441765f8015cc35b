import numpy as np
import pytest

from cxr_demo import phantoms
from cxr_demo.evaluation import job
from cxr_demo.evaluation.faults import RecipeUnknown
from cxr_demo.evaluation.phantom_run import MOST_TRIES, PhantomRecipe, prepare, radiograph
from cxr_demo.evaluation.phantom_score import micro_f1
from cxr_demo.findings import FINDINGS, Finding, UncertaintyPolicy
from cxr_demo.phantoms import TEST_SEEDS, strip
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.runs import Prediction, RunStore

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE


@pytest.fixture
def store():
    with RunStore(job.store_path()) as opened:
        yield opened


def test_a_recipe_is_complete_or_refused():
    assert PhantomRecipe.of({"count": 4, "pipeline": "direct"}) == PhantomRecipe(
        4, "embedded", Precision.BF16, PipelineKind.DIRECT
    )
    for wrong in ({}, {"count": "x"}, {"count": 1001}, {"count": 1, "model": "gpt-9"}):
        with pytest.raises(RecipeUnknown):
            PhantomRecipe.of(wrong)


def test_the_evaluation_draws_what_the_guard_lets_through():
    drawn = radiograph(TEST_SEEDS[0])
    assert strip.read(drawn.pixels) == TEST_SEEDS[0]
    assert drawn.pixels.dtype == np.uint16 and len(drawn.sha256) == 64
    np.testing.assert_array_equal(drawn.pixels, radiograph(TEST_SEEDS[0]).pixels)


def test_an_image_that_kills_the_process_again_and_again_is_passed_over(store):
    run = prepare({"count": 2}, store)
    for _ in range(MOST_TRIES):
        store.begin(run.run, str(TEST_SEEDS[0]))  # and then the process was gone
    assert run.step(None, lambda: False)
    (row,) = store.predictions(run.run)
    assert (row.key, row.error) == (str(TEST_SEEDS[0]), "worker_died")
    assert store.counts(run.run) == (1, 1)


def truth_as_labels(seed):
    truth = phantoms.truth(phantoms.plan(seed))
    return {str(each): "positive" if truth[each] else "negative" for each in FINDINGS}


def test_the_score_compares_with_what_was_drawn():
    seeds = TEST_SEEDS[:20]
    perfect = [Prediction(str(s), "r", {"direct": truth_as_labels(s)}) for s in seeds]
    assert micro_f1(perfect, POLICY) == 1
    assert micro_f1([], POLICY) is None
    silent = [Prediction(str(seed), error="out_of_memory") for seed in seeds]
    assert micro_f1(silent, POLICY) == 0
    positives = sum(list(truth_as_labels(s).values()).count("positive") for s in seeds)
    hedged = [
        Prediction(
            each.key, "r", {"direct": each.labels["direct"] | {str(Finding.EDEMA): "uncertain"}}
        )
        for each in perfect
    ]
    wrong = sum(truth_as_labels(s)[str(Finding.EDEMA)] == "negative" for s in seeds)
    assert micro_f1(hedged, POLICY) == pytest.approx(2 * positives / (2 * positives + wrong))
