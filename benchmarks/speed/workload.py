"""The evaluation that is timed: JPEG files on disk, and how long each reply is."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.speed.settings import Size
from cxr_demo.models.base import Seen
from cxr_demo.studies import open_study

SEED = 20_261_126
WIDTH, HEIGHT = 320, 390
ALPHA = 2.0
"""Of the Beta distribution of lengths; its other parameter follows from the mean."""


def describe(size: Size) -> str:
    """The distribution of reply lengths, in words."""
    low, high, mean = size.lengths
    return (
        f"round({low} + {high - low} * Beta({ALPHA:g}, {_beta(size):.4g})), mean {mean}, "
        f"numpy default_rng({SEED})"
    )


def lengths(count: int, size: Size) -> list[int]:
    """New tokens of each reply, in the order of the images; the same for the same `size`."""
    low, high, _ = size.lengths
    drawn = np.random.default_rng(SEED).beta(ALPHA, _beta(size), count)
    return [int(each) for each in np.rint(low + (high - low) * drawn)]


def _beta(size: Size) -> float:
    low, high, mean = size.lengths
    return ALPHA * (high - mean) / (mean - low)


def write_jpegs(folder: Path, count: int) -> list[Path]:
    """`count` different smooth greyscale noises, WIDTH x HEIGHT, as JPEG of quality 90."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    found = []
    for index in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (49, 40), dtype=np.uint8))
        found.append(folder / f"{index:05}.jpg")
        coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(found[-1], quality=90)
    return found


def seen_ahead(
    model: Any, files: Sequence[Path], workers: int, ahead: int
) -> Iterator[tuple[Path, Seen]]:
    """Files opened and preprocessed as the app does, `ahead` of them in `workers` threads beside
    the GPU's work, in order."""

    def see(file: Path) -> Seen:
        (radiograph,) = open_study(file)
        seen: Seen = model.see(radiograph)
        return seen

    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        waiting: deque[tuple[Path, Future[Seen]]] = deque()
        rest = iter(files)
        for file in itertools.islice(rest, ahead):
            waiting.append((file, pool.submit(see, file)))
        while waiting:
            file, done = waiting.popleft()
            for more in itertools.islice(rest, 1):
                waiting.append((more, pool.submit(see, more)))
            yield file, done.result()
