"""The hospital's own set: a folder of images with a table, all of it or a draw, both pipelines."""

from collections.abc import Sequence

from benchmarks.preliminary import STUDY_MODELS, STUDY_PRECISIONS
from cxr_demo.datasets.draw import Draw, Source
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.records import PipelineKind, Precision


def local(
    models: Sequence[str] = STUDY_MODELS,
    precisions: Sequence[Precision] = STUDY_PRECISIONS,
    size: int | None = None,
) -> Recipe:
    """`size` images of the folder, or all of them, in five folds by patient."""
    return Recipe(
        name="local",
        draw=Draw(sources=(Source("folder", "all"),), size=size, folds=5),
        models=tuple(models),
        precisions=tuple(precisions),
        pipelines=(PipelineKind.DIRECT, PipelineKind.REPORT),
    )
