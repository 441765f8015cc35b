"""A mask is made only where attention's own causal order does not say it all."""

import pytest
import torch

from cxr_demo.decoding import masks
from cxr_demo.decoding.cache import KeyValueCache, LayerShape

LENGTH = 6


def opened(window=None, valid=None, before=0):
    shapes = (LayerShape(1, 8, window is not None),)
    cache = KeyValueCache(shapes, 1, 32, window, torch.float32, torch.device("cpu"))
    positions = torch.arange(before + LENGTH)[None]
    if before:
        cache.begin(positions[:, :before])
    cache.begin(positions[:, before:], valid)
    return cache


PADDED = torch.tensor([[False] * 2 + [True] * 4])


@pytest.mark.parametrize(
    ("cache", "blocks", "made"),
    [
        (opened(), None, False),
        (opened(window=LENGTH), None, False),
        (opened(window=LENGTH - 1), None, True),
        (opened(valid=PADDED), None, True),
        (opened(before=3), None, True),
        (opened(), torch.full((1, LENGTH), -1), True),  # of a model whose images see both ways
    ],
)
def test_a_mask_is_made_where_it_is_needed(cache, blocks, made):
    found = masks.build(cache, blocks)
    assert (found.full is not None, found.windowed is not None) == (made, made)


def test_what_is_left_out_is_causal_order():
    shape = (1, 1, LENGTH, LENGTH)
    assert torch.equal(
        masks.build(opened(), torch.full((1, LENGTH), -1)).full,
        torch.ones(shape, dtype=torch.bool).tril(),
    )
