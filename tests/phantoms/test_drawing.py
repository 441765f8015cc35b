"""Drawings: repeatable, independent of size, and every finding visible where it is said to be."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cxr_demo.findings import Finding
from cxr_demo.phantoms import (
    TEST_SEEDS,
    Grade,
    PhantomPlan,
    draw,
    draw_masks,
    draw_with_masks,
    plan,
    truth,
)

PATHOLOGY = [each for each in Finding if each is not Finding.NO_FINDING]
SIZE = (320, 320)


def examples(finding: Finding, grade: Grade, count: int) -> list[PhantomPlan]:
    found = []
    for seed in TEST_SEEDS:
        each = plan(seed)
        drawn = each.find(finding)
        if drawn and drawn.grade is grade:
            found.append(each)
        if len(found) == count:
            break
    return found


def without(each: PhantomPlan, finding: Finding) -> PhantomPlan:
    """The same person without `finding`."""
    a = each.anatomy
    if finding is Finding.CARDIOMEGALY:
        shrink = 0.455 * 2 * a.half_width / (a.heart_left + a.heart_right)
        a = replace(a, heart_left=a.heart_left * shrink, heart_right=a.heart_right * shrink)
    if finding is Finding.ENLARGED_CARDIOMEDIASTINUM:
        a = replace(a, mediastinum=0.0)
    rest = tuple(each for each in each.findings if each.finding is not finding)
    return replace(each, anatomy=a, findings=rest)


def test_a_plan_gives_one_picture():
    one, other = draw(plan(11), SIZE), draw(plan(11), SIZE)
    assert one.dtype == np.uint16
    assert one.shape == SIZE
    assert np.array_equal(one, other)


@pytest.mark.parametrize("seed", TEST_SEEDS[:12])
def test_values_use_the_planned_bits(seed):
    each = plan(seed)
    pixels = draw(each, SIZE)
    assert 12 <= each.exposure.bits <= 16
    assert pixels.max() == 2**each.exposure.bits - 1
    assert len(np.unique(pixels)) > 500


@pytest.mark.parametrize("seed", [1_000_003, 1_000_014])
def test_a_small_drawing_is_the_large_one_made_smaller(seed):
    each = plan(seed)
    top = 2**each.exposure.bits - 1
    large = draw(each, (1344, 1344)).astype(np.float32) / top
    shrunk = np.asarray(Image.fromarray(large).resize((448, 448), Image.Resampling.BOX))
    small = draw(each, (448, 448)).astype(np.float32) / top
    chest = np.s_[60:410, 20:430]
    assert np.abs(small[chest] - shrunk[chest]).mean() < 0.02
    assert np.corrcoef(small[chest].ravel(), shrunk[chest].ravel())[0, 1] > 0.99
    assert abs(small[chest].std() - shrunk[chest].std()) < 0.01


@pytest.mark.parametrize("finding", PATHOLOGY)
def test_a_finding_changes_the_picture_inside_its_mask(finding):
    for grade in Grade:
        for each in examples(finding, grade, 2):
            shown, masks = draw_with_masks(each, SIZE)
            hidden = draw(without(each, finding), SIZE)
            top = 2**each.exposure.bits - 1
            change = np.abs(shown.astype(float) - hidden) / top
            change[int(0.93 * SIZE[0]) :] = 0
            mask = masks[finding]
            assert 8 <= mask.sum() < 0.6 * mask.size, (each.seed, grade)
            assert change[mask].mean() > 0.015, (each.seed, grade)
            assert change[mask].mean() > 4 * change[~mask].mean(), (each.seed, grade)


@pytest.mark.parametrize("finding", [Finding.LUNG_LESION, Finding.PLEURAL_EFFUSION])
def test_a_plainer_grade_changes_more(finding):
    def change(grade: Grade) -> float:
        total = 0.0
        for each in examples(finding, grade, 3):
            top = 2**each.exposure.bits - 1
            shown = draw(each, SIZE).astype(float) - draw(without(each, finding), SIZE)
            total += np.abs(shown).sum() / top
        return total

    assert change(Grade.SUBTLE) < change(Grade.MODERATE) < change(Grade.PLAIN)


def test_masks_hold_exactly_what_is_there():
    for seed in TEST_SEEDS[:25]:
        each = plan(seed)
        drawn = {f for f, there in truth(each).items() if there} - {Finding.NO_FINDING}
        masks = draw_masks(each, SIZE)
        assert set(masks) == drawn, seed
        assert all(mask.shape == SIZE and mask.dtype == bool for mask in masks.values())


def test_pictures_carry_the_word_synthetic_and_no_collimation_over_it():
    plain, _ = draw_with_masks(plan(1_000_001), (480, 480))
    top = plain.max()
    corner = plain[12:42, 330:460]
    assert (corner > 0.85 * top).sum() > 200


def test_drawing_is_quick():
    draw(plan(5), (448, 448))
    start = time.process_time()
    for seed in range(10):
        draw(plan(seed), (448, 448))
    assert (time.process_time() - start) / 10 < 0.15
    start = time.process_time()
    draw(plan(5), (2500, 2048))
    assert time.process_time() - start < 5
