"""What each model is made of on the hub: a literal table, no network.

CheXbert needs two repositories: its checkpoint, and the tokenizer files of bert-base-uncased.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.models.cards import CARDS, Licence, ModelCard
from cxr_demo.models.faults import UnknownModel
from cxr_demo.paths import models_dir

_TENSORS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_BESIDE = (".json", ".txt", ".jinja", ".model")
_TERMS = ("LICENSE", "NOTICE")
RECORD = "cxr-demo.json"


@dataclass(frozen=True)
class Source:
    """A repository on the hub. `revision` None: the first fetch decides. `files` None: all that a
    checkpoint needs; else these names only."""

    repo: str
    revision: str | None = None
    files: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Package:
    """Everything that goes into one folder of `models_dir()`; `card` is None for CheXbert.
    `counted`: bytes of its published tensors, parameters times the width they are stored in."""

    id: str
    name: str
    licence: Licence
    sources: tuple[Source, ...]
    card: ModelCard | None = None
    counted: int | None = None

    @property
    def folder(self) -> Path:
        """Where it lies; need not exist."""
        return models_dir() / self.id


CHEXBERT = Package(
    id="chexbert",
    name="CheXbert",
    licence=Licence(
        "academic, non-commercial, no redistribution",
        "https://huggingface.co/StanfordAIMI/RRG_scorers",
        note="You bring it; this program may not pass it on.",
    ),
    sources=(
        Source("StanfordAIMI/RRG_scorers", files=("chexbert.pth",)),
        Source(
            "google-bert/bert-base-uncased",
            files=("vocab.txt", "tokenizer.json", "tokenizer_config.json"),
        ),
    ),
    counted=109_523_766 * 4,
)

_WIDTH = {"chexagent-8b": 4}
"""Bytes a parameter where they are published in float32; else bfloat16."""

PACKAGES: dict[str, Package] = {
    card.id: Package(
        card.id,
        card.name,
        card.licence,
        (Source(card.hub, card.revision),),
        card,
        counted=(card.parameters or 0) * _WIDTH.get(card.id, 2) or None,
    )
    for card in CARDS.values()
    if card.hub is not None
} | {CHEXBERT.id: CHEXBERT}


def package(model: str) -> Package:
    """The package with id `model`. Raises UnknownModel."""
    try:
        return PACKAGES[model]
    except KeyError:
        raise UnknownModel(model=model, known=", ".join(PACKAGES)) from None


def wanted(source: Source, names: Iterable[str]) -> list[str]:
    """Those of a repository's file `names` that are kept, sorted: tensors as safetensors, settings,
    tokenizer and terms from its root. Neither pickles nor program code, unless `source` names
    the file itself (CheXbert's checkpoint)."""
    plain = sorted(name for name in names if _is_plain(name))
    if source.files is not None:
        return [name for name in plain if name in source.files]
    return [
        name
        for name in plain
        if _TENSORS.fullmatch(name) or name.endswith(_BESIDE) or name.startswith(_TERMS)
    ]


def hub_host() -> str:
    """Host that a fetch asks: the hub's, or of the mirror that HF_ENDPOINT names."""
    named = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    return named.partition("://")[2] or named or "huggingface.co"


def _is_plain(name: str) -> bool:
    # A name goes straight into a path, so nothing that could leave the folder may be in it.
    odd = name.startswith(".") or any(each in name for each in '/\\:*?"<>|') or name == RECORD
    return bool(name) and not odd and name.isprintable()
