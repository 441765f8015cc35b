"""What one browser page has open: its study, its readings, its language. Nothing here is global.

Every change raises `revision`; the page asks for the view of a newer revision and gets the whole of
it, so that a report can never stand beside another study than its own. Handlers of the page and
the threads that decode and read meet under one lock; neither decodes nor waits while holding it.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from cxr_demo.errors import CxrError
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.records import ImageUse, Radiograph
from cxr_demo.studies import has_file_lut, ignore_file_lut
from cxr_demo.studies.folders import StudyRef
from cxr_demo.ui.state import POLICY, Choice, Image, Internal, NoStudy, Run, Services, Study
from cxr_demo.worker.messages import SeenImage

log = logging.getLogger(__name__)

T = TypeVar("T")


class Session:
    """One page. All public methods may be called from any thread."""

    def __init__(self, services: Services, language: str, choice: Choice) -> None:
        self.id = secrets.token_urlsafe(24)
        self.lock = threading.RLock()
        self.language = language
        self.choice = choice
        self.policy = POLICY
        self.study: Study | None = None
        self.runs: list[Run] = []
        self.selected: str | None = None
        self.opening = False
        self.error: CxrError | None = None
        self.revision = 1
        self.seen_at = time.monotonic()
        self.closed = False
        self._services = services
        self._ticket = 0
        self._held: dict[str, Path] = {}

    # ------------------------------------------------------------ what is shown

    def touch(self) -> None:
        """Say that something changed. Call with the lock held."""
        self.revision += 1

    @property
    def shown_runs(self) -> list[Run]:
        """Readings of the image that is shown, oldest first."""
        if self.study is None:
            return []
        return [run for run in self.runs if run.image is self.study.image]

    @property
    def run(self) -> Run | None:
        """The reading that is shown: the selected one, if it is of the image that is shown."""
        shown = self.shown_runs
        chosen = [run for run in shown if run.id == self.selected]
        return next(iter(chosen or shown[-1:]), None)

    @property
    def busy(self) -> bool:
        """True while a reading of this page goes on."""
        return any(run.going for run in self.runs)

    def image(self, image: str) -> Image | None:
        """The open image with this id."""
        with self.lock:
            images = self.study.images if self.study else ()
            every = [*images, *(each.bare for each in images if each.bare)]
            return next((each for each in every if each.id == image), None)

    def set_language(self, language: str) -> None:
        """Switch between "pt" and "en"; nothing else changes."""
        with self.lock:
            self.language = language
            self.touch()

    def set_choice(self, choice: Choice) -> None:
        """Remember what is chosen for the next reading."""
        with self.lock:
            self.choice = choice
            self.touch()

    def set_policy(self, policy: UncertaintyPolicy) -> None:
        """Count uncertain labels otherwise from now on: stored labels are shown anew, none is
        made."""
        with self.lock:
            self.policy = policy
            self.touch()

    def dismiss(self) -> None:
        """Take the error message away."""
        with self.lock:
            self.error = None
            self.touch()

    # ------------------------------------------------------------ studies

    def hold(self, file: Path) -> str:
        """Keep a file that the page handed over, until it is opened; returns its token."""
        token = _token()
        with self.lock:
            self._held[token] = file
        return token

    def open_held(self, tokens: Sequence[str]) -> None:
        """Open files that the page handed over before, in this order, as one list."""
        with self.lock:
            files = tuple(self._held.pop(token) for token in tokens if token in self._held)
        if files:
            self._open(self._services.pack(files), sample=None)

    def open_sample(self, sample: str) -> None:
        """Open a sample study by its id. Raises KeyError for an unknown one."""
        self._open((self._services.samples[sample],), sample=sample)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) image, and past the last to the next study."""
        with self.lock:
            study = self.study
            if study is None:
                return
            index, cursor = study.index + by, study.cursor + by
            if 0 <= index < len(study.images):
                study.index = index
                self.error = None
                self.touch()
                return
        if 0 <= cursor < len(study.picked):
            self._turn(study, cursor)

    def ignore_lut(self, on: bool) -> None:
        """Show and read the open study without the windows and tables of its files, or with them
        again. Readings stay with what they were made from."""
        with self.lock:
            if self.study is not None:
                self.study.ignore_lut = on
                self.touch()

    def close_study(self) -> None:
        """Clear the screen: study, readings and files, all at once."""
        with self.lock:
            self._begin()
            self.opening = False
            self._replace(None)

    def close(self) -> None:
        """The page is gone: stop what goes on and forget everything."""
        with self.lock:
            self.closed = True
            self.close_study()
            self._discard(tuple(self._held.values()))
            self._held.clear()

    def _open(self, files: tuple[Path, ...], sample: str | None) -> None:
        ticket = self._begin()
        owned = () if sample else files
        picked, error = self._list(files)
        place, images, failure = self._first(picked)
        with self.lock:
            if ticket != self._ticket or self.closed or not images:
                self._discard(owned)
            if ticket == self._ticket and not self.closed:
                self.opening = False
                self.error = None if images else error or failure
                if images:
                    study = Study(_token(), images, picked, owned, place, 0, sample, place)
                    self._replace(study)
                self.touch()

    def _first(
        self, picked: tuple[StudyRef, ...]
    ) -> tuple[int, tuple[Image, ...], CxrError | None]:
        """The first study that opens: its place and images; else the first error."""
        first_error = None
        for place, each in enumerate(picked):
            images, error = self._decode(each)
            if images:
                return place, images, None
            first_error = first_error or error
        return 0, (), first_error

    def _turn(self, study: Study, place: int) -> None:
        ticket = self._begin()
        images, error = self._decode(study.picked[place])
        with self.lock:
            if ticket != self._ticket or self.closed:
                return
            self.opening = False
            self.error = error
            study.cursor = place
            if images:
                self._replace(_turned(study, images, place))
            self.touch()

    def _begin(self) -> int:
        """A ticket for something that takes its time: whoever asks later goes before."""
        with self.lock:
            self._ticket += 1
            self.opening = True
            self.error = None
            self.touch()
            return self._ticket

    def _list(self, files: tuple[Path, ...]) -> tuple[tuple[StudyRef, ...], CxrError | None]:
        picked: list[StudyRef] = []
        error: CxrError | None = None
        for file in files:
            found, failure = _guarded(partial(self._services.opener.list_studies, file))
            picked += found
            error = error or failure
        return tuple(picked), error

    def _decode(self, study: StudyRef) -> tuple[tuple[Image, ...], CxrError | None]:
        found, error = _guarded(partial(self._services.opener.open, study))
        return tuple(map(_image, found)), error

    def _replace(self, study: Study | None) -> None:
        old, self.study = self.study, study
        for run in self.runs:
            self._stop(run)
        self.runs, self.selected = [], None
        if old is not None:
            kept = study.files if study else ()
            self._discard(tuple(file for file in old.files if file not in kept))
        self.touch()

    def _discard(self, files: tuple[Path, ...]) -> None:
        for file in files:
            self._services.discard(file)

    # ------------------------------------------------------------ readings

    def generate(self) -> None:
        """Read the image that is shown with the current choice; at once, in a thread of its own.
        Does nothing while a reading of this page goes on."""
        with self.lock:
            if self.busy:
                return
            self.error = None if self.study else NoStudy()
            if self.study is not None:
                now, clock = datetime.now().astimezone(), time.monotonic()
                run = Run(_token(), self.study.image, self.choice, now, clock)
                self.runs.append(run)
                self.selected = run.id
                threading.Thread(target=self._follow, args=(run,), daemon=True).start()
            self.touch()

    def accept_offer(self) -> Choice | None:
        """Read again as the shown reading's error offers it (in 4 bits, where memory did not
        suffice); the choice that is then in force, None if nothing was offered."""
        with self.lock:
            run = self.run
            offered = run.offer if run is not None else None
            if offered is None or self.busy:
                return None
            self.choice = offered
            self.generate()
            return offered

    def stop(self) -> None:
        """End the reading that goes on; it stays on the screen as stopped."""
        with self.lock:
            for run in self.runs:
                self._stop(run)
            self.touch()

    def select(self, run: str) -> None:
        """Show the reading with this id."""
        with self.lock:
            self.selected = run
            self.touch()

    def see(self) -> SeenImage:
        """What the model is given: of the reading that is shown, else of the current choice.

        Raises:
            NoStudy: if no radiograph is open.
            ModelError, WorkerError: as the model's process says.
        """
        with self.lock:
            if self.study is None:
                raise NoStudy
            choice = self.run.choice if self.run else self.choice
            radiograph = self.study.image.radiograph
        return self._services.reader.see(
            radiograph, choice.model, choice.precision, choice.kind, choice.asked.id
        )

    def prove(self) -> ImageUse:
        """Self-test of the model that is loaded. Raises CxrError."""
        return self._services.reader.prove().result()

    def _follow(self, run: Run) -> None:
        try:
            choice = run.choice
            image, asked = run.image.radiograph, choice.asked.id
            stream = self._services.reader.read(
                image, choice.model, choice.precision, choice.kind, asked
            )
            with self.lock:
                run.stream = stream
                if run.stop_asked:
                    stream.stop()
            for event in stream:
                with self.lock:
                    run.apply(event)
                    self.touch()
        except CxrError as error:
            self._fail(run, error)
        except Exception as error:
            log.exception("a reading failed")
            self._fail(run, Internal(kind=type(error).__name__))
        else:
            if run.going:
                self._fail(run, Internal(kind="EndOfStream"))

    def _fail(self, run: Run, error: CxrError) -> None:
        with self.lock:
            run.error = error
            self.touch()

    def _stop(self, run: Run) -> None:
        run.stop_asked = True
        if run.going and run.stream is not None:
            run.stream.stop()


def _guarded(task: Callable[[], tuple[T, ...]]) -> tuple[tuple[T, ...], CxrError | None]:
    try:
        return task(), None
    except CxrError as error:
        return (), error
    except Exception as error:  # noqa: BLE001
        # The words of a foreign exception may name a file; its type does not.
        log.error("opening a file failed: %s", type(error).__name__)
        return (), Internal(kind=type(error).__name__)


def _turned(study: Study, images: tuple[Image, ...], place: int) -> Study:
    """The study at `place` of the same list; nothing else of the one before it stays."""
    return replace(study, id=_token(), images=images, place=place, index=0, ignore_lut=False)


def _image(radiograph: Radiograph) -> Image:
    bare = Image(_token(), ignore_file_lut(radiograph)) if has_file_lut(radiograph) else None
    return Image(_token(), radiograph, bare)


def _token() -> str:
    return secrets.token_urlsafe(18)
