"""After a resume: some of the images that were done before are read once more, in the new batch.

What else is in a batch changes how a GPU rounds, and so, now and then, a text and its labels. How
often is measured here. Rows stay as they are: what is read again lies in a table of its own, beside
them, and counts in no rate.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cxr_demo.evaluation import labelling
from cxr_demo.evaluation.writer import Make, Tally
from cxr_demo.records import PipelineKind, StopReason
from cxr_demo.store.again import Reread
from cxr_demo.store.evaluations import EvaluationStore

if TYPE_CHECKING:
    from cxr_demo.labelers.chexbert import CheXbert

IMAGES = 32
"""Images that are read again after each resume, on a GPU. On a processor rows are the same by
construction, and none are."""
FACT = "after_resume"
"""Key of a run's JSON for what all resumes together have shown."""


def sample(run: str, resume: str, done: Iterable[int], count: int) -> list[int]:
    """`count` of the positions `done`, those whose hash with run and resume is smallest, in the
    order of the hash: random, other ones beside each other than at first, others after every
    resume, and told by the store alone."""

    def rank(position: int) -> bytes:
        return hashlib.sha256(f"{run}/{resume}/{position}".encode()).digest()

    return sorted(done, key=rank)[:count]


def note(store: EvaluationStore, run: str) -> None:
    """Count anew, from what is stored, how many labels and texts differ."""
    found = store.again_counts(run)
    if found["images"]:
        store.set_facts(run, **{FACT: found})


def label(store: EvaluationStore, run: str, labeler: "CheXbert", reread: Sequence[Reread]) -> None:
    """CheXbert's labels of what was read again, as one batch, and the count anew."""
    made = labelling.by_chexbert(labeler, [(each.position, each.report) for each in reread])
    resumes = [each.resume for each in reread]
    store.add_again_labels(run, list(zip(resumes, made, strict=True)))
    note(store, run)


def label_at_once(store: EvaluationStore, run: str, kind: PipelineKind) -> None:
    """New labels, by what labels at once, of all that was read again; and the count anew."""
    made = [
        (each.resume, labelling.at_once(each.position, each.report, kind, _stop(each)))
        for each in store.again(run)
    ]
    store.add_again_labels(run, made)
    note(store, run)


def _stop(output: Reread) -> StopReason:
    return StopReason(output.stop or StopReason.END)


class Keeper:
    """Takes a session's rows in place of a `Writer`; an image that fails now is passed over."""

    def __init__(self, store: EvaluationStore, run: str, resume: str) -> None:
        self._store, self._run, self._resume = store, run, resume
        self.tally = Tally()

    def put(self, make: Make, error: dict[str, Any] | None = None) -> None:
        """Keep one row, durably."""
        if error is None:
            self._store.add_again(self._run, self._resume, make())

    def flush(self) -> None:
        """Nothing waits."""
