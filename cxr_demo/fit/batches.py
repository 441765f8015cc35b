"""How many radiographs a GPU reads at once in an evaluation."""

from cxr_demo.fit.calibrated import need
from cxr_demo.fit.estimate import Work
from cxr_demo.records import Precision

SIZES = (192, 128, 64, 32, 16, 8, 4, 2, 1)
"""Beyond the first nothing is gained: 192 gave 33 images a second, 128 gave 32, 64 gave 29
(MedGemma, NVIDIA H200, `benchmarks/results/speed.json`)."""
SHARE = 0.9
"""Of what is free on an empty GPU, what a batch may be counted to take: a count may be off, and
other programs' windows come and go."""


def batch(model: str, precision: Precision, free: int, new: int, images: int) -> int:
    """The largest size whose counted need for replies of up to `new` tokens is within `free` bytes,
    and not more than `images` fill; 1 if nothing is. Raises KeyError for a model whose tensors are
    not described."""
    enough = min((each for each in SIZES if each >= images), default=SIZES[0])
    for size in SIZES:
        work = Work(new=new, batch=size)
        if size <= enough and need(model, precision, work).peak <= SHARE * free:
            return size
    return 1
