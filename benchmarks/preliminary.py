"""The preliminary evaluation: all of CheXpert's validation split, labelled by three radiologists,
through both pipelines.
"""

from collections.abc import Sequence

from cxr_demo.datasets.draw import Draw, Source
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.records import PipelineKind, Precision

STUDY_MODELS = ("chexagent-8b", "chexagent-2-3b", "medgemma-4b-it")
STUDY_PRECISIONS = (Precision.BF16, Precision.NF4)


def preliminary(
    models: Sequence[str] = STUDY_MODELS, precisions: Sequence[Precision] = STUDY_PRECISIONS
) -> Recipe:
    """All 234 images, laterals included. The direct pipeline, which the study compares here only,
    and the report pipeline."""
    return Recipe(
        name="preliminary",
        draw=Draw(sources=(Source("chexpert", "valid"),)),
        models=tuple(models),
        precisions=tuple(precisions),
        pipelines=(PipelineKind.DIRECT, PipelineKind.REPORT),
    )
