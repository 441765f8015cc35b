"""From a run over phantoms to the file that lets the reading room show probabilities."""

import numpy as np
import pytest

from cxr_demo import calibration, phantoms
from cxr_demo.evaluation import job
from cxr_demo.evaluation.job import Answers
from cxr_demo.evaluation.phantom_calibration import LEAST, conclude
from cxr_demo.evaluation.phantom_run import prepare
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.phantoms import TEST_SEEDS, strip
from cxr_demo.records import DoneEvent, Precision
from cxr_demo.store.runs import Prediction, RunStore
from tests.ui.build import reading

KEY = calibration.Key("embedded", "ab" * 32, Precision.NF4, "yesno-1", "{finding}?")


def row(seed, weights="ab" * 32, turned=False):
    """Overconfident answers that are right in nine of ten."""
    chance = np.random.default_rng(seed)
    truth = phantoms.truth(phantoms.plan(seed))
    right = {each: truth[each] != turned if chance.random() < 0.9 else turned for each in FINDINGS}
    yes = {str(each): 0.999 if right[each] else 0.001 for each in FINDINGS}
    answers = {"question_id": "yesno-1", "question": "{finding}?", "tokens": {}, "yes": yes}
    made = {"model": "embedded", "weights_sha256": weights, "precision": "nf4"}
    return Prediction(str(seed), "report", provenance=made, answers=answers)


def test_the_fit_takes_away_the_overconfidence_and_keeps_the_counts():
    rows = [row(seed) for seed in TEST_SEEDS[:150]]
    found = conclude("run", rows)
    assert found == calibration.find(KEY)
    assert found.synthetic and found.images == 150
    lesion = found.scales[Finding.NO_FINDING]
    drawn = [phantoms.truth(phantoms.plan(seed))[Finding.NO_FINDING] for seed in TEST_SEEDS[:150]]
    assert (lesion.present, lesion.absent) == (sum(drawn), 150 - sum(drawn))
    assert lesion.brier < lesion.brier_raw
    rare = [each for each in FINDINGS if each not in found.scales]
    for each in rare:
        counts = sum(phantoms.truth(phantoms.plan(seed))[each] for seed in TEST_SEEDS[:150])
        assert min(counts, 150 - counts) < LEAST


def test_without_enough_samples_or_sense_nothing_is_written():
    assert conclude("run", [row(seed) for seed in TEST_SEEDS[:8]]) is None
    assert conclude("run", []) is None
    assert conclude("run", [row(seed, turned=True) for seed in TEST_SEEDS[:60]]) is None
    assert calibration.find(KEY) is None


def test_rows_of_other_weights_are_left_out():
    old = [row(seed, weights="cd" * 32) for seed in TEST_SEEDS[:40]]
    found = conclude("run", old + [row(seed) for seed in TEST_SEEDS[40:140]])
    assert found.images == 100


class Bench:
    """Answers as drawn, for one report that is always the same."""

    def __init__(self):
        self.asked = []

    def __call__(self, radiograph, kind, should_stop):
        yield DoneEvent(reading())

    def ask(self, radiograph):
        seed = strip.read(radiograph.pixels)
        self.asked.append(seed)
        truth = phantoms.truth(phantoms.plan(seed))
        yes = {each: 0.9 if truth[each] else 0.1 for each in FINDINGS}
        return Answers("yesno-1", "{finding}?", {"yes": [], "no": []}, yes, yes, 0.1)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_run_asks_only_if_it_was_told_to_and_keeps_the_raw_answers(wanted):
    recipe = {"count": 2} | ({"probabilities": True} if wanted else {})
    bench = Bench()
    with RunStore(job.store_path()) as store:
        run = prepare(recipe, store)
        while run.step(bench, lambda: False):
            pass
        rows = list(store.predictions(run.run))
    assert bench.asked == (list(TEST_SEEDS[:2]) if wanted else [])
    assert [each.answers is not None for each in rows] == [wanted, wanted]
    if wanted:
        assert set(rows[0].answers["yes"].values()) <= {0.9, 0.1}
        assert rows[0].answers["seconds"] == 0.1
