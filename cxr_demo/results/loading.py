"""The store's arrays as arms and rows. Reads nothing itself: the store's records come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo.datasets.seen import held_out
from cxr_demo.metrics.slices import Mask, slices
from cxr_demo.metrics.summary import Rows
from cxr_demo.models import confirmations
from cxr_demo.models.cards import CARDS, named_prompt
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.records import DIRECT, Arm, ArmRows, Cost, Pair, Reread
from cxr_demo.store.records import ArmRun, Group, ManifestArrays, Outcomes

HELD_OUT = "held_out"

NOTES: Mapping[str, Pair] = {
    "foreign_process": (
        "Another process was on the GPU: VRAM and time may be too high.",
        "Outro processo estava na GPU: VRAM e tempo podem estar altos demais.",
    ),
    "batch_halved": (
        "The GPU's memory ran out once: the batch was made smaller.",
        "A memória da GPU se esgotou uma vez: o lote foi reduzido.",
    ),
}
"""Notes of a run that change how its figures are to be read; others are for its own page."""


def arm(run: ArmRun, group: Group) -> Arm:
    """A run's metadata. A model or precision that this version does not know keeps its name."""
    facts = run.facts
    imported = facts.get("imported") or None
    return Arm(
        run=run.id,
        group=run.group,
        model=run.model,
        model_name=CARDS[run.model].name if run.model in CARDS else run.model,
        precision=Precision(run.precision),
        pipeline=PipelineKind(run.pipeline),
        state=run.state,
        done=run.done,
        total=run.total,
        failed=run.failed,
        created=run.created,
        cost=cost(facts),
        confirmed=_confirmed(run, facts),
        stand_in=bool(facts.get("stand_in")),
        synthetic=group.synthetic,
        origin=str(imported.get("from") or "?") if imported else None,
        notes=_notes(facts),
        reread=reread(facts),
        prompt=named_prompt(run.model, PipelineKind(run.pipeline), run.prompt),
        recipe=group.recipe,
        facts=facts,
    )


def _confirmed(run: ArmRun, facts: Mapping[str, Any]) -> bool:
    """Whether the port was confirmed when it ran, or has been here since, with the same weights."""
    known = (facts.get("signature") or {}).get("weights_sha256")
    since = known is not None and confirmations.find(run.model, known) is not None
    return not facts.get("stand_in") and (bool(facts.get("confirmed")) or since)


def cost(facts: Mapping[str, Any]) -> Cost:
    """What was measured; None for the rest."""
    memory, batch, image, token = (
        facts.get(name) or {} for name in ("memory", "batch", "time_per_image", "time_per_token")
    )
    return Cost(
        gpu=facts.get("device"),
        vram_peak=memory.get("vram_device_peak"),
        vram_baseline=memory.get("vram_device_baseline"),
        vram_batch_peak=batch.get("vram_device_peak"),
        seconds=image.get("mean"),
        seconds_sd=image.get("sd"),
        seconds_images=image.get("n"),
        tokens=image.get("mean_tokens"),
        seconds_per_token=token.get("mean"),
        images_per_second=batch.get("images_per_second"),
    )


def reread(facts: Mapping[str, Any]) -> Reread | None:
    """What was read again after resumes. Raises KeyError, TypeError, ValueError or AttributeError
    for a run from elsewhere that holds something else there."""
    found = facts.get("after_resume")
    if not found:
        return None
    labels = {
        str(name): (int(each["images"]), int(each["differ"]))
        for name, each in found["labels"].items()
    }
    resumes, images, texts = (int(found[name]) for name in ("resumes", "images", "texts_differ"))
    return Reread(resumes, images, texts, labels)


def labeler_of(run: Arm, labeler: str) -> str:
    """Whose labels an arm's figures rest on, where reports are labelled by `labeler`."""
    return DIRECT if run.pipeline is PipelineKind.DIRECT else labeler


@dataclass(frozen=True, eq=False)
class Images:
    """A manifest made ready: `patients` (N,) are numbers, the same one for the same patient."""

    manifest: ManifestArrays
    patients: NDArray[np.int64]

    def masks(self, run: Arm, positions: NDArray[np.int64]) -> dict[str, dict[str, Mask]]:
        """Slices of the images at `positions`, by column and value."""
        table = self.manifest
        datasets, splits = table.datasets[positions].tolist(), table.splits[positions].tolist()
        pairs = list(zip(datasets, splits, strict=True))
        known = {pair: held_out(run.model, *pair) for pair in set(pairs)}
        ages = [None if np.isnan(each) else each for each in table.ages[positions].tolist()]
        columns = {
            "dataset": datasets,
            "view": table.views[positions].tolist(),
            "sex": table.sexes[positions].tolist(),
            HELD_OUT: [known[pair] for pair in pairs],
        }
        return slices(columns, ages)


def images(manifest: ManifestArrays) -> Images:
    """Number the patients once for all arms."""
    names = manifest.patients.astype(np.str_)
    return Images(manifest, np.unique(names, return_inverse=True)[1].astype(np.int64))


def all_rows(there: Images, outcomes: Outcomes) -> dict[str, ArmRows]:
    """An arm's rows by labeler."""
    return {
        labeler: ArmRows(outcomes.positions[kept], _rows(there, outcomes, labeler, kept))
        for labeler, kept in outcomes.present.items()
    }


def _rows(there: Images, outcomes: Outcomes, labeler: str, kept: Mask) -> Rows:
    at = outcomes.positions[kept]
    folds = there.manifest.folds
    return Rows(
        targets=there.manifest.targets[at],
        predictions=outcomes.labels[labeler][kept],
        patients=there.patients[at],
        unparsed=outcomes.unparsed[labeler][kept],
        folds=None if folds is None else folds[at],
    )


def _notes(facts: Mapping[str, Any]) -> tuple[Pair, ...]:
    codes = dict.fromkeys(each.get("code") for each in facts.get("notes") or ())
    return tuple(NOTES[code] for code in codes if code in NOTES)
