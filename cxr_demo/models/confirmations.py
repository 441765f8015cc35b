"""Which ports have met their real weights on this machine and passed, kept by the weights' hash.

One JSON file in the private folder, written by `python -m cxr_demo confirm`; no torch here, so that
the screen can tell it. Random weights can never be in it.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.faults import RandomWeights
from cxr_demo.paths import private_dir
from cxr_demo.versions import installed
from cxr_demo.weights import hashes, prepared

_FILE = "confirmations.json"
_PACKAGES = ("torch", "transformers", "bitsandbytes")


class How(StrEnum):
    """STOCK: greedy tokens equal transformers' own `generate()`. RUN: a finished evaluation has the
    study's F1 inside its interval. USER: somebody said so, in `detail["words"]`."""

    STOCK = "stock"
    RUN = "run"
    USER = "user"


@dataclass(frozen=True)
class Confirmation:
    """That the port of `model` is right with the weights of this hash. `detail` holds the figures
    behind it; `created` is an ISO time, `versions` those of the libraries that computed."""

    model: str
    weights_sha256: str
    how: How
    detail: dict[str, Any]
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: dict[str, str] = field(default_factory=lambda: installed(*_PACKAGES))


def find(model: str, weights_sha256: str) -> Confirmation | None:
    """The confirmation of `model` with exactly these weights, or None."""
    return _load().get(_key(model, weights_sha256))


def of_card(card: ModelCard) -> Confirmation | None:
    """The confirmation of the weights of `card` that lie here, published or prepared. Reads no
    tensors: weights whose hash is not known are not confirmed."""
    known = known_digest(card)
    return None if known is None else find(card.id, known)


def known_digest(card: ModelCard) -> str | None:
    """Hash of the weights of `card` that lie here, as far as it is remembered; None for random
    weights."""
    try:
        found = weights.status(card)
    except WeightsRefused:
        return None
    if isinstance(found, weights.Installed):
        stand_in = weights.is_stand_in(found.folder)
        return None if stand_in else hashes.known_digest(found.shards)
    copies = (each.about for each in prepared.all_of(card) if each.use is prepared.Use.READY)
    return next((each.source for each in copies if each and not each.stand_in), None)


def keep(confirmation: Confirmation, stand_in: bool) -> None:
    """Store it, in the place of an older one. Raises RandomWeights if the weights are random."""
    if stand_in:
        raise RandomWeights(model=confirmation.model)
    _write(_load() | {_key(confirmation.model, confirmation.weights_sha256): confirmation})


def withdraw(model: str) -> int:
    """Forget all confirmations of `model`; returns how many there were."""
    kept = _load()
    left = {key: each for key, each in kept.items() if each.model != model}
    _write(left)
    return len(kept) - len(left)


def _key(model: str, weights_sha256: str) -> str:
    return f"{model} {weights_sha256}"


def _write(known: dict[str, Confirmation]) -> None:
    target = private_dir() / _FILE
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps({key: asdict(each) for key, each in known.items()}, indent=1))
    draft.replace(target)


def _load() -> dict[str, Confirmation]:
    """What is kept; nothing where the file cannot be read: it is confirmed anew, nothing is lost
    but a mark."""
    path: Path = private_dir() / _FILE
    try:
        known = json.loads(path.read_text())
        return {
            key: Confirmation(**each | {"how": How(each["how"])}) for key, each in known.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
