"""`weights prepare`: a model's weights as one precision stores them, written once and verified.

    published files -> for each file of half a GB: its parameters quantised, one after the other,
    written, compared with memory, hashed and recorded in `.part` -> all hashed again -> renamed

A folder that ends in `.part` is never taken for a copy. What was recorded there before a stop,
a kill or a full disk is kept, and the next attempt goes on behind it, if it is to be of the same
weights by the same library. No more than one file's parameters are in memory. The GPU is used for
one tensor at a time, and only so that the bits are those that it would make while loading.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models import packed, recognising, streaming
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.loading import STORAGE
from cxr_demo.records import Precision
from cxr_demo.versions import installed as versions
from cxr_demo.weights import faults, hashes, prepared, record
from cxr_demo.weights.fetch import exclusive, refuse_without_room
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.parts import part_of
from cxr_demo.weights.prepared import About, Prepared
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.weights.sources import RECORD, package, wanted
from cxr_demo.weights.transfer import guarded

SHARD = 512 * 1024**2
"""Bytes of a file, and so what a kill can lose."""
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class _Job:
    """What is being prepared: `part` gathers the copy, `through` is where tensors are quantised."""

    card: ModelCard
    precision: Precision
    published: weights.Installed
    part: Path
    through: torch.device
    meter: Meter


@dataclass(frozen=True)
class _Portion:
    """The parameters of one file of the copy, the published tensors that they are made of, and
    their share of the published bytes."""

    file: str
    wanted: streaming.Plan
    source: int


def prepare(
    model: str,
    precision: Precision,
    on_progress: OnProgress | None = None,
    stopped: threading.Event | None = None,
    through: str | None = None,
) -> Prepared:
    """Write the copy of `model` in `precision`, in the place of an older one, or go on with one
    that was begun. `through`: "cpu" or "cuda:0"; the GPU if there is one.

    Raises CannotPrepare, UnknownModel, WeightsMissing, WeightsRefused, DiskFull (before anything is
    written), FolderRefused, AlreadyFetching, OutOfMemory; PrepareStopped if `stopped` is set."""
    whole = package(model)
    card = whole.card
    offered = [e for e in prepared.PRECISIONS if card is not None and e in card.precisions]
    if card is None or not offered:
        raise faults.NeverPrepared(model=whole.name)
    if precision not in offered:
        names = ", ".join(offered)
        raise faults.CannotPrepare(model=whole.name, precision=str(precision), offered=names)
    place = torch.device(through or ("cuda:0" if torch.cuda.is_available() else "cpu"))
    final = prepared.folder(card, precision)
    published = weights.locate(card)  # before the lock, which would make the folder
    with exclusive(whole), guarded(final):
        meter = Meter(on_progress, stopped or threading.Event())
        try:
            _write(_Job(card, precision, published, part_of(final), place, meter))
        except faults.Stopped:
            raise faults.PrepareStopped() from None
        except WeightsRefused:
            prepared.sweep(final)
            raise
        prepared.exchange(final)
    return next(each for each in prepared.all_of(card) if each.precision is precision)


def _write(job: _Job) -> None:
    native, where = recognising.empty(job.card, job.published.folder)
    with streaming.loaded_from_files(job.card, job.through):
        plan = streaming.plan(native, where, job.card, job.published)
        streaming.prepare(native, job.card, job.precision)
        portions = list(_portions(native, plan, job))
        done = _begin(job, native, portions)
        job.meter.begin(
            Phase.QUANTISE,
            job.published.size,
            sum(each.source for each in portions if each.file in done),
        )
        for each in portions:
            if each.file not in done:
                done[each.file] = _save(job, native, each)
                _record(job, done)
    _describe(job, done)


def _begin(job: _Job, native: nn.Module, portions: list[_Portion]) -> dict[str, FileRecord]:
    """Make `.part` ready; returns the files that an earlier attempt finished there, if it was one
    of the same copy. Raises DiskFull if the rest has no room."""
    about, done = _about(job), {}
    if _same_copy(job.part, about):
        done = _finished(job.part, native, portions)
    elif job.part.exists():
        shutil.rmtree(job.part)
    needed = packed.size(native, job.precision) - sum(each.size for each in done.values())
    refuse_without_room(job.part.parent, needed)
    job.part.mkdir(exist_ok=True)
    for path in job.part.iterdir():
        if path.name not in done:
            path.unlink()
    prepared.write_about(job.part, about)
    _record(job, done)
    return done


def _finished(part: Path, native: nn.Module, portions: list[_Portion]) -> dict[str, FileRecord]:
    """The files in `part` that are recorded there and hold what they have to."""
    kept = record.read(part)
    files = kept.files if kept else {}
    return {
        each.file: files[each.file]
        for each in portions
        if each.file in files
        and (path := part / each.file).is_file()
        and path.stat().st_size == files[each.file].size
        and packed.holds(path, native, each.wanted)
    }


def _same_copy(part: Path, about: About) -> bool:
    """True if what was begun in `part` would have become the copy that `about` tells of."""
    try:
        return replace(prepared.describe(part), created=about.created) == about
    except WeightsRefused:
        return False


def _portions(native: nn.Module, plan: streaming.Plan, job: _Job) -> Iterator[_Portion]:
    """All parameters in their order, by the files that they go into."""
    elements = {name: sum(each.size for each in items) for name, items in plan.items()}
    total, before, behind = sum(elements.values()), 0, 0
    for number, names in enumerate(_shards(native, job.precision), start=1):
        behind += sum(elements[name] for name in names)
        share = job.published.size * behind // total
        wanted = {name: plan[name] for name in names}
        yield _Portion(f"model-{number:05}.safetensors", wanted, share - before)
        before = share


def _shards(native: nn.Module, precision: Precision) -> Iterator[list[str]]:
    names: list[str] = []
    filled = 0
    for name, _ in native.named_parameters():
        size = packed.size_of(native, name, precision)
        if names and filled + size > SHARD:
            yield names
            names, filled = [], 0
        names.append(name)
        filled += size
    yield names


def _save(job: _Job, native: nn.Module, portion: _Portion) -> FileRecord:
    """Quantise the parameters of one file, write and compare it; `native` is as empty again."""
    path = job.part / portion.file
    job.meter.file = portion.file
    empty = {name: native.get_parameter(name) for name in portion.wanted}
    places = streaming.Places(_CPU, job.through, STORAGE[job.precision].dtype)
    told = _Fractions(job.meter, portion.source)
    streaming.stream(native, portion.wanted, places, told)
    shard: packed.Group = {}
    for name, parameter in empty.items():
        shard |= packed.group(name, native.get_parameter(name))
        owner, _, last = name.rpartition(".")
        setattr(native.get_submodule(owner), last, parameter)
    _store(shard, path)
    if not packed.equal(path, shard):
        raise packed.refused(job.card, path)
    told(1.0)
    return replace(_sized(path), sha256=hashes.file_sha256(path, fresh=True))


def _record(job: _Job, files: dict[str, FileRecord]) -> None:
    kept = record.read(job.published.folder)
    record.write(job.part, Record(job.card.id, dict(kept.revisions) if kept else {}, files))


def _about(job: _Job) -> About:
    return About(
        precision=job.precision,
        source=weights.digest(job.published.shards),
        revision=weights.revision(job.card),
        stand_in=weights.is_stand_in(job.published.folder),
        bitsandbytes=versions("bitsandbytes").get("bitsandbytes", ""),
        device=job.through.type,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _describe(job: _Job, done: dict[str, FileRecord]) -> None:
    """Index, settings and tokenizer beside the tensors, and the hashes of all of it. Raises
    WeightsRefused if a file of tensors is no longer what was written."""
    places = {tensor: name for name in done for tensor in packed.names_in(job.part / name)}
    index = {"metadata": {"total_size": sum(e.size for e in done.values())}, "weight_map": places}
    (job.part / weights.INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    tensors = {weights.INDEX, *(each.name for each in job.published.shards)}
    names = [each.name for each in job.published.folder.iterdir() if each.is_file()]
    for name in [*wanted(package(job.card.id).sources[0], names), weights.STAND_IN]:
        if name in names and name not in tensors:
            shutil.copyfile(job.published.folder / name, job.part / name)
    paths = sorted(each for each in job.part.iterdir() if each.name != RECORD)
    job.meter.begin(Phase.VERIFY, sum(each.stat().st_size for each in paths))
    files = {}
    for path in paths:
        job.meter.file = path.name
        sha256 = hashes.file_sha256(path, job.meter.step, fresh=True)
        if path.name in done and sha256 != done[path.name].sha256:
            raise packed.refused(job.card, path)
        files[path.name] = replace(_sized(path), sha256=sha256)
    _record(job, files)


def _sized(path: Path) -> FileRecord:
    return FileRecord(path.stat().st_size, None, published=False)


def _store(shard: packed.Group, path: Path) -> None:
    """To the disk itself, so that what is compared next is more than a promise."""
    try:
        save_file(shard, path, metadata={"format": "pt"})
    except SafetensorError as error:  # the system's refusal to write, in safetensors' own clothes
        free = shutil.disk_usage(path.parent).free
        needed = sum(each.nbytes for each in shard.values())
        if free < needed:
            raise faults.DiskFull(folder=str(path.parent), needed=needed, free=free) from error
        raise faults.FolderRefused(folder=str(path.parent), detail=str(error)) from error
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class _Fractions:
    """Progress in fractions, told to a meter in bytes."""

    def __init__(self, meter: Meter, total: int) -> None:
        self._meter, self._total, self._told = meter, total, 0

    def __call__(self, fraction: float) -> None:
        """Raises Stopped."""
        now = round(fraction * self._total)
        self._meter.step(now - self._told)
        self._told = now
