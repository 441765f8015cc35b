"""`python -m tests.studies.fuzz --count 2000 --seed 1`: mutated files against the decoding pool.

Every file must end as a radiograph or as one leaf of StudyError, in time, and the app's memory must
not grow. Children may die of a file (counted as DecoderEnded); the app may not. With `--json FILE`
the figures are kept.
"""

import argparse
import random
import struct
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks import report
from cxr_demo.errors import StudyError
from cxr_demo.studies import render
from cxr_demo.studies.pool import DecodePool
from tests.studies import build
from tests.studies.test_raster import png


def seeds(folder: Path) -> list[bytes]:
    """Good files of every kind that the app reads, all small."""
    found = []
    small = build.chest(90, 80)
    study = {"StudyInstanceUID": "1.2.3"}
    for syntax in ("uncompressed", "implicit", "rle", "jpeg2000", "jpegls"):
        for photometric in ("MONOCHROME1", "MONOCHROME2"):
            path = build.write(
                folder / "x", small, syntax=syntax, photometric=photometric, tags=study
            )
            found.append(path.read_bytes())
    item = build.lut_item(0, np.arange(4096, dtype=np.uint16), 12)
    tags = {
        "VOILUTSequence": [item],
        "WindowCenter": ["2000", "1000"],
        "WindowWidth": ["3000", "10"],
        "PixelPaddingValue": 0,
    }
    found.append(build.write(folder / "x", small, tags=tags).read_bytes())
    for name, uid in (("htj2k_lossless", ".201"), ("htj2k_lossless_rpcl", ".202")):
        frame = (build.DATA / f"{name}.j2c").read_bytes()
        uid = "1.2.840.10008.1.2.4" + uid
        path = build.write_frame(folder / "x", frame, uid, build.picture())
        found.append(path.read_bytes())
    jpeg = BytesIO()
    Image.fromarray((small >> 4).astype(np.uint8)).save(jpeg, "JPEG")
    uid = "1.2.840.10008.1.2.4.50"
    frame = jpeg.getvalue() + b"\0" * (len(jpeg.getvalue()) % 2)
    eight = (small >> 4).astype(np.uint8)
    found.append(build.write_frame(folder / "x", frame, uid, eight, bits=8).read_bytes())
    # A lossless JPEG stream of another's making, from pydicom-data, said to be a chest.
    other = (build.REAL / "JPEG-LL.dcm").read_bytes()
    found.append(other.replace(b"CS\2\0NM", b"CS\2\0CR").replace(b"WHOLE BODY", b"CHEST     "))
    found.append(jpeg.getvalue())
    for pixels in (eight, small, np.stack([eight] * 3, axis=2)):
        picture = BytesIO()
        Image.fromarray(pixels).save(picture, "PNG")
        found.append(picture.getvalue())
    found.append(png(np.stack([small] * 3, axis=2), 2, (4, 1, 0, 3, 2)))
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a"), found[0])
        archive.writestr(zipfile.ZipInfo("b"), found[2])
    found.append(packed.getvalue())
    return found


def mutate(data: bytes, dice: random.Random) -> bytes:
    """One to eight changes: bits, bytes, telling numbers, cuts, gaps, repeats."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        if len(out) < 8:
            break
        # Headers decide most, so half of all changes fall into the first 2 KB.
        span = min(len(out), 2048) if dice.random() < 0.5 else len(out)
        at = dice.randrange(span)
        match dice.choice((0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6)):
            case 0:
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                out[at] = dice.randrange(256)
            case 2:
                number = dice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFF, 1 << 30, len(out)))
                out[at : at + 4] = struct.pack(dice.choice("<>") + "I", number)
            case 3:
                del out[at : at + dice.choice((1, 2, 7, 100))]
            case 4:
                out[at:at] = dice.randbytes(dice.choice((1, 2, 16, 300)))
            case 5:
                out[at:at] = out[at : at + dice.choice((8, 64, 1000))]
            case 6:
                del out[at:]
    return bytes(out)


def files(count: int, seed: int, folder: Path) -> Iterator[bytes]:
    """`count` mutated files, the same for the same seed."""
    dice = random.Random(seed)
    good = seeds(folder)
    for number in range(count):
        yield mutate(good[number % len(good)], dice)


@dataclass
class Outcome:
    """What became of the files: counts by outcome, the slowest in seconds and its place among
    them, growth in bytes."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_file: int = 0
    growth: int = 0

    def figures(self) -> dict[str, object]:
        """As plain JSON, with units in the names."""
        return {
            "files": self.counts.total(),
            "outcomes": dict(self.counts.most_common()),
            "slowest_seconds": round(self.slowest, 2),
            "slowest_file": self.slowest_file,
            "growth_bytes": self.growth,
        }


def run(count: int, seed: int, folder: Path) -> Outcome:
    """Open every file through a pool, render what opens, and measure this process."""
    outcome = Outcome()
    path = folder / "mutated"
    process = psutil.Process()
    with DecodePool(size=1) as pool:
        before = 0
        for number, data in enumerate(files(count, seed, folder)):
            path.write_bytes(data)
            start = time.monotonic()
            try:
                for radiograph in pool.open(path):
                    render(radiograph)
                outcome.counts["opened"] += 1
            except StudyError as error:
                outcome.counts[type(error).__name__] += 1
            took = time.monotonic() - start
            if took > outcome.slowest:
                outcome.slowest, outcome.slowest_file = took, number
            if number == count // 10:
                # After a tenth, whatever is loaded once has been loaded.
                before = process.memory_info().rss
        outcome.growth = process.memory_info().rss - before
    return outcome


def main() -> None:
    """Print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(arguments.count, arguments.seed, Path(folder))
    for name, count in outcome.counts.most_common():
        print(f"{count:6} {name}")
    print(f"slowest {outcome.slowest:.2f} s (file {outcome.slowest_file})")
    print(f"growth {outcome.growth / 2**20:.1f} MiB")
    if arguments.json:
        what = "Mutated radiographs opened through the decoding pool; memory of this process."
        command = f"python -m tests.studies.fuzz --count {arguments.count} --seed {arguments.seed}"
        report.write(arguments.json, what, command, outcome.figures())


if __name__ == "__main__":
    main()
