"""Where weights lie on this machine, and whether a folder holds a checkpoint that may be loaded.

The embedded model lies in the repository; every other one in `models_dir()/<card id>`. Only
safetensors files are ever read, and nothing here or at load goes to the network.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.errors import WeightsMissing, WeightsRefused, both, unreadable
from cxr_demo.models.cards import ModelCard
from cxr_demo.paths import assets_dir, models_dir
from cxr_demo.weights import record
from cxr_demo.weights.hashes import digest, file_sha256

__all__ = [
    "Installed",
    "Missing",
    "digest",
    "folder",
    "is_stand_in",
    "locate",
    "refuse_altered",
    "revision",
    "status",
]

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
STAND_IN = "STAND-IN"
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


@dataclass(frozen=True)
class Installed:
    """A complete checkpoint: its folder, the safetensors files in name order, their bytes."""

    folder: Path
    shards: tuple[Path, ...]
    size: int


@dataclass(frozen=True)
class Missing:
    """What is not there, as names relative to `folder`; `pickled` if weights are there, but only
    as pickle files, which are never loaded."""

    folder: Path
    what: tuple[str, ...]
    pickled: bool = False


def folder(card: ModelCard) -> Path:
    """Where the checkpoint of `card` belongs; it need not exist."""
    return assets_dir() / card.id if card.hub is None else models_dir() / card.id


def status(card: ModelCard, place: Path | None = None) -> Installed | Missing:
    """What is in the folder of `card` (or in `place`). Reads names and the index, no tensors.

    Raises WeightsRefused if the index cannot be read or names files outside the folder."""
    place = place or folder(card)
    what = []
    for alternatives in (each.split("|") for each in card.files):
        if not any((place / name).is_file() for name in alternatives):
            what.append(alternatives[0])
    names = _shard_names(card, place)
    what += [name for name in names if not (place / name).is_file()]
    if what:
        return Missing(place, tuple(what), pickled=_only_pickled(place))
    shards = tuple(place / name for name in names)
    return Installed(place, shards, sum(each.stat().st_size for each in shards))


def locate(card: ModelCard, place: Path | None = None) -> Installed:
    """The checkpoint of `card` in its folder (or in `place`). A file that changed since it was last
    hashed is hashed in full and compared with the record. Raises WeightsMissing or
    WeightsRefused."""
    found = status(card, place)
    if isinstance(found, Installed):
        _refuse_broken_settings(card, found.folder)
        refuse_altered(card.name, found.folder)
        return found
    if found.pickled:
        raise WeightsRefused(
            model=card.name,
            detail=both(
                "pickle files instead of safetensors", "arquivos pickle em vez de safetensors"
            ),
        )
    raise WeightsMissing(
        model=card.name, id=card.id, missing=", ".join(found.what), folder=str(found.folder)
    )


def refuse_altered(name: str, place: Path) -> None:
    """Raises WeightsRefused if a file in `place` is not what the record there says; without a
    record there is nothing to compare with. `name` is the model's."""
    kept = record.read(place)
    for file, wanted in (kept.files if kept else {}).items():
        path = place / file
        if wanted.sha256 is None or not path.is_file():
            raise WeightsRefused(
                model=name, detail=both(f"{file} is not complete", f"{file} está incompleto")
            )
        if path.stat().st_size != wanted.size or file_sha256(path) != wanted.sha256:
            raise WeightsRefused(
                model=name,
                detail=both(
                    f"{file} was changed after it came", f"{file} foi alterado depois de chegar"
                ),
            )


def revision(card: ModelCard) -> str | None:
    """The commit that the files of `card` are of, as recorded when they came; None if nobody
    knows, as for files that were put there by hand."""
    if card.hub is None:
        return None
    for place in (folder(card), *sorted(models_dir().glob(f"{card.id}.*"))):  # prepared copies
        kept = record.read(place) if place.is_dir() else None
        if kept is not None and card.hub in kept.revisions:
            return kept.revisions[card.hub]
    return None


def is_stand_in(place: Path) -> bool:
    """True if the checkpoint says that its weights are random (written by `benchmarks`): by a file
    of its own, and in its settings, so that no copy loses it."""
    if (place / STAND_IN).exists():
        return True
    try:
        return bool(json.loads((place / "config.json").read_text()).get("stand_in"))
    except (OSError, ValueError, AttributeError):
        return False


def _shard_names(card: ModelCard, place: Path) -> list[str]:
    if not (place / INDEX).is_file():
        return [SINGLE]
    try:
        names = set(json.loads((place / INDEX).read_text())["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsRefused(model=card.name, detail=unreadable(INDEX)) from error
    if not names or any(not _is_plain_shard(each) for each in names):
        raise WeightsRefused(
            model=card.name,
            detail=both(
                f"{INDEX} names other files than its shards",
                f"{INDEX} cita outros arquivos além dos seus",
            ),
        )
    return sorted(names)


def _refuse_broken_settings(card: ModelCard, place: Path) -> None:
    """A half-copied settings file would otherwise surface as some library's own error."""
    for path in place.glob("*config.json"):
        try:
            fine = isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
        except (OSError, ValueError):
            fine = False
        if not fine:
            raise WeightsRefused(model=card.name, detail=unreadable(path.name))


def _is_plain_shard(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name


def _only_pickled(place: Path) -> bool:
    if not place.is_dir():
        return False
    files = [each.suffix for each in place.iterdir() if each.is_file()]
    return ".safetensors" not in files and any(each in _PICKLED for each in files)
