"""The files that ranks write: one per rank of a launch, taken into the store by key.

While a launch runs its files are taken in now and then, so that the figure so far can be seen and
labelled; at its end they are merged and deleted.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cxr_demo.errors import LeaseHeld
from cxr_demo.evaluation import again
from cxr_demo.evaluation.arm_run import Setting
from cxr_demo.evaluation.facts import PARTS, together
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import ranks_dir, store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker.lease import Lease


def rank_file(group: str, launch: str, rank: int) -> Path:
    """The file of one rank of one launch."""
    return ranks_dir() / f"{group}-{launch}-{rank}.sqlite"


def launch_lease(group: str) -> Lease:
    """Held by the process that has started ranks for `group`, until their files are merged."""
    return Lease(ranks_dir() / f"{group}.lock")


def holder(group: str) -> int | None:
    """Pid of a process that works at `group` as a launch or a rank; None if there is none."""
    locks = [launch_lease(group), *(Lease(_lock(file)) for file in _files(group))]
    return next((pid for pid in (each.holder() for each in locks) if pid is not None), None)


def require_free(group: str) -> None:
    """Raises LeaseHeld if a launch or a rank is at work at `group`."""
    pid = holder(group)
    if pid is not None:
        raise LeaseHeld(pid=pid)


def merge(store: EvaluationStore, group: str) -> None:
    """Take over what ranks have left, and delete their files. Raises LeaseHeld if one of them is
    still at work."""
    files = _files(group)
    for file in files:
        pid = Lease(_lock(file)).holder()
        if pid is not None:
            raise LeaseHeld(pid=pid)
    take_in(store, group, files)
    for file in files:
        for each in (file, *(Path(f"{file}{tail}") for tail in ("-wal", "-shm"))):
            each.unlink(missing_ok=True)
        _lock(file).unlink(missing_ok=True)


def take_in(store: EvaluationStore, group: str, files: list[Path]) -> None:
    """Take over what `files` have so far; they may still be written to."""
    for file in files:
        store.absorb(file)
    for arm in store.arms(group) if files else ():
        again.note(store, arm.id)
        parts = arm.facts.get(PARTS)
        if parts:
            store.set_facts(arm.id, batch=together(parts))


def rows(files: list[Path]) -> tuple[int, int]:
    """How many rows ranks have written so far, and how many of them failed."""
    done = failed = 0
    for file in files:
        if file.exists():
            with StoreReader(file) as reader:
                arms = [arm for each in reader.groups() for arm in reader.arms(each.id)]
            done += sum(arm.done for arm in arms)
            failed += sum(arm.failed for arm in arms)
    return done, failed


def lane(group: str, launch: str, rank: int, ranks: int) -> Callable[[Setting], Setting]:
    """The share of one rank, to be asked for before its file has the group (`begun`). All ranks
    must see the same rows as done, and the launch takes new ones in while they are at work."""
    with StoreReader(store_path()) as reader:
        done = {arm.id: reader.done(arm.id) for arm in reader.arms(group)}

    def before(run: str) -> set[int]:
        return done.get(run, set())

    return lambda setting: replace(setting, rank=rank, ranks=ranks, launch=launch, done=before)


def begun(files: list[Path]) -> bool:
    """Whether every rank knows its share. Before that nothing may be taken into the store: what is
    done there decides who reads what."""
    for file in files:
        if not file.exists():
            return False
        with StoreReader(file) as reader:
            if not reader.groups():
                return False
    return True


def _files(group: str) -> list[Path]:
    return sorted(ranks_dir().glob(f"{group}-*.sqlite"))


def _lock(file: Path) -> Path:
    return file.with_suffix(".lock")
