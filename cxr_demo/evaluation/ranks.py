"""One evaluation by several processes, a GPU each, started by `accelerate launch`.

    this process: group in the store -> ranks: each reads its share into a file of its own -> merge

Ranks need nothing of each other: an image belongs to a rank by its place among those that were left
at the start, so no collective communication is set up, and the next launch may have another number.
A rank that dies ends the launch; what all have done is merged, and the same command goes on.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import LeaseHeld
from cxr_demo.evaluation import again, grouping
from cxr_demo.evaluation.facts import PARTS, together
from cxr_demo.evaluation.faults import RankDied, TooFewGpus
from cxr_demo.evaluation.plan import Plan
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import ranks_dir, store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.telemetry import nvml
from cxr_demo.units import format_rate
from cxr_demo.worker.isolation import environment
from cxr_demo.worker.lease import Lease

MODULE = "cxr_demo.worker.rank"
GPUS = "CXR_DEMO_RANK_GPUS"
"""Environment variable that tells ranks which GPUs are theirs, by commas. The launcher itself sees
none: it would open one to look at it, and its memory would be taken for a stranger's."""
LOOK_S = 1.0
Say = Callable[[str], None]


def run_ranks(
    recipe: Recipe, data: dict[str, str], options: dict[str, object], ranks: int, say: Say
) -> str:
    """Read all images of `recipe` with `ranks` processes; returns the group. Labels of CheXbert,
    memory and time are left to the worker. Raises RankDied, TooFewGpus, LeaseHeld, and what a plan
    and its tables raise."""
    plan = Plan.of(
        {"recipe": recipe.to_dict(), "data": data, "options": options | {"trial": False}}
    )
    check_gpus(ranks)
    with EvaluationStore(store_path()) as store:
        *_, (_, _, group) = grouping.prepare(plan, store)
        assert group is not None
        merge(store, group)
        status = _launch(group, ranks, say)
        merge(store, group)
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


def merge(store: EvaluationStore, group: str) -> None:
    """Take over what ranks have left, and delete their files. Raises LeaseHeld if one of them is
    still at work."""
    files = sorted(ranks_dir().glob(f"{group}-*.sqlite"))
    for file in files:
        holder = Lease(file.with_suffix(".lock")).holder()
        if holder is not None:
            raise LeaseHeld(pid=holder)
    for file in files:
        store.absorb(file)
        for each in (file, *(Path(f"{file}{tail}") for tail in ("-wal", "-shm"))):
            each.unlink(missing_ok=True)
        file.with_suffix(".lock").unlink(missing_ok=True)
    for arm in store.arms(group) if files else ():
        again.note(store, arm.id)
        parts = arm.facts.get(PARTS)
        if parts:
            store.set_facts(arm.id, batch=together(parts))


def rank_file(group: str, launch: str, rank: int) -> Path:
    """The file of one rank of one launch."""
    return ranks_dir() / f"{group}-{launch}-{rank}.sqlite"


def command(group: str, launch: str, ranks: int) -> list[str]:
    """`accelerate launch`, the same on GPUs and on a processor; each rank picks its own device."""
    cores = max(1, (os.cpu_count() or 1) // ranks)
    launcher = [sys.executable, "-m", "accelerate.commands.launch"]
    launcher += ["--multi_gpu"] if ranks > 1 else []  # it means "several processes"
    launcher += ["--num_processes", str(ranks), "--num_machines", "1", "--main_process_port", "0"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    launcher += ["--num_cpu_threads_per_process", str(cores), "--module", MODULE]
    return [*launcher, group, launch, str(os.getpid())]


def _launch(group: str, ranks: int, say: Say) -> int:
    launch = f"{time.time_ns()}"
    with _running(command(group, launch, ranks)) as process:
        began = time.monotonic()
        while process.poll() is None:
            time.sleep(LOOK_S)
            done = sum(_rows(group, launch, rank) for rank in range(ranks))
            rate = done / (time.monotonic() - began)
            say(f"{ranks} x {group} · {done} · {format_rate(rate)} /s")
        return process.returncode


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


def _rows(group: str, launch: str, rank: int) -> int:
    file = rank_file(group, launch, rank)
    if not file.exists():
        return 0
    with StoreReader(file) as reader:
        return sum(arm.done for arm in reader.arms(group))
