"""How many radiographs are read at once: as many as are counted to fit, and as there are."""

import pytest

from cxr_demo import fit
from cxr_demo.fit.batches import SHARE, SIZES
from cxr_demo.fit.calibrated import need
from cxr_demo.fit.estimate import Work
from cxr_demo.records import Precision
from cxr_demo.units import GIB

MEDGEMMA = "medgemma-4b-it"


def chosen(gib, images=30_000, new=512, precision=Precision.BF16):
    return fit.batch(MEDGEMMA, precision, int(gib * GIB), new, images)


@pytest.mark.parametrize("gib", [6, 11, 15, 23, 47, 140])
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.NF4])
def test_the_size_fits_and_the_next_larger_one_would_not(gib, precision):
    size, free = chosen(gib, precision=precision), gib * GIB
    counted = {each: need(MEDGEMMA, precision, Work(batch=each)).peak for each in SIZES}
    assert size == 1 or counted[size] <= SHARE * free
    larger = [each for each in SIZES if each > size]
    assert not larger or counted[larger[-1]] > SHARE * free


def test_four_bits_and_short_replies_leave_room_for_more():
    assert chosen(15) < chosen(15, precision=Precision.NF4)
    assert chosen(15) < chosen(15, new=32)


def test_no_more_than_there_are_images():
    assert [chosen(140, images) for images in (1, 3, 100, 234)] == [1, 4, 128, 192]
