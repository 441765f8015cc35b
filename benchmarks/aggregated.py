"""The aggregated evaluation: a draw from CheXpert, MIMIC-CXR and BRAX with automatic labels, in
five folds by patient, through the report pipeline.

The study gives the number of images and not their mix. It is 5 % of the pool of all three, which is
why `proportional` is the default.
"""

from collections.abc import Sequence

from benchmarks.preliminary import STUDY_MODELS, STUDY_PRECISIONS
from cxr_demo.datasets.draw import Draw, Mix, Source, Views
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.records import PipelineKind, Precision

SIZE = 30_229
SOURCES = (
    Source("brax", "automatic"),
    Source("chexpert", "train"),
    Source("mimic", "automatic"),
)


def aggregated(
    models: Sequence[str] = STUDY_MODELS,
    precisions: Sequence[Precision] = STUDY_PRECISIONS,
    mix: Mix = Mix.PROPORTIONAL,
    views: Views = Views.ALL,
    size: int = SIZE,
) -> Recipe:
    """`size` images of the three data sets; radiologists' labels stay out of the pool."""
    return Recipe(
        name="aggregated",
        draw=Draw(sources=SOURCES, size=size, mix=mix, views=views, folds=5),
        models=tuple(models),
        precisions=tuple(precisions),
        pipelines=(PipelineKind.REPORT,),
    )
