"""What decides an output beside the image: the part of a row's key that a whole run shares."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from cxr_demo import weights
from cxr_demo.models.base import Model
from cxr_demo.records import PipelineKind

ENGINE_VERSION = 1
"""Raised when the way from an image to an output changes, so that old rows don't mix with new."""


def signature(model: Model, kind: PipelineKind) -> dict[str, Any]:
    """Weights, precision, prompt, preprocessing and engine of a loaded model; waits for the hash of
    its weights."""
    return {
        "model": model.card.id,
        "revision": weights.revision(model.card),
        "weights_sha256": model.weights_sha256,
        "precision": str(model.precision),
        "pipeline": str(kind),
        "prompt": asdict(model.card.prompts[kind]),
        "preprocessing": model.card.preprocessing,
        "engine": model.engine,
        "engine_version": ENGINE_VERSION,
    }


def row_key(image_sha256: str, signed: dict[str, Any]) -> str:
    """The key of one output: of the image's bytes and everything in its run's signature."""
    text = json.dumps([image_sha256, signed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
