"""The quality that was measured on this machine, for the advice."""

from cxr_demo.fit.advice import Quality
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.words import Sentence


def qualities() -> tuple[Quality, ...]:
    """Every F1 of a finished evaluation here; cheap if nothing has changed since."""
    from cxr_demo.results import evidence, words  # it brings the store and the statistics along

    return tuple(
        Quality(
            model=found.model,
            precision=found.precision,
            f1=found.f1,
            low=found.low,
            high=found.high,
            dataset=found.composition,
            images=found.images,
            pipeline=found.pipeline,
            labeler=Sentence(*(words.labeler(found.labeler, each) for each in ("en", "pt"))),
            recipe=found.recipe,
            dataset_pt=words.drawn(found.composition, "pt"),
        )
        for model in ARCHITECTURES
        for found in evidence.quality(model)
    )
