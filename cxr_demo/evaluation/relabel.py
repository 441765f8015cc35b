"""New labels for stored outputs: a changed labeler, or CheXbert that has come since. No GPU needed,
and nothing is generated again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from cxr_demo.evaluation import again, labelling
from cxr_demo.records import PipelineKind, StopReason
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import ArmRun

AT_ONCE = 64
Progress = Callable[[ArmRun, str, int, int], None]


def relabel(
    path: Path, group: str | None, labelers: str, device: str, progress: Progress
) -> Iterator[ArmRun]:
    """Label the outputs of all runs of `group` (of all groups, if None) again: by rules and the
    direct parser, and by CheXbert if `labelers` is "all" and its files are there. Yields each run
    when it is done; `progress` is told (run, labeler, done, total). Raises labelers' errors."""
    with EvaluationStore(path) as store:
        groups = [each.id for each in store.groups() if group in (None, each.id)]
        chexbert = None
        for run in [arm for each in groups for arm in store.arms(each)]:
            positions = sorted(store.done(run.id))
            kind = PipelineKind(run.pipeline)
            for at in range(0, len(positions), AT_ONCE):
                _by_rules(store, run, kind, positions[at : at + AT_ONCE])
                progress(run, "rules", min(at + AT_ONCE, len(positions)), len(positions))
            again.label_at_once(store, run.id, kind)
            if kind is PipelineKind.REPORT and labelers == "all" and labelling.chexbert_present():
                chexbert = chexbert or labelling.load_chexbert(device)
                for at in range(0, len(positions), AT_ONCE):
                    texts = _texts(store, run, positions[at : at + AT_ONCE])
                    store.add_labels(run.id, labelling.by_chexbert(chexbert, texts))
                    progress(run, "chexbert", min(at + AT_ONCE, len(positions)), len(positions))
                store.set_facts(run.id, labelers=labelling.BOTH)
                reread = store.again(run.id)
                for at in range(0, len(reread), AT_ONCE):
                    again.label(store, run.id, chexbert, reread[at : at + AT_ONCE])
            yield run


def _by_rules(
    store: EvaluationStore, run: ArmRun, kind: PipelineKind, positions: list[int]
) -> None:
    found = store.texts(run.id, positions).values()
    store.add_labels(
        run.id,
        [
            labelling.at_once(each.position, each.report, kind, StopReason(each.stop or "end"))
            for each in found
            if each.report is not None
        ],
    )


def _texts(store: EvaluationStore, run: ArmRun, positions: list[int]) -> list[tuple[int, str]]:
    found = store.texts(run.id, positions).values()
    return [(each.position, each.report) for each in found if each.report is not None]
