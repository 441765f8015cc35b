"""Bootstrap, McNemar, Holm and power: against brute force, SciPy's own tests and simulation."""

import time

import numpy as np
import pytest
from scipy import stats

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics import counts
from cxr_demo.metrics.bootstrap import difference, estimate, resample
from cxr_demo.metrics.counts import by_group, confusion
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.metrics.mcnemar import exact, holm, mcnemar
from cxr_demo.metrics.power import detectable, patients_needed, power
from cxr_demo.metrics.summary import from_patients

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE


def arm(targets, seed, right=0.8):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(targets.shape) < right, targets, 1 - targets).astype(np.int8)


def binary(seed, images, findings=14, share=0.3):
    rng = np.random.default_rng(seed)
    return (rng.random((images, findings)) < share).astype(np.int8)


# ---------------------------------------------------------------- bootstrap


def test_resampling_equals_drawing_patients_row_by_row():
    targets = binary(1, 40)
    patients = np.random.default_rng(2).integers(0, 12, 40)
    each = confusion(targets, arm(targets, 3), POLICY)
    per_patient, names = by_group(each, patients)
    found = resample(per_patient, replicates=50, seed=9)
    drawn = np.random.default_rng(9).integers(len(names), size=(50, len(names)))
    for replicate, sums in zip(drawn, found, strict=True):
        rows = np.concatenate([np.flatnonzero(patients == names[each]) for each in replicate])
        assert np.array_equal(sums, each[rows].sum(axis=0))


def test_large_sets_are_drawn_in_pieces_with_the_same_result(monkeypatch):
    per_patient = np.random.default_rng(1).integers(0, 3, (30, 2, 4))
    whole = resample(per_patient, 20, seed=4)
    monkeypatch.setattr("cxr_demo.metrics.bootstrap._AT_ONCE", 90)
    assert np.array_equal(resample(per_patient, 20, seed=4), whole)


@pytest.mark.parametrize("patients", [1, 4, 200])
def test_nothing_wrong_or_nothing_right_is_no_certainty(patients):
    """Every draw gives the same there. The bounds are SciPy's exact ones over patients, two images
    of each of whom are one trial."""
    said = np.eye(14, dtype=np.int8)[0]  # the first finding is right, the second always missed
    there = said + np.eye(14, dtype=np.int8)[1]
    each = confusion(np.tile(there, (2 * patients, 1)), np.tile(said, (2 * patients, 1)), POLICY)
    per_patient, _ = by_group(each, np.repeat(np.arange(patients), 2))
    found = from_patients(per_patient, replicates=50)
    low = stats.binomtest(patients, patients).proportion_ci(method="exact").low
    for score, bound in (
        (found.sensitivity, low),
        (found.predictive_value, low),
        (found.per_finding, 2 * low / (2 * low + (1 - low))),  # the share that may err
    ):
        assert (score.low[0], score.high[0]) == (pytest.approx(bound), 1)
    assert (found.sensitivity.low[1], found.sensitivity.high[1]) == (0, pytest.approx(1 - low))
    assert (found.specificity.low[2], found.specificity.high[2]) == (pytest.approx(low), 1)
    whole = found.micro[FindingSetName.ALL_14]
    assert whole.low == whole.value == whole.high == pytest.approx(2 / 3)  # neither end: as drawn


def test_interval_agrees_with_scipy_where_each_patient_has_one_image():
    values = binary(5, 400, findings=1)
    each = confusion(np.ones_like(values), values, POLICY)
    found = estimate(counts.sensitivity, each, resample(each, 4000, seed=1))
    other = stats.bootstrap(
        (values[:, 0].astype(float),), np.mean, n_resamples=4000, method="percentile", rng=2
    )
    assert found.value[0] == values.mean()
    assert found.low[0] == pytest.approx(other.confidence_interval.low, abs=0.006)
    assert found.high[0] == pytest.approx(other.confidence_interval.high, abs=0.006)
    assert found.error[0] == pytest.approx(other.standard_error, rel=0.05)


def test_patients_that_repeat_themselves_widen_the_interval():
    targets = binary(6, 100)
    each = confusion(targets, arm(targets, 7), POLICY)
    fourfold = np.repeat(each, 4, axis=0)
    by_image = estimate(counts.micro, fourfold, resample(fourfold, 500))
    per_patient, _ = by_group(fourfold, np.repeat(np.arange(100), 4))
    by_patient = estimate(counts.micro, per_patient, resample(per_patient, 500))
    assert by_patient.error == pytest.approx(2 * by_image.error, rel=0.15)


def test_the_95_percent_interval_holds_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(11)
    held = 0
    for trial in range(200):
        hits = (rng.random((150, 1)) < 0.7).astype(np.int8)
        each = confusion(np.ones_like(hits), hits, POLICY)
        found = estimate(counts.sensitivity, each, resample(each, 400, seed=trial))
        held += bool(found.low[0] <= 0.7 <= found.high[0])
    assert 0.90 <= held / 200 <= 0.99


def test_a_finding_that_is_never_there_has_no_interval():
    targets = np.zeros((20, 2), np.int8)
    targets[:5, 0] = 1
    each = confusion(targets, targets, POLICY)
    found = estimate(counts.sensitivity, each, resample(each, 200))
    assert found.low[0] == found.high[0] == 1.0
    for part in (found.value, found.low, found.high, found.error):
        assert np.isnan(part[1])


def test_paired_difference_and_non_inferiority():
    targets = binary(8, 500)
    reference = arm(targets, 9)
    flipped = np.random.default_rng(10).random(targets.shape) < 0.005
    candidate = np.where(flipped, 1 - reference, reference).astype(np.int8)
    one, other = (confusion(targets, each, POLICY) for each in (candidate, reference))
    found = difference(counts.micro, one, other, margin=0.02)
    both = [float(counts.micro(each.sum(axis=0))) for each in (one, other)]
    assert found.estimate.value == pytest.approx(both[0] - both[1])
    assert found.not_inferior
    assert not difference(counts.micro, one, other, margin=0.0005).not_inferior
    alone = [estimate(counts.micro, each, resample(each)).error for each in (one, other)]
    assert found.estimate.error < 0.5 * np.hypot(*alone)  # pairing takes the images' spread out
    with pytest.raises(ValueError, match="cannot be paired"):
        difference(counts.micro, one, other[:-1], margin=0.02)


@pytest.mark.parametrize(("patients", "shown"), [(24, False), (180, False), (200, True)])
def test_equal_arms_are_no_certainty(patients, shown):
    targets = binary(8, patients)
    each = confusion(targets, arm(targets, 9), POLICY)
    found = difference(counts.micro, each, each, margin=0.02)
    bound = stats.binomtest(0, patients).proportion_ci(0.95, "exact").high
    assert found.estimate.value == 0
    assert (-found.estimate.low, found.estimate.high) == pytest.approx((bound, bound))
    assert found.not_inferior is shown


def test_no_patients():
    with pytest.raises(ValueError, match="no patients"):
        resample(np.zeros((0, 14, 4), np.int64))


def test_two_thousand_replicates_of_a_full_run_take_seconds():
    per_patient = np.random.default_rng(1).integers(0, 3, (20_000, 14, 4))
    start = time.process_time()
    assert resample(per_patient).shape == (2000, 14, 4)
    assert time.process_time() - start < 15  # 1 or 2 on an idle core


# ---------------------------------------------------------------- McNemar and Holm


def test_exact_p_is_the_binomial_test():
    for first, second in ((0, 0), (1, 0), (3, 9), (9, 3), (50, 50), (120, 81)):
        found = exact(np.array([first]), np.array([second]))[0]
        total = first + second
        expected = stats.binomtest(first, total, 0.5).pvalue if total else 1.0
        assert found == pytest.approx(expected)


def test_holm_by_its_definition():
    p = np.random.default_rng(1).random(14) ** 4
    found = holm(p)
    ordered = sorted(p)
    for value, adjusted in zip(p, found, strict=True):
        rank = ordered.index(value)
        steps = [(14 - at) * ordered[at] for at in range(rank + 1)]
        assert adjusted == pytest.approx(min(1.0, max(steps)))
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_mcnemar_counts_the_images_on_which_only_one_is_right():
    targets = binary(12, 200)
    targets[:30, 0] = -1
    one, other = arm(np.abs(targets), 13, right=0.9), arm(np.abs(targets), 14, right=0.7)
    policy = UncertaintyPolicy.UNCERTAIN_IGNORED
    found = mcnemar(confusion(targets, one, policy), confusion(targets, other, policy))
    for at in range(14):
        kept = targets[:, at] != -1
        right = [(each == targets)[kept, at] for each in (one, other)]
        assert found.only_first[at] == (right[0] & ~right[1]).sum()
        assert found.only_second[at] == (right[1] & ~right[0]).sum()
    assert (found.p_holm >= found.p).all()
    with pytest.raises(ValueError, match="cannot be paired"):
        mcnemar(np.zeros((3, 14, 4), np.int64), np.zeros((2, 14, 4), np.int64))


# ---------------------------------------------------------------- power


def test_power_agrees_with_simulation():
    rng = np.random.default_rng(3)
    true, spread, patients = 0.03, 0.2, 300
    error = spread / patients**0.5
    means = rng.normal(true, spread, (4000, patients)).mean(axis=1)
    found = np.abs(means) > stats.norm.ppf(0.975) * error
    assert power(true, error) == pytest.approx(found.mean(), abs=0.025)


def test_power_needed_and_detectable_agree():
    assert power(0.0, 0.01) == pytest.approx(0.05)
    assert power(detectable(0.01), 0.01) == pytest.approx(0.8, abs=1e-4)
    needed = patients_needed(0.01, error=0.01, patients=200)
    assert power(0.01, 0.01, scale=needed / 200) >= 0.8 - 1e-4
    assert power(0.01, 0.01, scale=(needed - 2) / 200) < 0.8
    for wrong in ({"error": 0.0}, {"error": 1.0, "scale": 0.0}):
        with pytest.raises(ValueError, match="must be positive"):
            power(0.1, **wrong)
    with pytest.raises(ValueError, match="no number of patients"):
        patients_needed(0.0, 0.01, 100)
