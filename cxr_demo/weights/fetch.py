"""Fetch a model's weights: plan, room, bytes, hashes, record. Paused and resumed at any byte.

    Fetch("medgemma-4b-it", on_progress=show).run()

`stop()` may come from another thread. The first fetch of a card without a revision resolves `main`;
the commit is recorded before the first byte, and is the pin from then on.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from cxr_demo.errors import WeightsRefused, both
from cxr_demo.units import MIB
from cxr_demo.weights import faults, hashes, record
from cxr_demo.weights.folders import missing_files
from cxr_demo.weights.hub import Hub, RemoteFile
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.parts import discard, part_of, received
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.weights.sources import Package, Source, package
from cxr_demo.weights.transfer import guarded, transfer

SPARE = 64 * MIB
"""Left free on the disk besides the files."""


@dataclass(frozen=True)
class Plan:
    """What a fetch will do. `missing` bytes have still to come; `resolved` holds the repositories
    whose commit was chosen just now, since neither the card nor a record names one."""

    package: Package
    revisions: dict[str, str]
    files: tuple[RemoteFile, ...]
    missing: int
    resolved: tuple[str, ...]

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)


class Fetch:
    """One fetch of `model`. `on_progress` is called in the thread of `run`, many times a second."""

    def __init__(
        self,
        model: str,
        on_progress: OnProgress | None = None,
        hub: Hub | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self.package = package(model)
        self._hub = hub or Hub()
        self._stopped = stopped or threading.Event()
        self._meter = Meter(on_progress, self._stopped)
        self._plan: Plan | None = None

    def plan(self) -> Plan:
        """Ask the hub what there is; nothing is written. Raises leaves of WeightsError (Stopped
        before anything is asked, if it was), WeightsRefused if there are no safetensors."""
        if self._stopped.is_set():
            raise faults.Stopped()
        if self._plan is None:
            self._plan = plan(self.package, self._hub)
        return self._plan

    def run(self) -> Record:
        """Fetch what is missing, verify all of it and return the record.

        Raises leaves of WeightsError; Stopped after `stop`. What came is kept in every case."""
        planned = self.plan()
        folder = self.package.folder
        with exclusive(self.package):
            refuse_without_room(folder, planned.missing)
            kept = _recorded(planned, _known(folder))
            record.write(folder, kept)
            self._receive(planned, folder)
            return self._verify(planned, folder, kept)

    def stop(self) -> None:
        """Pause: `run` raises Stopped soon."""
        self._stopped.set()

    def _receive(self, planned: Plan, folder: Path) -> None:
        self._meter.begin(Phase.RECEIVE, planned.missing)
        for file in planned.files:
            if _unfinished(file, folder):
                self._meter.file = file.name
                transfer(self._hub, file, folder / file.name, self._meter.step)

    def _verify(self, planned: Plan, folder: Path, kept: Record) -> Record:
        self._meter.begin(Phase.VERIFY, planned.total)
        for file in planned.files:
            self._meter.file = file.name
            sha256 = self._settle(file, folder / file.name)
            files = kept.files | {file.name: replace(kept.files[file.name], sha256=sha256)}
            kept = replace(kept, files=files)
        record.write(folder, kept)
        refuse_incomplete(self.package)
        return kept

    def _settle(self, file: RemoteFile, path: Path) -> str:
        """Hash what is on the disk, in full, and give it its name. Raises WrongHash."""
        part = part_of(path)
        whole = part if part.exists() else path
        sha256 = hashes.file_sha256(whole, self._meter.step, fresh=True)
        if not _is(file, whole, sha256):
            if whole == part:
                discard(path)
            else:
                path.unlink()
            raise faults.WrongHash(file=file.name)
        if whole == part:
            part.replace(path)
            discard(path)
        return sha256


def plan(wanted: Package, hub: Hub) -> Plan:
    """What fetching `wanted` from `hub` means now; nothing is written. See `Fetch.plan`."""
    kept = _known(wanted.folder)
    pinned = dict(kept.revisions) if kept else {}
    sources = [
        replace(each, revision=each.revision or pinned.get(each.repo)) for each in wanted.sources
    ]
    listings = [hub.listing(each) for each in sources]
    for source, listing in zip(sources, listings, strict=True):
        _refuse_useless(wanted, source, [each.name for each in listing.files])
    files = tuple(file for listing in listings for file in listing.files)
    return Plan(
        package=wanted,
        revisions={each.repo: each.revision for each in listings},
        files=files,
        missing=sum(_missing(each, wanted.folder) for each in files),
        resolved=tuple(each.repo for each in sources if each.revision is None),
    )


@contextmanager
def exclusive(wanted: Package) -> Iterator[None]:
    """The folder of `wanted`, made if need be, for one process at a time. Raises AlreadyFetching,
    FolderRefused. A killed process leaves no lock behind."""
    with guarded(wanted.folder):
        wanted.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(wanted.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise faults.AlreadyFetching(model=wanted.name) from None
    try:
        yield
    finally:
        lock.release()


def refuse_without_room(folder: Path, needed: int) -> None:
    """Raises DiskFull unless the disk of `folder` has `needed` bytes, and some more."""
    free = shutil.disk_usage(folder).free
    if needed and needed + SPARE > free:
        raise faults.DiskFull(folder=str(folder), needed=needed + SPARE, free=free)


def refuse_incomplete(wanted: Package) -> None:
    """Raises WeightsRefused if the folder of `wanted` lacks a file that the model needs."""
    lacking = missing_files(wanted, wanted.folder)
    if lacking:
        raise WeightsRefused(
            model=wanted.name,
            detail=both(f"without {', '.join(lacking)}", f"sem {', '.join(lacking)}"),
        )


def _known(folder: Path) -> Record | None:
    try:
        return record.read(folder)
    except WeightsRefused:  # a fetch is what mends it
        return None


def _recorded(planned: Plan, kept: Record | None) -> Record:
    """The record of what will be there; hashes of small files are filled in when they have come."""
    files = {
        each.name: FileRecord(each.size, each.sha256, each.git_sha1, each.repo)
        for each in planned.files
    }
    for name, known in (kept.files if kept else {}).items():
        if name in files and files[name].sha256 is None:
            files[name] = replace(
                files[name], sha256=known.sha256 if known.git_sha1 == files[name].git_sha1 else None
            )
    return Record(planned.package.id, planned.revisions, files)


def _refuse_useless(wanted: Package, source: Source, names: list[str]) -> None:
    if source.files is not None:
        lacking = [name for name in source.files if name not in names]
        if lacking:
            words = both(
                f"{source.repo} has no {lacking[0]}", f"{source.repo} não tem {lacking[0]}"
            )
            raise WeightsRefused(model=wanted.name, detail=words)
    elif not any(name.endswith(".safetensors") for name in names):
        words = both(
            f"{source.repo} has no safetensors files", f"{source.repo} não tem arquivos safetensors"
        )
        raise WeightsRefused(model=wanted.name, detail=words)


def _unfinished(file: RemoteFile, folder: Path) -> bool:
    """False if the file is there and its hash, remembered or computed, is right."""
    path = folder / file.name
    if part_of(path).exists() or not path.is_file() or path.stat().st_size != file.size:
        return True
    return not _is(file, path, hashes.file_sha256(path))


def _missing(file: RemoteFile, folder: Path) -> int:
    if not _unfinished(file, folder):
        return 0
    return max(file.size - received(folder / file.name), 0)


def _is(file: RemoteFile, path: Path, sha256: str) -> bool:
    if path.stat().st_size != file.size:
        return False
    return sha256 == file.sha256 if file.sha256 else hashes.git_sha1(path) == file.git_sha1
