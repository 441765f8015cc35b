"""Weights that came on a disk: copied, verified in full, recorded. No network.

Four kinds of folder are understood: one that `fetch` made on another machine (its record goes with
it), a prepared copy, a snapshot in huggingface_hub's cache (its links name the hashes), and files
as they are.
"""

import json
import re
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused, both
from cxr_demo.models.cards import ModelCard
from cxr_demo.weights import faults, hashes, prepared, record
from cxr_demo.weights.fetch import exclusive, refuse_without_room
from cxr_demo.weights.folders import missing_files
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.parts import discard, part_of
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.weights.sources import PACKAGES, RECORD, Package, package, wanted
from cxr_demo.weights.transfer import guarded

_BLOCK = 4 * 1024 * 1024
_TELLING = 160  # characters of a list of tensors
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


Check = Callable[[ModelCard, Path], None]
"""Raises WeightsRefused if the folder does not hold that model."""


@dataclass(frozen=True)
class Imported:
    """`compared`: every file had a hash to compare with: from its publisher, or from where the copy
    was fetched or prepared."""

    package: Package
    record: Record
    compared: bool


def import_folder(
    folder: Path,
    model: str | None = None,
    on_progress: OnProgress | None = None,
    stopped: threading.Event | None = None,
    check: Check | None = None,
) -> Imported:
    """Copy the model in `folder` to its place; the source stays as it is. `model` is needed only if
    neither a record nor the folder's name says it; `check` looks at published files before they
    are copied.

    Raises ImportRefused, WrongHash, DiskFull, FolderRefused, AlreadyFetching, UnknownModel."""
    if not folder.is_dir():
        raise faults.NotAFolder(folder=str(folder))
    folder = _snapshot(folder)
    brought = record.read(folder)
    if (folder / prepared.ABOUT).is_file():
        return _import_copy(folder, brought, Meter(on_progress, stopped or threading.Event()))
    into = package(model or (brought.model if brought else _model_of(folder)))
    if folder.resolve() == into.folder.resolve():
        raise faults.OwnPlace(folder=str(folder))
    should = _expected(into, folder, brought)
    lacking = missing_files(into, folder)
    if lacking:
        raise faults.NotWhole(folder=str(folder), names=_told(into, folder, ", ".join(lacking)))
    _refuse_cut(folder, should)
    _refuse_another(into, folder, brought, check)
    meter = Meter(on_progress, stopped or threading.Event())
    with exclusive(into):
        refuse_without_room(into.folder, sum(each.size for each in should.files.values()))
        kept = _bring(folder, into, should, meter)
    return Imported(into, kept, all(each.published for each in kept.files.values()))


def _refuse_another(
    into: Package, folder: Path, brought: Record | None, check: Check | None
) -> None:
    if brought is not None and brought.model != into.id:
        words = both(f"its record says {brought.model}", f"o registro diz {brought.model}")
        raise faults.NotThisModel(folder=str(folder), model=into.name, detail=words)
    if check is None or into.card is None:
        return
    try:
        check(into.card, folder)
    except WeightsRefused as error:
        # the first names tell; a load would list more of them
        detail = {each: _short(words) for each, words in error.params["detail"].items()}
        raise faults.NotThisModel(folder=str(folder), model=into.name, detail=detail) from error


def _told(into: Package, folder: Path, names: str) -> str | dict[str, str]:
    """`names` of what is lacking; with the reason, if the weights are there as pickle files."""
    found = weights.status(into.card, folder) if into.card is not None else None
    if not (isinstance(found, weights.Missing) and found.pickled):
        return names
    return both(
        f"{names} (its pickle files are never loaded)",
        f"{names} (seus arquivos pickle nunca são carregados)",
    )


def _refuse_cut(folder: Path, should: Record) -> None:
    for name, each in should.files.items():
        path = folder / name
        if path.stat().st_size != each.size or (
            path.suffix == ".safetensors" and not _whole_safetensors(path)
        ):
            raise faults.CutShort(folder=str(folder), file=name)


def _short(words: str) -> str:
    return words if len(words) <= _TELLING else f"{words[:_TELLING]}…"


def _import_copy(folder: Path, brought: Record | None, meter: Meter) -> Imported:
    """A prepared copy to its place; all of it, or nothing."""
    about = prepared.describe(folder)
    if brought is None:
        raise faults.NotWhole(folder=str(folder), names=RECORD)
    into = package(brought.model)
    if into.card is None or about.precision not in into.card.precisions:
        raise WeightsRefused(model=brought.model, detail=f"{prepared.ABOUT}: {about.precision}")
    final = prepared.folder(into.card, about.precision)
    if folder.resolve() == final.resolve():
        raise faults.OwnPlace(folder=str(folder))
    absent = [name for name in brought.files if not (folder / name).is_file()]
    if absent:
        raise faults.NotWhole(folder=str(folder), names=absent[0])
    _refuse_cut(folder, brought)
    total = sum(each.size for each in brought.files.values())
    with exclusive(into), guarded(final):
        prepared.sweep(final)
        refuse_without_room(final.parent, total)
        try:
            _copy_all(folder, part_of(final), brought, total, meter)
        except BaseException:  # Ctrl-C too
            prepared.sweep(final)
            raise
        prepared.exchange(final)
    return Imported(into, brought, compared=True)


def _copy_all(folder: Path, part: Path, brought: Record, total: int, meter: Meter) -> None:
    part.mkdir()
    meter.begin(Phase.COPY, total)
    for name in brought.files:
        meter.file = name
        _copy(folder / name, part / name, meter)
    meter.begin(Phase.VERIFY, total)
    for name, should in brought.files.items():
        meter.file = name
        sha256 = hashes.file_sha256(part / name, meter.step, fresh=True)
        if sha256 != should.sha256 or (part / name).stat().st_size != should.size:
            raise faults.WrongHash(file=name)
    record.write(part, brought)


def _bring(folder: Path, into: Package, should: Record, meter: Meter) -> Record:
    """Copy all files to `.part`, verify the copies, and only then give all of them their names."""
    try:
        files = _copied(folder, into, should, meter)
    except BaseException:  # Ctrl-C too: a copy begins anew, so half of it only takes room
        for name in should.files:
            discard(into.folder / name)
        raise
    for name in files:
        part_of(into.folder / name).replace(into.folder / name)
    kept = Record(into.id, should.revisions, files)
    record.write(into.folder, kept)
    return kept


def _copied(folder: Path, into: Package, should: Record, meter: Meter) -> dict[str, FileRecord]:
    total = sum(each.size for each in should.files.values())
    meter.begin(Phase.COPY, total)
    for name in should.files:
        meter.file = name
        _copy(folder / name, part_of(into.folder / name), meter)
    meter.begin(Phase.VERIFY, total)
    files = {}
    for name, expected in should.files.items():
        meter.file = name
        files[name] = _verified(into.folder / name, expected, meter)
    return files


def _copy(source: Path, target: Path, meter: Meter) -> None:
    with guarded(target.parent), source.open("rb") as held, target.open("wb") as out:
        while block := held.read(_BLOCK):
            out.write(block)
            meter.step(len(block))


def _verified(path: Path, should: FileRecord, meter: Meter) -> FileRecord:
    part = part_of(path)
    sha256 = hashes.file_sha256(part, meter.step, fresh=True)
    right = part.stat().st_size == should.size and should.sha256 in (None, sha256)
    if should.sha256 is None and should.git_sha1 is not None:
        right = right and hashes.git_sha1(part) == should.git_sha1
    if not right or (path.suffix == ".safetensors" and not _whole_safetensors(part)):
        discard(path)
        raise faults.WrongHash(file=path.name)
    return FileRecord(should.size, sha256, should.git_sha1, should.repo, should.published)


def _expected(into: Package, folder: Path, brought: Record | None) -> Record:
    """What the copies have to be: from the record that came along, from the cache's links, or (size
    only) from the files themselves."""
    if brought is not None and brought.model == into.id:
        absent = [name for name in brought.files if not (folder / name).is_file()]
        if absent:
            raise faults.NotWhole(folder=str(folder), names=absent[0])
        kept = {name for source in into.sources for name in wanted(source, brought.files)}
        return Record(into.id, brought.revisions, {n: brought.files[n] for n in sorted(kept)})
    names = [each.name for each in folder.iterdir() if each.is_file()]
    files = {
        name: _as_found(folder / name, source.repo)
        for source in into.sources
        for name in wanted(source, names)
    }
    commit = folder.resolve().name
    known = _COMMIT.fullmatch(commit) and len(into.sources) == 1
    return Record(into.id, {into.sources[0].repo: commit} if known else {}, files)


def _as_found(path: Path, repo: str) -> FileRecord:
    # huggingface_hub's cache links each file to a blob that is named by its hash
    blob = path.resolve().name if path.is_symlink() else ""
    sha256 = blob if _SHA256.fullmatch(blob) else None
    git_sha1 = blob if _COMMIT.fullmatch(blob) else None
    published = bool(sha256 or git_sha1)
    return FileRecord(path.stat().st_size, sha256, git_sha1, repo, published)


def _snapshot(folder: Path) -> Path:
    """What `main` means, or the only snapshot, if `folder` is a model's folder in huggingface_hub's
    cache as a whole; else `folder`."""
    main, kept = folder / "refs" / "main", folder / "snapshots"
    found = [each for each in kept.iterdir() if each.is_dir()] if kept.is_dir() else []
    if main.is_file() and (named := kept / main.read_text().strip()) in found:
        return named
    return found[0] if len(found) == 1 else folder


def _model_of(folder: Path) -> str:
    """The model that a folder's name, or that of the cache around it, means."""
    names = {folder.resolve().name.lower(), folder.resolve().parent.parent.name.lower()}
    for each in PACKAGES.values():
        repos = [each.sources[0].repo.lower()]
        known = {each.id, *(r.rpartition("/")[2] for r in repos)}
        known |= {f"models--{r.replace('/', '--')}" for r in repos}
        if names & known:
            return each.id
    raise faults.ModelNotNamed(folder=str(folder), known=" | ".join(PACKAGES))


def _whole_safetensors(path: Path) -> bool:
    """True if the file ends where its own header says; a copy that broke off does not."""
    with path.open("rb") as file:
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, 100_000_000)))
            ends = [e["data_offsets"][1] for n, e in header.items() if n != "__metadata__"]
        except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError):
            return False
    return path.stat().st_size == 8 + length + max(ends, default=0)
