"""From a plan to a group in the store: its phantoms drawn, its tables read, its images noted."""

from collections.abc import Iterator

from cxr_demo.datasets.manifest import Manifest
from cxr_demo.evaluation import images
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.progress import RunPhase
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Group


def prepare(
    plan: Plan, store: EvaluationStore
) -> Iterator[tuple[RunPhase, float | None, str | None]]:
    """What is being done, how much of it in 0..1 where that is known, and at last the group's id.
    Raises leaves of DatasetError and PhantomsNotDrawn."""
    for drawn in images.draw_phantoms(plan):
        yield RunPhase.DRAWING, drawn, None
    for manifest in images.assemble_aside(plan):
        yield RunPhase.PREPARING, None, None if manifest is None else _note(plan, store, manifest)


def _note(plan: Plan, store: EvaluationStore, manifest: Manifest) -> str:
    group, given = plan.group_id(manifest.sha256), plan.to_dict()
    store.put_samples(manifest.sha256, images.sample_rows(manifest))
    store.put_group(
        Group(
            id=group,
            name=plan.recipe.name,
            recipe=given["recipe"],
            manifest_sha256=manifest.sha256,
            composition=plan.recipe.draw.composition,
            images=len(manifest.samples),
            synthetic=images.all_synthetic(plan),
            data=given["data"],
            options=given["options"],
        )
    )
    return group
