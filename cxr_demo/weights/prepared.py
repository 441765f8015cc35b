"""Prepared copies: a model's weights as one precision stores them, written once by `weights
prepare`, so that later starts read a quarter of the bytes. No torch.

    models_dir()/medgemma-4b-it         as published
    models_dir()/medgemma-4b-it.nf4     prepared: safetensors with an index, settings, tokenizer,
                                        `prepared.json` (of what, how) and the record of hashes

A copy is whole by itself: the published one may be deleted. It is used if it was made of the
weights that lie here (or if those are gone), in the format and by the library of today.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused, unreadable
from cxr_demo.models.cards import ModelCard
from cxr_demo.paths import models_dir
from cxr_demo.records import Precision
from cxr_demo.versions import installed
from cxr_demo.weights import hashes, record
from cxr_demo.weights.parts import part_of, size_of

ABOUT = "prepared.json"
FORMAT = 1
"""Of the tensors' names and contents; copies in another format are made anew."""
PRECISIONS = (Precision.NF4, Precision.NF4_EMB, Precision.NF4_FP32)
"""What can be prepared. BF16 is as published; BNB4_DEFAULT is the library's own way of loading."""


Digest = Callable[[Sequence[Path]], str | None]
"""Of published tensors; None where it would have to be computed."""


@dataclass(frozen=True)
class About:
    """`source`: digest (`weights.digest`) of the tensors that the copy was made of, `revision`
    their commit if known. `bitsandbytes` made it, on `device` ("cpu" or "cuda"); with the same two
    a model that is quantised while loading has the same bits. `created`: ISO time."""

    precision: Precision
    source: str
    revision: str | None
    stand_in: bool
    bitsandbytes: str
    device: str
    created: str
    format: int = FORMAT


class CopyRefused(WeightsRefused):
    """A prepared copy that is not what was written; the published files may be right."""

    code = "prepared_copy_refused"
    en = (
        "The copy of {model} in {precision} was refused: {detail}. Write it again with `python -m "
        "cxr_demo weights prepare {id} --precision {precision}`, or delete it."
    )
    pt = (
        "A cópia de {model} em {precision} foi recusada: {detail}. Grave-a de novo com `python -m "
        "cxr_demo weights prepare {id} --precision {precision}`, ou apague-a."
    )


class Use(StrEnum):
    """READY: later loads use it. OTHER_WEIGHTS: the published files that lie here are others.
    OTHER_VERSION: made by another version of the library, or on another kind of device, so the bits
    may differ; used only while the published files are gone. BROKEN: cannot be read,
    or is known not to be what was written."""

    READY = "ready"
    OTHER_WEIGHTS = "other_weights"
    OTHER_VERSION = "other_version"
    BROKEN = "broken"


@dataclass(frozen=True)
class Prepared:
    """A copy on the disk. `size`: bytes of its tensors; None for `about` if it is broken."""

    precision: Precision
    folder: Path
    use: Use
    size: int
    about: About | None


def folder(card: ModelCard, precision: Precision) -> Path:
    """Where the copy of `card` in `precision` belongs; it need not exist."""
    return models_dir() / f"{card.id}.{precision}"


def all_of(card: ModelCard, device: str | None = None) -> tuple[Prepared, ...]:
    """The copies of `card` on this machine, in the order of precisions. `device`: "cpu" or "cuda",
    if it is known where they would be used. Reads no tensors: published files that were never
    hashed count as those that the copy was made of, until a load looks."""
    found = (_look(card, each, device, hashes.known_digest) for each in PRECISIONS)
    return tuple(each for each in found if each is not None)


def precisions(card: ModelCard) -> tuple[Precision, ...]:
    """The precisions of `card` whose copies are used by later loads."""
    return tuple(each.precision for each in all_of(card) if each.use is Use.READY)


def available(card: ModelCard) -> tuple[Precision, ...]:
    """The precisions of `card` that can be loaded from what lies here."""
    if isinstance(weights.status(card), weights.Installed):
        return card.precisions
    return tuple(each for each in card.precisions if each in precisions(card))


def find(card: ModelCard, precision: Precision, device: str) -> Prepared | None:
    """The copy to load from, with every changed file hashed and compared; None if there is none, or
    none that may be used.

    Raises CopyRefused if its files are not what its record says: then it has to go."""
    found = _look(card, precision, device, hashes.digest)
    if found is None or found.use in (Use.OTHER_WEIGHTS, Use.OTHER_VERSION):
        return None
    try:
        weights.refuse_altered(card.name, found.folder)
        if found.use is Use.BROKEN:
            raise WeightsRefused(model=card.name, detail=unreadable(found.folder.name))
    except WeightsRefused as error:
        named = {"id": card.id, "precision": str(precision)}
        raise CopyRefused(**error.params | named) from error
    return found


def unfinished(card: ModelCard, precision: Precision) -> int | None:
    """Bytes of a copy that was begun and not finished; None without one. `prepare` goes on with it,
    and `removal.remove_copy` deletes it."""
    part = part_of(folder(card, precision))
    return size_of(part) if part.is_dir() else None


def begun(card: ModelCard | None) -> dict[Precision, int]:
    """What is `unfinished` of a model, by precision."""
    sizes = {each: unfinished(card, each) for each in PRECISIONS} if card is not None else {}
    return {each: size for each, size in sizes.items() if size is not None}


def write_about(place: Path, about: About) -> None:
    """Describe the copy in `place`."""
    (place / ABOUT).write_text(json.dumps(asdict(about), indent=1) + "\n", encoding="utf-8")


def describe(place: Path) -> About:
    """What the copy in `place` says of itself. Raises WeightsRefused if it cannot be read."""
    try:
        return _read(place)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsRefused(model=place.name, detail=unreadable(ABOUT)) from error


def sweep(final: Path) -> None:
    """Take away what an attempt to make `final` left; a copy that is whole stays."""
    for left in (part_of(final), _old(final)):
        if left.is_dir():
            shutil.rmtree(left)


def exchange(final: Path) -> None:
    """Put the copy that gathered in the `.part` of `final` in its place, and an older one away."""
    if final.is_dir():
        final.replace(_old(final))
    part_of(final).replace(final)
    sweep(final)


def _old(final: Path) -> Path:
    return final.with_name(f"{final.name}.old.part")


def _look(
    card: ModelCard, precision: Precision, device: str | None, digest: Digest
) -> Prepared | None:
    place = folder(card, precision)
    if not place.is_dir():
        return None
    try:
        about = _read(place)
        held, kept = weights.status(card, place), record.read(place)
    except (OSError, ValueError, TypeError, KeyError, WeightsRefused):
        return Prepared(precision, place, Use.BROKEN, 0, None)
    wrong = about.precision is not precision or (kept and record.altered(place, kept))
    if wrong or not isinstance(held, weights.Installed):
        return Prepared(precision, place, Use.BROKEN, 0, about)
    return Prepared(precision, place, _use(card, about, device, digest), held.size, about)


def _read(place: Path) -> About:
    found: dict[str, Any] = json.loads((place / ABOUT).read_text(encoding="utf-8"))
    return About(**found | {"precision": Precision(found["precision"])})


def _use(card: ModelCard, about: About, device: str | None, digest: Digest) -> Use:
    if about.format != FORMAT:
        return Use.BROKEN
    published = weights.status(card)
    if not isinstance(published, weights.Installed):
        return Use.READY
    if digest(published.shards) not in (None, about.source):
        return Use.OTHER_WEIGHTS
    library = installed("bitsandbytes").get("bitsandbytes")
    same = about.bitsandbytes == library and device in (None, about.device)
    return Use.READY if same else Use.OTHER_VERSION
