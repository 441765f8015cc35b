"""The embedded model's quality: radiographs that are drawn, and truth is what was drawn."""

from collections.abc import Sequence

from cxr_demo.datasets.draw import Draw, Source
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.records import PipelineKind, Precision


def phantoms(
    models: Sequence[str] = ("embedded",),
    precisions: Sequence[Precision] = (Precision.BF16,),
    pipelines: Sequence[PipelineKind] = (PipelineKind.REPORT,),
) -> Recipe:
    """All phantoms that are drawn, as DICOM, PNG and JPEG in turn. Training never saw them."""
    return Recipe(
        name="phantoms",
        draw=Draw(sources=(Source("folder", "all"),)),
        models=tuple(models),
        precisions=tuple(precisions),
        pipelines=tuple(pipelines),
    )
