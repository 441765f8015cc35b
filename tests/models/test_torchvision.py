"""Where torchvision is installed, transformers would resize with it, a grey level apart: the Pillow
processors are asked for by name, so what a model is given does not depend on it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxr_demo.models import card, preview
from cxr_demo.models.gemma import load_processor
from cxr_demo.paths import assets_dir
from cxr_demo.studies import open_study

ROOT = Path(__file__).resolve().parents[2]

PRETENDED = {
    "__init__.py": "__version__ = '0.30.0'\n",
    "io.py": "",
    "transforms/__init__.py": (
        "from enum import Enum\n"
        "modes = 'NEAREST NEAREST_EXACT BILINEAR BICUBIC BOX HAMMING LANCZOS'\n"
        "InterpolationMode = Enum('InterpolationMode', modes)\n"
    ),
    "transforms/functional.py": "def pil_to_tensor(*_): raise AssertionError('it ran')\n",
    "transforms/v2/__init__.py": "",
    "transforms/v2/functional.py": "def __getattr__(name): raise AssertionError('it ran')\n",
}
"""A torchvision that is found and imported, and that breaks whatever uses it."""

PROGRAM = """
import json, sys
from pathlib import Path
from transformers import AutoImageProcessor
from transformers.utils import is_torchvision_available
from tests.models.test_torchvision import given
folder, sample = map(Path, sys.argv[1:])
assert is_torchvision_available()
library = type(AutoImageProcessor.from_pretrained(folder)).__name__
print(json.dumps([library, *given(folder, sample)]))
"""


def given(folder, sample):
    """The processor's name, and the SHA-256 of the image and of the values that a network gets."""
    processor = load_processor(folder, 9).image_processor
    seen = preview.see_as(card("embedded"), open_study(sample)[0])
    values = processor(seen.pixels, do_resize=False, return_tensors="np")["pixel_values"]
    digests = [hashlib.sha256(each.tobytes()).hexdigest() for each in (seen.pixels, values)]
    return [type(processor).__name__, *digests]


@pytest.mark.slow
def test_what_a_model_is_given_does_not_depend_on_torchvision(tmp_path):
    for name, content in PRETENDED.items():
        file = tmp_path / "torchvision" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    places = assets_dir() / "embedded", assets_dir() / "samples" / "sample-1.dcm"
    path = os.pathsep.join(map(str, (tmp_path, ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, places)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    library, *with_it = json.loads(done.stdout.splitlines()[-1])
    assert "Pil" not in library, "the library itself would have chosen torchvision"
    assert with_it == given(*places)
    assert with_it[0] == "Gemma3ImageProcessorPil"
