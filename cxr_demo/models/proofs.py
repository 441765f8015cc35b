"""What the self-test found on this machine, kept: which weights, how they ran, and the figures.

One JSON file in the private folder. A result holds for the same weights, precision, decode path and
versions of the libraries that compute; no torch here, so that the screen can tell it.
"""

import json
import os
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from cxr_demo.paths import private_dir
from cxr_demo.records import ImageUse, Precision
from cxr_demo.versions import installed

_FILE = "image_use.json"
_PACKAGES = ("torch", "transformers", "bitsandbytes")


def find(model: str, precision: Precision, weights_sha256: str, engine: str) -> ImageUse | None:
    """What the self-test found for exactly this, with the libraries that are installed now."""
    held = _load().get(_key(model, precision, weights_sha256, engine))
    return None if held is None else _record(held)


def latest(model: str, weights_sha256: str | None = None) -> list[ImageUse]:
    """The newest result per precision for `model` (with these weights, if given), in the order of
    precisions; results of other versions of the libraries are left out."""
    found: dict[Precision, ImageUse] = {}
    for key, held in _load().items():
        name, _, weights, _, versions = json.loads(key)
        if name != model or versions != _versions() or weights_sha256 not in (None, weights):
            continue
        record = _record(held)
        known = found.get(record.precision)
        if known is None or known.created <= record.created:
            found[record.precision] = record
    return [found[each] for each in Precision if each in found]


def keep(result: ImageUse, weights_sha256: str, engine: str) -> None:
    """Store `result`; an older one for the same weights, precision, engine and versions goes."""
    key = _key(result.model, result.precision, weights_sha256, engine)
    target = private_dir() / _FILE
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(_load() | {key: asdict(result)}, indent=1))
    draft.replace(target)


def _key(model: str, precision: Precision, weights: str, engine: str) -> str:
    return json.dumps([model, str(precision), weights, engine, _versions()])


def _versions() -> list[str]:
    found = installed(*_PACKAGES)
    return [found.get(name, "-") for name in _PACKAGES]


def _record(held: dict[str, Any]) -> ImageUse:
    return ImageUse(**held | {"precision": Precision(held["precision"])})


def _load() -> dict[str, dict[str, Any]]:
    path = private_dir() / _FILE
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _read(str(path), changed)


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads(Path(path).read_text())
        for key, held in known.items():
            json.loads(key), _record(held)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # it is measured again; nothing is lost
    return dict(known)
