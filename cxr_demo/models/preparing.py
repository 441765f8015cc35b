"""`weights prepare`: a model's weights as one precision stores them, written once and verified.

    published files -> quantised, one tensor after the other -> files of up to a GB, in `.part`
    -> each compared with memory, then hashed -> described, recorded -> renamed

A folder that ends in `.part` is never taken for a copy; what a kill leaves is swept by the next
attempt. The GPU is used for one tensor at a time, and only so that the bits are those that it would
make while loading.
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
from safetensors.torch import save_file
from torch import nn

from cxr_demo import weights
from cxr_demo.models import chexagent2, chexagent8b, gemma, packed, streaming
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.streaming import Where
from cxr_demo.records import Precision
from cxr_demo.versions import installed as versions
from cxr_demo.weights import faults, hashes, prepared, record
from cxr_demo.weights.fetch import exclusive, refuse_without_room
from cxr_demo.weights.meter import Meter, OnProgress, Phase
from cxr_demo.weights.parts import part_of
from cxr_demo.weights.prepared import About, Prepared
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.weights.sources import package, wanted
from cxr_demo.weights.transfer import guarded

SHARD = 1024**3
_CPU = torch.device("cpu")
_FAMILIES = {"gemma": gemma, "chexagent2": chexagent2, "chexagent8b": chexagent8b}


@dataclass(frozen=True)
class _Job:
    """What is being prepared: `part` gathers the copy, `through` is where tensors are quantised."""

    card: ModelCard
    precision: Precision
    published: weights.Installed
    part: Path
    through: torch.device
    meter: Meter


def prepare(
    model: str,
    precision: Precision,
    on_progress: OnProgress | None = None,
    stopped: threading.Event | None = None,
    through: str | None = None,
) -> Prepared:
    """Write the copy of `model` in `precision`, in the place of an older one. `through`: "cpu" or
    "cuda:0"; the GPU if there is one.

    Raises CannotPrepare, UnknownModel, WeightsMissing, WeightsRefused, DiskFull (before anything is
    written), FolderRefused, AlreadyFetching, OutOfMemory; PrepareStopped if `stopped` is set."""
    whole = package(model)
    card = whole.card
    offered = [e for e in prepared.PRECISIONS if card is not None and e in card.precisions]
    if card is None or precision not in offered:
        names = ", ".join(offered) or "–"
        raise faults.CannotPrepare(model=model, precision=str(precision), offered=names)
    place = torch.device(through or ("cuda:0" if torch.cuda.is_available() else "cpu"))
    final = prepared.folder(card, precision)
    published = weights.locate(card)  # before the lock, which would make the folder
    with exclusive(whole), guarded(final):
        prepared.sweep(final)
        meter = Meter(on_progress, stopped or threading.Event())
        job = _Job(card, precision, published, part_of(final), place, meter)
        try:
            _write(job)
        except faults.Stopped:
            prepared.sweep(final)
            raise faults.PrepareStopped() from None
        except BaseException:  # Ctrl-C too
            prepared.sweep(final)
            raise
        prepared.exchange(final)
    return next(each for each in prepared.all_of(card) if each.precision is precision)


def _write(job: _Job) -> None:
    native, where = _empty(job.card, job.published.folder)
    needed = packed.size(_shaped(job), job.precision)
    refuse_without_room(job.part.parent, needed)
    source = weights.digest(job.published.shards)
    job.meter.begin(Phase.QUANTISE, job.published.size)
    streaming.fill(
        native,
        where,
        job.card,
        job.published,
        job.precision,
        _CPU,
        _Fractions(job.meter, job.published.size),
        through=job.through,
    )
    job.part.mkdir()
    files = _save(job, native, needed)
    _describe(job, source, files)


def _shaped(job: _Job) -> nn.Module:
    """An empty model with the layers that the precision asks for, to be measured."""
    native, _ = _empty(job.card, job.published.folder)
    streaming.prepare(native, job.card, job.precision)
    return native


def _empty(card: ModelCard, folder: Path) -> tuple[nn.Module, Where]:
    family = _FAMILIES[str(card.family)]
    if family is gemma:
        native = gemma.build(card, folder)
        return native, gemma.places(native)
    other = chexagent2 if family is chexagent2 else chexagent8b
    return other.build(card, folder), other.where


def _save(job: _Job, native: nn.Module, needed: int) -> dict[str, FileRecord]:
    """Write all parameters; returns what each file has to be, by its final name."""
    job.meter.begin(Phase.WRITE, needed)
    places: dict[str, str] = {}
    files: dict[str, FileRecord] = {}
    for number, shard in enumerate(_shards(native), start=1):
        name = f"model-{number:05}.safetensors"
        path = job.part / name
        job.meter.file = name
        save_file(shard, path, metadata={"format": "pt"})
        _flush(path)
        if not packed.equal(path, shard):
            raise packed.refused(job.card, path)
        files[name] = _sized(path)
        places |= dict.fromkeys(shard, name)
        job.meter.step(sum(each.nbytes for each in shard.values()))
    index = {"metadata": {"total_size": sum(e.size for e in files.values())}, "weight_map": places}
    (job.part / weights.INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return files


def _shards(native: nn.Module) -> Iterator[packed.Group]:
    shard: packed.Group = {}
    filled = 0
    for group in packed.groups(native):
        size = sum(each.nbytes for each in group.values())
        if shard and filled + size > SHARD:
            yield shard
            shard, filled = {}, 0
        shard |= group
        filled += size
    yield shard


def _describe(job: _Job, source: str, files: dict[str, FileRecord]) -> None:
    """Settings and tokenizer beside the tensors, what it is, and the hashes of all of it."""
    tensors = {weights.INDEX, *(each.name for each in job.published.shards)}
    names = [each.name for each in job.published.folder.iterdir() if each.is_file()]
    for name in [*wanted(package(job.card.id).sources[0], names), weights.STAND_IN]:
        if name in names and name not in tensors:
            shutil.copyfile(job.published.folder / name, job.part / name)
    about = About(
        precision=job.precision,
        source=source,
        revision=weights.revision(job.card),
        stand_in=weights.is_stand_in(job.published.folder),
        bitsandbytes=versions("bitsandbytes").get("bitsandbytes", ""),
        device=job.through.type,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    prepared.write_about(job.part, about)
    paths = sorted(job.part.iterdir())
    job.meter.begin(Phase.VERIFY, sum(each.stat().st_size for each in paths))
    for path in paths:
        job.meter.file = path.name
        sha256 = hashes.file_sha256(path, job.meter.step, fresh=True)
        files[path.name] = replace(_sized(path), sha256=sha256)
    kept = record.read(job.published.folder)
    record.write(job.part, Record(job.card.id, dict(kept.revisions) if kept else {}, files))


def _sized(path: Path) -> FileRecord:
    return FileRecord(path.stat().st_size, None, published=False)


def _flush(path: Path) -> None:
    """To the disk itself, so that what is compared next is more than a promise."""
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
