"""CheXbert beside the rules, where the user has brought it; a reading never fails for its sake.

It runs on the CPU: one report takes a fraction of a second there, and the VRAM that is shown stays
the report model's own. Tables of reports go through `python -m cxr_demo label` on the GPU.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_demo.errors import CxrError, ModelError
from cxr_demo.paths import models_dir
from cxr_demo.records import FindingSet, Notice, PipelineKind, Reading
from cxr_demo.weights import refuse_altered
from cxr_demo.worker.answers import note

if TYPE_CHECKING:
    from cxr_demo.labelers.chexbert import CheXbert

NOTICE = "labeler_refused"
"""CheXbert is there and could not label; `error` is `CxrError.to_dict()`."""

SENTENCES = "chexbert_sentences"


def folder() -> Path:
    """Where `chexbert.pth` and its tokenizer belong; nothing happens as long as it is not there."""
    return models_dir() / "chexbert"


class SecondLabeler:
    """Loaded with the first report that needs it, and again when its files have changed."""

    def __init__(self) -> None:
        self._labeler: CheXbert | None = None
        self._refused: CxrError | None = None
        self._files: tuple[object, ...] | None = None

    def add_to(self, reading: Reading) -> Reading:
        """`reading` with CheXbert's labels of the whole report in front, and those of its sentences
        behind the others; with a notice if CheXbert is there and could not; else as it was."""
        if reading.provenance.pipeline is not PipelineKind.REPORT or not folder().is_dir():
            return reading
        began = time.monotonic()
        try:
            whole, parts = self._ready().label_both([reading.report])[0]
        except Exception as error:  # noqa: BLE001 - the rules' labels stand
            note(error)
            if not isinstance(error, CxrError):
                error = ModelError(model="CheXbert", detail=type(error).__name__)
            notice = Notice(NOTICE, {"error": error.to_dict()})
            return replace(reading, notices=(*reading.notices, notice))
        return replace(
            reading,
            findings=(whole, *reading.findings, FindingSet(SENTENCES, parts.labels)),
            timings=replace(reading.timings, labelling=time.monotonic() - began),
        )

    def _ready(self) -> "CheXbert":
        files = _signature()
        if files != self._files:
            self._labeler, self._refused, self._files = None, None, None
            try:
                refuse_altered("CheXbert", folder())
                self._labeler = _load(folder())
            except CxrError as error:  # the same files will not be better next time
                self._refused = error
            self._files = files
        if self._labeler is None:
            raise self._refused or ModelError(model="CheXbert", detail="?")
        return self._labeler


def _load(place: Path) -> "CheXbert":
    from cxr_demo.labelers.chexbert import CheXbert

    return CheXbert(place, "cpu")


def _signature() -> tuple[object, ...]:
    """Names, sizes and times of the folder's files: whether somebody has put others there."""
    found = [(each.name, each.stat()) for each in sorted(folder().iterdir())]
    return tuple((name, held.st_size, held.st_mtime_ns) for name, held in found)
