"""Tiny checkpoints with random weights in the published layout, for tests of several folders."""

import shutil
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import torch
from transformers import Gemma3ForConditionalGeneration

from benchmarks import checkpoints
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import card
from cxr_demo.models.gemma import GemmaModel, load_processor
from cxr_demo.records import Precision, Radiograph, View, Window

MEDGEMMA = "medgemma-4b-it"


def tiny_medgemma(root: Path) -> Path:
    """A tiny MedGemma in `root/medgemma-4b-it`, written once per `root`."""
    folder = root / MEDGEMMA
    if not folder.exists():
        checkpoints.write(MEDGEMMA, folder, tiny=True)
    return folder


def copied(folder: Path, root: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(folder, root / folder.name))


def native_fp32(folder: Path) -> Gemma3ForConditionalGeneration:
    """transformers' own model in float32, for comparisons."""
    kind = Gemma3ForConditionalGeneration
    loaded = kind.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return loaded.eval()


def adapted(native: Gemma3ForConditionalGeneration, folder: Path) -> GemmaModel:
    """Our adapter around `native`, in whatever type its weights have."""
    digest: Future[str] = Future()
    digest.set_result("0" * 64)
    processor = load_processor(folder, native.config.mm_tokens_per_image)
    return GemmaModel(card(MEDGEMMA), Precision.BF16, native, processor, digest, stand_in=True)


def noise(seed: int, side: int = 56) -> Seen:
    """A random image as a model would be given it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Seen(pixels, "noise")


def radiograph(seed: int = 0, height: int = 200, width: int = 160) -> Radiograph:
    """A radiograph of noise, 12 bits, with one window over its whole range."""
    pixels = np.random.default_rng(seed).integers(0, 4096, (height, width), dtype=np.uint16)
    return Radiograph(
        pixels, 12, View.PA, (Window(2048, 4096, label="full"),), source="PNG", sha256="5" * 64
    )
