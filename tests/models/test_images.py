import dataclasses

import numpy as np
import pytest

from cxr_demo.models.images import padded_square, squashed_square
from cxr_demo.records import Window
from tests.stand_ins import radiograph

BILINEAR, BICUBIC = 2, 3


@pytest.mark.parametrize(("height", "width"), [(200, 160), (160, 200), (101, 200)])
def test_the_longer_side_fills_the_square_and_the_rest_is_black(height, width):
    seen = padded_square(radiograph(1, height, width), max(height, width), BILINEAR)
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    assert seen.pixels.shape == (side, side, 3)
    assert seen.preprocessing == f"padded_square_{side}"
    inside = np.zeros((side, side), bool)
    inside[top : top + height, left : left + width] = True
    assert not seen.pixels[~inside].any()
    assert seen.pixels[inside].mean() == pytest.approx(127, abs=3)


def test_channels_are_equal_and_the_default_window_is_used():
    image = radiograph(2)
    narrow = dataclasses.replace(image, windows=(Window(100, 50, label="file"), *image.windows))
    wide, cut = padded_square(image, 64, BILINEAR), padded_square(narrow, 64, BILINEAR)
    for seen in (wide, cut):
        assert (seen.pixels[..., 0] == seen.pixels[..., 1]).all()
        assert (seen.pixels[..., 0] == seen.pixels[..., 2]).all()
    assert cut.pixels.mean() > wide.pixels.mean() + 20


def test_resizing_keeps_the_aspect():
    image = radiograph(3, 400, 200)
    white = dataclasses.replace(image, pixels=np.full_like(image.pixels, 4095))
    seen = padded_square(white, 100, BILINEAR)
    assert (seen.pixels[50, :, 0] > 128).sum() == 50
    assert (seen.pixels[:, 50, 0] > 128).sum() == 100


def test_squashing_fills_the_square_with_the_whole_image():
    image = radiograph(4, 400, 200)
    upper = np.zeros_like(image.pixels)
    upper[:200] = 4095
    seen = squashed_square(dataclasses.replace(image, pixels=upper), 100, BICUBIC)
    assert seen.preprocessing == "squashed_square_100"
    assert seen.pixels.shape == (100, 100, 3)
    assert (seen.pixels[:48] == 255).all()
    assert (seen.pixels[52:] == 0).all()
