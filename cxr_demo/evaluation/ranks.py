"""One evaluation by several processes, a GPU each, started by `accelerate launch`.

    this process: group in the store -> ranks: each reads its share into a file of its own -> merge

Ranks need nothing of each other: an image belongs to a rank by its place among those that were left
at the start, so no collective communication is set up, and the next launch may have another number.
While they read, this process takes in what is there and labels it, so that a figure so far can be
seen. A rank that dies ends the launch; what all have done is merged, and the same command goes on.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import LeaseHeld
from cxr_demo.evaluation import grouping, rank_files
from cxr_demo.evaluation.along import SHARE, Along, OnProcessor
from cxr_demo.evaluation.arm_run import read_unopened_again
from cxr_demo.evaluation.faults import RankDied, TooFewGpus
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.recipe_run import RecipeRun
from cxr_demo.evaluation.steps import is_of_today
from cxr_demo.records import PipelineKind
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.telemetry import nvml
from cxr_demo.worker.isolation import environment

MODULE = "cxr_demo.worker.rank"
GPUS = "CXR_DEMO_RANK_GPUS"
"""Environment variable that tells ranks which GPUs are theirs, by commas. The launcher itself sees
none: it would open one to look at it, and its memory would be taken for a stranger's."""
LOOK_S = 1.0
TAKE_IN_S = 15.0
"""Seconds between two looks into the ranks' files for new rows, at least."""


@dataclass(frozen=True)
class Told:
    """How far a launch is: rows of all arms, those of earlier launches included, of all that there
    will be; failures of this launch; rows a second since its first one, None before."""

    ranks: int
    done: int
    total: int
    failed: int
    rate: float | None

    @property
    def remaining(self) -> float | None:
        """Seconds to go, None where that is not known or there is nothing to do."""
        if self.rate is None or self.done >= self.total:
            return None
        return (self.total - self.done) / self.rate


Say = Callable[[Told], None]


def run_ranks(
    recipe: Recipe, data: dict[str, str], options: dict[str, object], ranks: int, say: Say
) -> str:
    """Read all images of `recipe` with `ranks` processes; returns the group. The last labels of
    CheXbert, memory and time are left to the worker. Raises RankDied, TooFewGpus, LeaseHeld, and
    what a plan and its tables raise."""
    plan = Plan.of(
        {"recipe": recipe.to_dict(), "data": data, "options": options | {"trial": False}}
    )
    check_gpus(ranks)
    with EvaluationStore(store_path()) as store:
        *_, (_, _, group) = grouping.prepare(plan, store)
        assert group is not None
        with rank_files.launch_lease(group):
            rank_files.merge(store, group)
            _try_failed_again(plan, store, group)
            try:
                status = Launch(plan, store, group, ranks, say).run()
                rank_files.merge(store, group)
            except BaseException:  # Ctrl-C, too: what is left must not go on by itself
                with suppress(LeaseHeld):
                    rank_files.merge(store, group)
                store.set_group_state(group, "stopped")
                raise
        if status != 0:
            store.set_group_state(group, "stopped")
            raise RankDied(ranks=ranks, status=status)
    return group


def check_gpus(ranks: int) -> None:
    """Raises TooFewGpus if there are GPUs, but fewer than `ranks`; processors can be shared."""
    visible = visible_gpus()
    if 0 < len(visible) < ranks:
        raise TooFewGpus(there=len(visible), wanted=ranks)


def visible_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES lets through, as it names them; all GPUs if it is not set."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [each.strip() for each in named.split(",") if each.strip()] if nvml.handles() else []
    return [str(index) for index in range(len(nvml.handles()))]


def choose_gpu(local_rank: int) -> int | None:
    """Let this process see one GPU only; NVML's index of it, None on a processor."""
    visible = [each for each in os.environ.get(GPUS, "").split(",") if each]
    if visible:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[local_rank]
    return nvml.first_visible()


def command(group: str, launch: str, ranks: int) -> list[str]:
    """`accelerate launch`, the same on GPUs and on a processor; each rank picks its own device."""
    cores = max(1, (os.cpu_count() or 1) // ranks)
    launcher = [sys.executable, "-m", "accelerate.commands.launch"]
    launcher += ["--multi_gpu"] if ranks > 1 else []  # it means "several processes"
    launcher += ["--num_processes", str(ranks), "--num_machines", "1", "--main_process_port", "0"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    launcher += ["--num_cpu_threads_per_process", str(cores), "--module", MODULE]
    return [*launcher, group, launch, str(os.getpid())]


class Launch:
    """Ranks at work, and what this process does meanwhile: it tells how far they are, takes their
    rows into the store, and labels those on the processor, each for `SHARE` of the time at most."""

    def __init__(
        self, plan: Plan, store: EvaluationStore, group: str, ranks: int, say: Say
    ) -> None:
        self._store, self._group, self._ranks, self._say = store, group, ranks, say
        self.name = f"{time.time_ns()}"
        self.files = [rank_files.rank_file(group, self.name, each) for each in range(ranks)]
        self._along = Along(store, plan.options.labelers)
        self._before = _counts(store, group)
        found = store.group(group)
        assert found is not None
        self._total = found.images * len(plan.recipe.arms())
        self._first: tuple[float, int] | None = None
        self._next = time.monotonic() + TAKE_IN_S
        self._run: str | None = None

    def run(self) -> int:
        """Until all ranks have ended; the launch's exit status."""
        with _running(command(self._group, self.name, self._ranks)) as process:
            while process.poll() is None:
                time.sleep(LOOK_S)
                self._tell()
                self.label()
            return process.returncode

    def label(self) -> None:
        """Take in what is new, if it is time; then label, if that is due."""
        began = time.monotonic()
        if began >= self._next and rank_files.begun(self.files):
            self._take_in()
            ended = time.monotonic()
            self._next = ended + max(TAKE_IN_S, (ended - began) / SHARE)
        if self._run is not None:
            self._along.take(self._run, PipelineKind.REPORT, OnProcessor())

    def _take_in(self) -> None:
        before = _counts(self._store, self._group)
        rank_files.take_in(self._store, self._group, self.files)
        for arm in self._store.arms(self._group):
            if arm.pipeline == PipelineKind.REPORT and arm.done > before.get(arm.id, 0):
                self._run = arm.id

    def _tell(self) -> None:
        done, failed = rank_files.rows(self.files)
        now = time.monotonic()
        if done and self._first is None:
            self._first = now, done
        since, at = self._first or (now, 0)
        rate = (done - at) / (now - since) if now > since and done > at else None
        before = sum(self._before.values())
        self._say(Told(self._ranks, before + done, self._total, failed, rate))


def _try_failed_again(plan: Plan, store: EvaluationStore, group: str) -> None:
    """Whoever goes on with an arm that failed may have mended its folder: ranks read what could not
    be opened once more, and the worker that finishes does not."""
    asked = RecipeRun(plan, store, group)
    asked.look_up()
    for arm in asked.arms:
        stored = None if arm.run is None else store.arm(arm.run)
        if stored is not None and stored.state == "failed" and is_of_today(stored, arm.arm):
            read_unopened_again(store, stored.id)
            store.set_arm_state(stored.id, "stopped")


def _counts(store: EvaluationStore, group: str) -> dict[str, int]:
    """Rows by run, of the runs that count."""
    return {arm.id: arm.done for arm in store.arms(group) if arm.current}


@contextmanager
def _running(launcher: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The launch, which ends with this process in whatever way."""
    process = subprocess.Popen(
        launcher,
        cwd=Path(__file__).resolve().parents[2],
        env=environment() | {GPUS: ",".join(visible_gpus()), "CUDA_VISIBLE_DEVICES": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # it passes the signal on, and ranks put down what is on its way
            process.wait()
