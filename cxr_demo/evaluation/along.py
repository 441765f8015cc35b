"""CheXbert's labels while an arm is still read, so that its figure so far can be seen.

Between two replies, a batch of reports at a time, as long as that takes no more than `SHARE` of the
time: on a GPU nearly all, on a processor with a fast model few. What is left is labelled at the
arm's end. Outputs are taken in running order, so that those with labels are a random sample too.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.evaluation import labelling
from cxr_demo.records import PipelineKind
from cxr_demo.store.evaluations import EvaluationStore

if TYPE_CHECKING:
    from cxr_demo.labelers.chexbert import CheXbert

SHARE = 0.05
"""Of the time since the arm was begun here, what labelling (and loading CheXbert once) may take."""
FIRST_S = 60.0
"""Seconds of reading before the first labels; what is shorter has them soon anyway."""
LOOK_S = 5.0
"""Seconds between two looks for reports without a label: with many rows one takes 10 ms."""
_log = logging.getLogger(__name__)


class OnProcessor:
    """Where it labels without a host of its own: nothing else is on the device."""

    device = "cpu"

    def rest(self) -> None:
        """No peak is taken here."""

    def go_on(self) -> None:
        """As `rest`."""


class Place(Protocol):
    """What labelling needs of a host."""

    @property
    def device(self) -> str:
        """torch's name of the device."""

    def rest(self) -> None:
        """Something else than the evaluation's model uses the device."""

    def go_on(self) -> None:
        """The evaluation's model has it again."""


class Along:
    """Labels on the way, if `labelers` is "all" and CheXbert's files are there. It rests in main
    memory and comes to the device for each batch only: no peak of the evaluation has it in it."""

    def __init__(
        self, store: EvaluationStore, labelers: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock = store, clock
        self._wanted = labelers == "all"
        self._labeler: CheXbert | None = None
        self._cpu = False
        self._run: str | None = None
        self._began = self._looked = self._spent = 0.0
        self._each = 0.0

    def take(self, run: str, kind: PipelineKind, host: Place) -> bool:
        """Label one batch of `run` if it is due; true if it was."""
        now = self._clock()
        if run != self._run:
            self._run, self._began, self._looked, self._spent = run, now, now, 0.0
        if not self._wanted or kind is not PipelineKind.REPORT or now - self._looked < LOOK_S:
            return False
        self._looked = now
        device = "cpu" if self._cpu else host.device
        most = labelling.at_once_on(device)
        if not self._due(now, most) or not labelling.chexbert_present():
            return False
        pending = self._store.unlabelled(run, labelling.CHEXBERT, most)
        if len(pending) < most:
            return False
        host.rest()
        try:
            self._label(run, pending, device)
        except OutOfMemory:
            self._cpu = True  # beside the model and its batch there is no room
            _log.info("no room for CheXbert on the device: it labels on the processor")
        except CxrError as error:
            self._wanted = False  # the arm's end tries once more, and notes it
            _log.info("CheXbert does not label on the way: %s", error.code)
        finally:
            host.go_on()
            self._spent += self._clock() - now
        return True

    def _due(self, now: float, most: int) -> bool:
        reading = now - self._began - self._spent
        return reading >= FIRST_S and self._spent + most * self._each <= SHARE * reading

    def _label(self, run: str, pending: list[tuple[int, str]], device: str) -> None:
        if self._labeler is None:
            self._labeler = labelling.load_chexbert("cpu")
        began = self._clock()
        self._labeler.move(device)
        try:
            self._store.add_labels(run, labelling.by_chexbert(self._labeler, pending))
        finally:
            self._labeler.move("cpu")
        self._each = (self._clock() - began) / len(pending)
        self._store.set_facts(run, labelers=labelling.BOTH)
