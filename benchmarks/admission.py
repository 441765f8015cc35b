"""Which images the embedded model's guard lets in, through the very reader and the very guard.

`python -m benchmarks.admission [--limit N] [--width W]` writes every test phantom as DICOM, PNG and
JPEG, opens each file as the app does, and asks the guard. Then it asks about every image of
`pydicom-data` that the reader takes, and about random images. Needs tests/requirements.txt.
"""

import argparse
import json
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import data_store
import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from cxr_demo.errors import CxrError
from cxr_demo.phantoms import TEST_SEEDS, plan, strip
from cxr_demo.phantoms.files import Kind, write
from cxr_demo.studies import open_study

WHAT = "images that the embedded model's guard lets in: phantoms as files, public and random images"
DICOM = (Kind.DICOM_MONO2, Kind.DICOM_MONO1, Kind.DICOM_MONO2_J2K, Kind.DICOM_MONO1_J2K)
PNG = (Kind.PNG8, Kind.PNG16)
RANDOM = 3000


def measure(limit: int, width: int) -> dict[str, Any]:
    """Counts of admitted images: `limit` phantoms `width` pixels wide in three kinds of file each,
    public images as they are and inverted, and `RANDOM` random ones."""
    apart = multiprocessing.get_context("spawn")  # a fork would copy locks of the caller's threads
    with ProcessPoolExecutor(mp_context=apart) as pool:
        admitted = list(pool.map(_kinds_admitted, TEST_SEEDS[:limit], [width] * limit))
    return {
        "test_seeds": [TEST_SEEDS[0], TEST_SEEDS[limit - 1] + 1],
        "width": width,
        "phantoms": limit,
        "phantoms_admitted": dict(sum(admitted, Counter())),
        "pydicom_data": _public_images(),
        "random": {
            "images": RANDOM,
            "admitted": sum(map(_passes, _random_images(RANDOM))),
        },
    }


def kinds_of(seed: int) -> tuple[Kind, Kind, Kind]:
    """A DICOM, a PNG and a JPEG kind; the seed chooses polarity, coding and depth."""
    return DICOM[seed % len(DICOM)], PNG[seed % len(PNG)], Kind.JPEG75


def _kinds_admitted(seed: int, width: int) -> Counter[str]:
    """1 for each of "dicom", "png" and "jpeg" whose strip was read back as this very seed."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in zip(("dicom", "png", "jpeg"), kinds_of(seed), strict=True):
            path = Path(folder) / f"phantom{kind.suffix}"
            write(plan(seed), path, kind, width=width)
            (radiograph,) = open_study(path)
            found[name] = int(strip.read(radiograph.pixels) == seed)
    return found


def _public_images() -> dict[str, int]:
    """What becomes of every file of `pydicom-data`; the reader refuses what is no chest image."""
    found = Counter(files=0, refused_by_reader=0, images=0, admitted=0)
    for path in sorted(Path(data_store.__file__).parent.rglob("*")):
        if not path.is_file() or path.suffix == ".py":
            continue
        found["files"] += 1
        try:
            radiographs = open_study(path)
        except CxrError:
            found["refused_by_reader"] += 1
            continue
        found["images"] += len(radiographs)
        found["admitted"] += sum(_passes(each.pixels) for each in radiographs)
    return dict(found)


def _passes(pixels: NDArray[np.uint16]) -> bool:
    """Whether an image passes as it is or inverted."""
    return strip.is_phantom(pixels) or strip.is_phantom(pixels.max() - pixels)


def _random_images(count: int) -> Iterator[NDArray[np.uint16]]:
    """Noise, coarse noise and black-and-white blocks in sizes from 64 to 1024, seeded."""
    rng = np.random.default_rng(20_261_123)
    for index in range(count):
        height, width = rng.integers(64, 1024, 2)
        cell = (1, 8, 32)[index % 3]
        shape = (-(-height // cell), -(-width // cell))
        top = 2 if index % 2 else 4096
        small = rng.integers(0, top, shape, dtype=np.uint16) * np.uint16(4095 // (top - 1))
        yield small.repeat(cell, 0).repeat(cell, 1)[:height, :width]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=len(TEST_SEEDS))
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--out", type=Path, default=report.RESULTS / "phantom_admission.json")
    given = parser.parse_args(arguments)
    result = measure(given.limit, given.width)
    command = f"python -m benchmarks.admission --limit {given.limit} --width {given.width}"
    report.write(given.out, WHAT, command, result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
