"""Phantoms as radiographs in memory, for tests of models."""

import hashlib

from cxr_demo import phantoms
from cxr_demo.records import Radiograph, Window


def radiograph(seed, size=(1024, 1024)):
    """The phantom of `seed` as the models are given it."""
    plan = phantoms.plan(seed)
    pixels = phantoms.draw(plan, size)
    low, high = int(pixels.min()), int(pixels.max())
    window = Window(centre=(low + high + 1) / 2, width=high - low + 1, label="full")
    return Radiograph(
        pixels=pixels,
        bits=16,
        view=plan.exposure.view,
        windows=(window,),
        source="PNG",
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        declared_phantom=True,
    )
