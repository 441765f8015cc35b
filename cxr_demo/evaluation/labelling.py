"""From outputs to rows of labels: by rules at once, by CheXbert in batches after generation.

No torch here: CheXbert is imported when it is used.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_demo.labelers import direct, rules
from cxr_demo.paths import models_dir
from cxr_demo.records import FindingSet, PipelineKind, StopReason
from cxr_demo.store.records import LabelRow, codes_of
from cxr_demo.weights import refuse_altered

if TYPE_CHECKING:
    from cxr_demo.labelers.chexbert import CheXbert

CHEXBERT = "chexbert"
FIRST = {PipelineKind.REPORT: "rules", PipelineKind.DIRECT: "direct"}
"""The labeler that labels at once, by pipeline."""
BOTH = [CHEXBERT, FIRST[PipelineKind.REPORT]]
_CHECKPOINT = "chexbert.pth"
_AT_ONCE = {"cpu": 8}
_AT_ONCE_ON_GPU = 128


def chexbert_folder() -> Path:
    """Where the user puts CheXbert's checkpoint and its tokenizer."""
    return models_dir() / "chexbert"


def chexbert_present() -> bool:
    """Whether CheXbert's checkpoint lies in its folder. Whether it can be used shows when it is
    loaded."""
    return (chexbert_folder() / _CHECKPOINT).is_file()


def at_once_on(device: str) -> int:
    """Reports that CheXbert takes in one step; readings of the screen wait for one step."""
    return _AT_ONCE.get(device, _AT_ONCE_ON_GPU)


def load_chexbert(device: str) -> "CheXbert":
    """CheXbert on `device`, such as "cuda:0". Raises the errors of `labelers.faults`, and
    WeightsRefused if its files are not what their record says."""
    from cxr_demo.labelers.chexbert import CheXbert

    refuse_altered("CheXbert", chexbert_folder())
    return CheXbert(chexbert_folder(), device)


def at_once(position: int, text: str, kind: PipelineKind, stop: StopReason) -> LabelRow:
    """The labels that cost no time: of a report by rules, which follow CheXbert's habits here since
    they stand beside it; of a direct answer by its parser."""
    if kind is PipelineKind.REPORT:
        return row_of(position, rules.label(text, habits=True))
    return row_of(position, direct.parse(text, cut_off=stop is not StopReason.END))


def by_chexbert(labeler: "CheXbert", texts: Sequence[tuple[int, str]]) -> list[LabelRow]:
    """CheXbert's labels of (position, report) pairs, as one batch."""
    found = labeler.label([text for _, text in texts])
    return [row_of(at, each) for (at, _), each in zip(texts, found, strict=True)]


def row_of(position: int, found: FindingSet) -> LabelRow:
    """A set of findings as the store keeps it."""
    codes = codes_of({each.finding: each.label for each in found.labels})
    return LabelRow(position, found.labeler, codes, found.unparsed)
