"""Pictures and DICOM files for the tests of `studies`: drawn by formula, nobody's."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from cxr_demo.records import View
from cxr_demo.studies import write_dicom
from cxr_demo.studies.dicom import decode_dataset
from cxr_demo.studies.header import parse
from cxr_demo.studies.suitability import Subject
from cxr_demo.studies.syntax import find_syntax

REAL = Path(data_store.__file__).parent / "data"
"""The files of pydicom-data."""
PYDICOM = Path(pydicom.__file__).parent / "data" / "test_files"
DATA = Path(__file__).parent / "data"
ANYTHING = Subject(View.UNKNOWN, None, False, ())


def picture(rows: int = 120, columns: int = 90, bits: int = 12) -> np.ndarray:
    """(rows, columns) uint16 with all kinds of edges, over 0..2**bits - 1."""
    y, x = np.mgrid[:rows, :columns].astype(np.int64)
    values = (x * x * 7 + y * y * 11 + 5 * x * y) // 40 + (x * 37 + y * 91) % 23
    return (values % 4096 >> max(0, 12 - bits) << max(0, bits - 12)).astype(np.uint16)


def chest(rows: int = 300, columns: int = 280, bits: int = 12, seed: int = 0) -> np.ndarray:
    """(rows, columns) uint16: two dark fields in a light body with noise, like a radiograph's
    histogram."""
    y, x = np.mgrid[:rows, :columns] / (rows, columns)[0]
    top = (1 << bits) - 1
    lungs = sum(np.exp(-(((x - c) / 0.16) ** 2 + ((y - 0.5) / 0.3) ** 2)) for c in (0.25, 0.7))
    noise = np.random.default_rng(seed).normal(0, 0.01, (rows, columns))
    return np.clip((0.85 - 0.7 * lungs + noise) * top, 0, top).astype(np.uint16)


def write(path: Path, pixels: np.ndarray | None = None, **options: Any) -> Path:
    """A chest radiograph at `path`; `options` as for `write_dicom`."""
    options.setdefault("bits", 12)
    options.setdefault("uid_seed", path.name)
    write_dicom(path, chest(bits=options["bits"]) if pixels is None else pixels, **options)
    return path


def write_frame(path: Path, frame: bytes, uid: str, pixels: np.ndarray, bits: int = 12) -> Path:
    """A DICOM file around a compressed `frame` whose header tells of `pixels`."""
    write(path, pixels, bits=bits)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    return path


def lut_item(first: int, values: np.ndarray, bits: int, vr: str = "US") -> Dataset:
    """An item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [len(values) % 65536, first, bits])
    item.add_new("LUTData", "OW", values.astype("<u2").tobytes())
    return item


def decode(path: Path):
    """The radiograph in a file, whatever it shows."""
    data = path.read_bytes()
    syntax = find_syntax(data)
    return decode_dataset(parse(data), syntax, ANYTHING, "0" * 64)


def dcmtk(tool: str) -> str:
    """The path of one of dcmtk's programs; the test is skipped, and says so, without it."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"NOT RUN: {tool} of dcmtk is not installed (apt-get install dcmtk)")
    return found


def dcmj2pnm(path: Path, *options: str) -> np.ndarray | None:
    """(H, W) uint8 as dcmtk renders the file, or None if it cannot."""
    out = path.parent / (path.name + ".pgm")
    command = [dcmtk("dcmj2pnm"), "+op", *options, str(path), str(out)]
    done = subprocess.run(command, capture_output=True, timeout=60)
    if done.returncode or not out.exists():
        return None
    return read_pgm(out)


def read_pgm(path: Path) -> np.ndarray:
    """(H, W) of a PGM; (0, 0) for a colour picture."""
    with Image.open(path) as opened:
        return np.asarray(opened) if opened.mode == "L" else np.zeros((0, 0), np.uint8)
