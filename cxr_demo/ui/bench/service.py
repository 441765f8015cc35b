"""The one desk behind every open page's Benchmarks screen: the worker, the store, the folders.

Evaluations belong to the machine, not to a page, so this is shared by all pages; what a page looks
at (labeler, policy, theme) stays with the page. Blocking work runs on the caller's thread.
"""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from benchmarks.preliminary import preliminary
from cxr_demo import plots
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import CxrError
from cxr_demo.evaluation import rank_files
from cxr_demo.evaluation.labelling import chexbert_present
from cxr_demo.models.cards import CARDS
from cxr_demo.paths import private_dir
from cxr_demo.records import Precision
from cxr_demo.results.book import Book
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun, Group
from cxr_demo.ui.bench import fitting, progress, setup
from cxr_demo.ui.bench.folders import Folders
from cxr_demo.ui.bench.results import Machine
from cxr_demo.ui.bench.wish import EMBEDDED, PHANTOMS, Wish
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.state import Internal
from cxr_demo.ui.strings import text
from cxr_demo.worker.messages import JobStatus, WorkerStatus

log = logging.getLogger(__name__)

View = dict[str, Any]

QUICK = (Precision.BF16, Precision.NF4)
"""The precisions of the one-click evaluation."""

ARMS_FRESH_S = 10.0
FORM_FRESH_S = 5.0
"""Seconds for which what costs more than a poll may take is kept."""


class Evaluator(Protocol):
    """What runs evaluations: `worker.client.WorkerClient`."""

    def status(self) -> WorkerStatus:
        """The newest status; never blocks."""
        ...

    def start_evaluation(
        self, recipe: Recipe, data: dict[str, str], options: dict[str, Any] | None = None
    ) -> "Future[JobStatus]":
        """Start, or go on with, the group of this recipe."""
        ...

    def pause_job(self) -> "Future[None]":
        """Stop within one reply, keep the model."""
        ...

    def resume_job(self, group: str | None = None) -> "Future[JobStatus]":
        """Go on where it stopped."""
        ...

    def stop_job(self) -> "Future[None]":
        """Stop for good; what is done stays."""
        ...


class Bench:
    """See the head of this file. `reader` opens the store for the calling thread."""

    def __init__(
        self,
        worker: Evaluator,
        book: Book,
        reader: Callable[[], StoreReader],
        folders: Folders,
        fitness: Fitness,
    ) -> None:
        self.book = book
        self.folders = folders
        self._fitness = fitness
        self._worker = worker
        self._reader = reader
        self._lock = threading.RLock()
        self._error: CxrError | None = None
        self._asked: Future[Any] | None = None
        self._last_form: tuple[object, float, View] | None = None
        self._last_arms: tuple[object, float, list[ArmRun]] | None = None
        self._wish = self._kept()

    # ------------------------------------------------------------ what is shown

    def state(self, language: str, known: str = "") -> View:
        """The run side: form, progress, earlier evaluations. `{"same": true}` if it is still what
        the page has under the version `known`."""
        with self._lock:
            view = self._view(language)
        plain = json.dumps(view, sort_keys=True)
        version = hashlib.sha256(plain.encode()).hexdigest()[:16]
        return {"same": True} if version == known else {**view, "version": version}

    def _view(self, language: str) -> View:
        self._look_at_kept_folders()
        job = self._job()
        with self._reader() as reader:
            groups = reader.groups()
            held = next((each.id for each in groups if _read_by_ranks(each)), None)
            answered = self._worker.status().pid is not None
            current = _current(groups, job, held, answered)
            arms = self._arms(reader, current, job) if current else []
        running = progress.is_running(job) or self._is_asking() or held is not None
        earlier = [each for each in groups if each is not current][: progress.MOST_EARLIER]
        form = self._form(language)
        if running:
            form = {**form, "ready": text("bench.none.running", language)}
        own = job if current and job and job.group == current.id else None
        by_ranks = own is None and held is not None
        shown = current and progress.current_view(
            current, arms, own, current.id, language, by_ranks
        )
        if job is not None and job.group is None:
            shown = progress.before_view(job, language)  # its images are still being looked up
        return {
            "setup": form,
            "current": shown,
            "quick": None if groups or running else _quick(self._quick_precisions(), language),
            "earlier": [
                progress.earlier_view(each, each.id, not running, language) for each in earlier
            ],
            "now": _now(current, arms, own, language),
            "running": running,
            "checking": any(each["busy"] for each in form["folders"]),
            "results": self.book.token(),
            "error": self._error.message(language) if self._error else None,
        }

    def machine(self) -> Machine:
        """What is on this machine."""
        return Machine(
            gpu=self._gpu(),
            models=setup.real_models(),
            data=len(self.folders.paths()),
            chexbert=chexbert_present(),
        )

    def _gpu(self) -> plots.Gpu | None:
        telemetry = self._worker.status().telemetry
        gpu = telemetry.gpu if telemetry else None
        if gpu is None or gpu.total is None:
            return None
        return plots.Gpu(gpu.name, gpu.total)

    def _form(self, language: str) -> View:
        """The form; what is installed is looked up anew after `FORM_FRESH_S`."""
        checks = [self.folders.known(dataset) for dataset, _ in self._wish.sources]
        key = (language, self._wish, tuple(checks))
        known = self._last_form
        if known is None or known[0] != key or time.monotonic() > known[1] + FORM_FRESH_S:
            made = setup.setup_view(
                *(self._wish, self.folders, self._fitness, language), chexbert=chexbert_present()
            )
            known = self._last_form = (key, time.monotonic(), made)
        return known[2]

    def _arms(self, reader: StoreReader, group: Group, job: JobStatus | None) -> list[ArmRun]:
        """The arms as the store has them. Counting 180,000 rows takes 20 ms, too much for every
        poll; what moves comes with the worker's status."""
        key = (group.id, job.state if job else group.state, job.run if job else "")
        known = self._last_arms
        if known is None or known[0] != key or time.monotonic() > known[1] + ARMS_FRESH_S:
            known = self._last_arms = (key, time.monotonic(), reader.arms(group.id))
        return known[2]

    def _job(self) -> JobStatus | None:
        job = self._worker.status().job
        return job if job is not None and job.kind == "recipe" else None

    def _is_asking(self) -> bool:
        return self._asked is not None and not self._asked.done()

    def _look_at_kept_folders(self) -> None:
        """What is remembered is looked at once, when it is first needed."""
        paths = self.folders.paths()
        for dataset, _ in self._wish.sources:
            if dataset in paths and self.folders.known(dataset) is None:
                self.folders.check(dataset, str(paths[dataset]))

    # ------------------------------------------------------------ what is asked for

    def take_wish(self, given: Any) -> None:
        """Keep what is chosen on the form, for the next start of the app too. Raises BadWish."""
        wish = setup.narrowed(Wish.of(given))
        with self._lock:
            self._error = None
            self._wish = wish
            path = _wish_path()
            path.touch(mode=0o600)
            path.write_text(json.dumps(wish.to_dict()), encoding="utf-8")

    def check(self, dataset: str, folder: str) -> None:
        """Look into a folder, in the background; an empty one is forgotten."""
        self._error = None
        if folder.strip():
            self.folders.check(dataset, folder)
        else:
            self.folders.forget(dataset)

    def start(self, trial: bool, agreed: bool, language: str) -> View:
        """Start what is chosen; a `trial`, which always comes first where patients' images are
        read, only times a few images per arm. Answers a question instead where a model does not fit
        or labels would come from the rules only, and nobody has agreed to that."""
        wish = self._wish
        if setup.hindrance(wish, self.folders, self._fitness, language):
            return {}  # the page shows why, beside a button that it should not have pressed
        unfit = fitting.warnings(wish, self._fitness, language)
        ruled = wish.evaluation != "phantoms" and not chexbert_present()
        if (unfit or ruled) and not agreed:
            return _question(unfit, ruled, language)
        folders = {name: str(path) for name, path in self.folders.paths().items()}
        trial = trial or wish.evaluation != "phantoms"
        self._start(wish.recipe(), wish.data(folders), {"trial": True} if trial else {})
        return {}

    def quick(self) -> None:
        """The preliminary recipe on phantoms, embedded model, both precisions where they can be."""
        recipe = preliminary((EMBEDDED,), self._quick_precisions())
        self._start(recipe, {"phantoms": str(PHANTOMS)}, {})

    def _quick_precisions(self) -> tuple[Precision, ...]:
        """`QUICK`, or else the first one that this GPU can compute."""
        offered = CARDS[EMBEDDED].precisions
        able = tuple(each for each in offered if self._fitness.barred(each) is None)
        return tuple(each for each in QUICK if each in able) or able[:1]

    def pause(self) -> None:
        """Stop within one reply; the model stays loaded."""
        self._ask(self._worker.pause_job)

    def resume(self, group: str) -> None:
        """Go on with an evaluation where it stopped."""
        self._ask(lambda: self._worker.resume_job(group))

    def stop(self) -> None:
        """Stop the running evaluation for good; what is done stays."""
        self._ask(self._worker.stop_job)

    def close(self) -> None:
        """The app ends; the worker goes on."""
        self.folders.close()
        self.book.close()

    def _start(self, recipe: Recipe, data: dict[str, str], options: dict[str, Any]) -> None:
        self._ask(lambda: self._worker.start_evaluation(recipe, data, options))

    def _ask(self, request: Callable[[], "Future[Any]"]) -> None:
        with self._lock:
            self._error = None
            asked = self._asked = request()
        asked.add_done_callback(self._answered)

    def _answered(self, asked: "Future[Any]") -> None:
        error = asked.exception()
        if error is None:
            return
        with self._lock:
            known = isinstance(error, CxrError)
            self._error = error if known else Internal(kind=type(error).__name__)  # type: ignore[assignment]

    def _kept(self) -> Wish:
        try:
            return setup.narrowed(Wish.of(json.loads(_wish_path().read_text(encoding="utf-8"))))
        except (FileNotFoundError, ValueError, CxrError):
            return Wish()


def _wish_path() -> Any:
    return private_dir() / "evaluation_choice.json"


def _read_by_ranks(group: Group) -> bool:
    """Whether processes that a terminal has started read it now."""
    return group.state == "running" and rank_files.holder(group.id) is not None


def _current(
    groups: list[Group], job: JobStatus | None, held: str | None, answered: bool
) -> Group | None:
    """The one that runs: the worker's own, or the one that ranks read (`held`); without either, the
    worker's last, or the newest one that is not at its end. What a launch left that was killed is
    "running" in the store only: once the worker has `answered`, it is one that can go on."""
    if held is not None and not progress.is_running(job):
        return next(each for each in groups if each.id == held)
    if job is not None:
        return next((each for each in groups if each.id == job.group), None)
    waiting = ("paused",) if answered else ("running", "paused")
    return next((each for each in groups if each.state in waiting), None)


def _now(
    group: Group | None, arms: list[ArmRun], job: JobStatus | None, language: str
) -> View | None:
    if group is None or progress.state_of(group, job) not in ("running", "paused"):
        return None
    words = progress.now_words(group, arms, job, language)
    return {"words": words, "state": progress.state_of(group, job)}


def _quick(precisions: tuple[Precision, ...], language: str) -> View | None:
    """None on a GPU that can compute nothing of it."""
    if not precisions:
        return None
    names = ", ".join(text(f"precision.{each}", language) for each in precisions)
    view = {key: text(f"bench.quick.{key}", language) for key in ("title", "button")}
    return {**view, "text": text("bench.quick.text", language, precisions=names)}


def _question(unfit: list[str], ruled: bool, language: str) -> View:
    """Whether to start though pairs do not fit (`unfit` says which), or with the rules only."""
    rules = [text(f"bench.ask.{n}", language) for n in (1, 2)] if ruled else []
    if not unfit:
        title, words = text("bench.ask.title", language), text("bench.ask.yes", language)
        return {"title": title, "question": rules, "yes": words}
    return {
        "title": text("bench.unfit.title", language),
        "question": [*unfit, text("bench.unfit.what", language), *rules],
        "yes": text("bench.unfit.yes", language),
    }
