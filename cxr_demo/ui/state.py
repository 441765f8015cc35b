"""What a page's session is made of: its study, its readings, and the services that it uses."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cxr_demo.errors import CxrError
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.models.cards import CARDS
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    ImageUse,
    Phase,
    PhaseEvent,
    PipelineKind,
    Precision,
    Prompt,
    Radiograph,
    Reading,
    ReadingEvent,
    TokenEvent,
)
from cxr_demo.studies.folders import StudyRef
from cxr_demo.worker.client import ReadingStream
from cxr_demo.worker.messages import SeenImage

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
"""How uncertain labels count on a page that has just been opened."""


class Opener(Protocol):
    """What decodes files: `studies.pool.DecodePool`."""

    def open(self, source: Path | StudyRef) -> tuple[Radiograph, ...]:
        """The radiographs of one study, frontal first. Raises StudyError leaves."""
        ...

    def list_studies(self, path: Path) -> tuple[StudyRef, ...]:
        """The studies in a file, folder or zip. Raises StudyError leaves."""
        ...


class Reader(Protocol):
    """What reads radiographs: `worker.client.WorkerClient`."""

    def read(
        self,
        radiograph: Radiograph,
        model: str,
        precision: Precision,
        kind: PipelineKind,
        prompt: str | None = None,
    ) -> ReadingStream:
        """Start a reading."""
        ...

    def see(
        self,
        radiograph: Radiograph,
        model: str,
        precision: Precision,
        kind: PipelineKind,
        prompt: str | None = None,
    ) -> SeenImage:
        """What the model is given."""
        ...

    def prove(self) -> Future[ImageUse]:
        """Self-test of the loaded model."""
        ...


class NoStudy(CxrError):
    """Something was asked of a radiograph while none is open."""

    code = "no_study"
    en = "No radiograph is open: open a file or a sample first."
    pt = "Nenhuma radiografia aberta: abra um arquivo ou uma amostra antes."


class Internal(CxrError):
    """A fault of this program; `kind` is the exception's type, its words may name a file."""

    code = "internal"
    en = "Something went wrong inside the app ({kind}): try again, or start the app again."
    pt = "Algo deu errado dentro do aplicativo ({kind}): tente de novo ou reinicie o aplicativo."


@dataclass(frozen=True)
class Choice:
    """What is chosen for the next reading; `prompt` is the id of one of the model's (None: the
    default of `kind`)."""

    model: str
    precision: Precision = Precision.BF16
    kind: PipelineKind = PipelineKind.REPORT
    prompt: str | None = None

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts that there are to choose from."""
        return CARDS[self.model].prompts_of(self.kind)

    @property
    def asked(self) -> Prompt:
        """The prompt that a reading asks: the one that is chosen, if the model has it."""
        return next((each for each in self.prompts if each.id == self.prompt), self.prompts[0])


@dataclass(frozen=True, eq=False)
class Image:
    """One radiograph on the screen; `id` is unguessable and part of its pixels' address. `bare` is
    the same one without the windows and tables of its file, if the file brings any."""

    id: str
    radiograph: Radiograph
    bare: "Image | None" = None


@dataclass
class Study:
    """What is open: the images of one study, and the studies that were picked together with it.

    `files` are the user's own, to be deleted with the last of the `picked`; `sample` is the id of a
    sample study, else None. `cursor` is the place in `picked` that was tried last: a study that
    cannot be opened must not bar the way to those behind it. `ignore_lut`: the images are shown and
    read without the windows and tables of their files.
    """

    id: str
    images: tuple[Image, ...]
    picked: tuple[StudyRef, ...]
    files: tuple[Path, ...] = ()
    place: int = 0
    index: int = 0
    sample: str | None = None
    cursor: int = 0
    ignore_lut: bool = False

    @property
    def image(self) -> Image:
        """The image that is shown and read."""
        image = self.images[self.index]
        return image.bare if self.ignore_lut and image.bare else image


@dataclass
class Run:
    """One reading of one image, from Generate to its end."""

    id: str
    image: Image
    choice: Choice
    started: datetime
    clock: float
    phase: Phase = Phase.QUEUED
    fraction: float | None = None
    pieces: list[str] = field(default_factory=list)
    first_at: float | None = None
    last_at: float | None = None
    reading: Reading | None = None
    error: CxrError | None = None
    stream: ReadingStream | None = None
    stop_asked: bool = False

    @property
    def going(self) -> bool:
        """True until it is done, stopped or failed."""
        return self.reading is None and self.error is None

    @property
    def offer(self) -> Choice | None:
        """What would fit, if this reading failed for want of memory and something would."""
        found = self.error.params.get("offer") if self.error else None
        if not found:
            return None
        offered = {"model": found["model"], "precision": Precision(found["precision"])}
        return replace(self.choice, **offered)

    @property
    def report(self) -> str:
        """What has been written so far."""
        return self.reading.report if self.reading else "".join(self.pieces)

    def apply(self, event: ReadingEvent) -> None:
        """Take in one event of the stream."""
        if isinstance(event, PhaseEvent):
            self.phase, self.fraction = event.phase, event.fraction
        elif isinstance(event, TokenEvent):
            self.pieces.append(event.token.text)
            self.last_at = event.token.elapsed
            if self.first_at is None and event.token.text:
                self.first_at = event.token.elapsed
        elif isinstance(event, DoneEvent):
            self.reading = event.reading
        elif isinstance(event, FailedEvent):
            self.pieces = [event.report] if event.report else self.pieces
            self.error = CxrError.from_dict(event.error)


@dataclass(frozen=True)
class Services:
    """What all pages share: who decodes, who reads, where the samples lie, how files that were
    picked together are brought together, and how a file of the user is deleted."""

    opener: Opener
    reader: Reader
    samples: dict[str, Path]
    pack: Callable[[Sequence[Path]], tuple[Path, ...]]
    discard: Callable[[Path], None]
