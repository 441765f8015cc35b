"""What there is to show, by name, before anything is computed."""

from cxr_demo.records import PipelineKind
from cxr_demo.results import study
from cxr_demo.results.records import DIRECT, BoardName
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun, Group

LABELERS = (study.CHEXBERT, "rules")
"""The labelers of reports, the leading one first."""


def board_names(reader: StoreReader) -> list[BoardName]:
    """Of every group, the newest first."""
    return [board_name(reader, each, reader.arms(each.id)) for each in reader.groups()]


def board_name(reader: StoreReader, group: Group, runs: list[ArmRun]) -> BoardName:
    """Of `group`, whose runs are `runs`."""
    shown = newest(runs)
    reports = [each for each in shown if each.pipeline == PipelineKind.REPORT]
    named = {labeler for run in reports for labeler in reader.labelers(run.id)}
    found = tuple(each for each in LABELERS if each in named)
    return BoardName(
        id=group.id,
        recipe=group.name,
        composition=group.composition,
        manifest=group.manifest_sha256,
        synthetic=group.synthetic,
        images=group.images,
        labelers=found or (LABELERS[-1] if reports else DIRECT,),  # rules label as reports come
        runs=tuple(each.id for each in shown),
        state=group.state,
        created=group.created,
    )


def newest(runs: list[ArmRun]) -> list[ArmRun]:
    """The last run of each arm; one that was taken in stands beside one that was measured here."""
    found = {
        (run.model, run.precision, run.pipeline, run.prompt, bool(run.facts.get("imported"))): run
        for run in runs
    }
    return list(found.values())
