"""What an evaluation asks of the process that owns the device: the worker, or a rank."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cxr_demo.errors import CxrError
from cxr_demo.evaluation.answers import Answers
from cxr_demo.models.base import Model
from cxr_demo.records import Memory, Precision, Radiograph


@dataclass(frozen=True)
class Neighbours:
    """Processes of others on the device: how many, and the bytes they hold (None: not told)."""

    count: int
    bytes: int | None


class Host(Protocol):
    """The device's owner. `load_seconds`: of the last load, None before it."""

    load_seconds: float | None

    @property
    def device(self) -> str:
        """torch's name of the device."""

    def model(self, model: str, precision: Precision) -> Model:
        """That model on the device, loaded if it is not there, its use of the image proven once.
        Raises what loading raises, ImageNotUsed and LeaseHeld."""

    def require_room(self, model: str, precision: Precision, known: int | None) -> None:
        """Raises NoLongerFits if that model fits even an emptied device no more. `known`: bytes
        that it took on this device before, with its batch."""

    def batch(self, model: str, precision: Precision, new: int, images: int) -> int | None:
        """How many of `images` to read at once, with replies of up to `new` tokens, that model
        being alone on the device; None if that cannot be told."""

    def ask(self, radiograph: Radiograph) -> Answers:
        """The loaded model's raw answers to its yes/no questions. Raises PhantomsOnly."""

    def free(self) -> None:
        """Empty the device, and keep its lease: a process of this evaluation will use it."""

    def translate(self, error: Exception, model: str) -> CxrError:
        """`error` in words; after an out-of-memory the device is empty. A broken device is raised
        as what ends this process."""

    def watch(self) -> None:
        """Begin to sample peaks of memory."""

    def watched(self) -> Memory:
        """The peaks since `watch`."""

    def rest(self) -> None:
        """Something else than the evaluation's model uses the device: no peak is taken."""

    def go_on(self) -> None:
        """The evaluation's model has the device again."""

    def neighbours(self) -> Neighbours | None:
        """Who else uses the device now, beside this process and its children; None if nobody."""

    def measuring_command(self) -> list[str]:
        """The program that measures memory and time in a process of its own."""

    def store(self) -> Path:
        """The file that rows are written to."""
