"""What decides an output beside the image: the part of a row's key that a whole run shares."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from cxr_demo import weights
from cxr_demo.models.base import Model
from cxr_demo.records import PipelineKind, Prompt

ENGINE_VERSION = 4
"""Raised when the way from an image to an output changes, so that old rows don't mix with new."""


def signature(model: Model, kind: PipelineKind, prompt: str | None = None) -> dict[str, Any]:
    """Weights, precision, prompt (by its id), preprocessing and engine of a loaded model; waits for
    the hash of its weights."""
    return {
        "model": model.card.id,
        "revision": weights.revision(model.card),
        "weights_sha256": model.weights_sha256,
        "precision": str(model.precision),
        "pipeline": str(kind),
        "prompt": facts(model.card.prompt(kind, prompt)),
        "preprocessing": model.card.preprocessing,
        "engine": model.engine,
        "engine_version": ENGINE_VERSION,
    }


def facts(prompt: Prompt) -> dict[str, Any]:
    """A prompt in a key. What only stepwise ones have is left out of the others: keys of theirs
    are older."""
    plain = asdict(prompt)
    del plain["image"]
    if not prompt.steps:
        del plain["steps"]
    return plain


def row_key(image_sha256: str, signed: dict[str, Any]) -> str:
    """The key of one output: of the image's bytes and everything in its run's signature."""
    text = json.dumps([image_sha256, signed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
