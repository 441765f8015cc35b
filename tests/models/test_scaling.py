"""Every grey level reaches the vision tower as the models' own preprocessing gives it."""

import numpy as np
import pytest
import torch
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from cxr_demo.models.chexagent2 import HALF
from cxr_demo.models.scaling import Scaling

LEVELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)


def scaled(device, dtype, mean=HALF, deviation=HALF):
    place = torch.device(device)
    return Scaling(mean, deviation, place, dtype)(torch.from_numpy(LEVELS).to(place)).cpu()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_level_is_that_of_gemmas_own_processor(dtype):
    own = Gemma3ImageProcessorPil(size={"height": 16, "width": 16})
    theirs = own(images=[LEVELS[0]], do_resize=False, return_tensors="pt")["pixel_values"]
    ours = scaled("cpu", dtype, own.image_mean, own.image_std)
    assert torch.equal(ours, theirs.view(1, 3, 16, 16).to(dtype))


def test_a_level_times_the_inverse_of_255_would_be_another():
    levels = torch.arange(256).float()
    inverse = ((levels * (1 / 255) - 0.5) / 0.5).bfloat16()
    ours = scaled("cpu", torch.bfloat16)[0, 0].flatten()
    assert (inverse != ours).nonzero().flatten().tolist() == [127]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_gpu_gives_the_same_bits(dtype):
    for mean, deviation in ((HALF, HALF), ([0.481, 0.457, 0.408], [0.268, 0.261, 0.275])):
        theirs = scaled("cpu", dtype, mean, deviation)
        assert torch.equal(scaled("cuda", dtype, mean, deviation), theirs)
