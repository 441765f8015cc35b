"""The sample studies that come with the app, in `assets/samples`.

`python -m cxr_demo.phantoms.samples` draws their files again, byte for byte. Titles say how a study
is stored and how it was taken, never what is to be found on it.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from cxr_demo.paths import assets_dir
from cxr_demo.phantoms.drawing import draw
from cxr_demo.phantoms.plan import plan

_THUMBNAIL_WIDTH = 224


@dataclass(frozen=True)
class Sample:
    """One sample study: `file` in `assets/samples`, drawn from `seed` at `width` pixels as `kind`
    (a `files.Kind`)."""

    id: str
    file: str
    seed: int
    kind: str
    width: int
    stored_as: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return assets_dir() / "samples" / self.file

    def title(self, language: str = "en") -> str:
        """Name for a picker in `language` ("pt" or "en")."""
        word = "Amostra" if language == "pt" else "Sample"
        view = plan(self.seed).exposure.view
        return f"{word} {self.id.removeprefix('sample-')} · {view} · {self.stored_as}"


_SAMPLES = (
    Sample("sample-1", "sample-1.dcm", 3_000_303, "dicom-mono2-j2k", 1600, "DICOM"),
    Sample("sample-2", "sample-2.dcm", 3_000_349, "dicom-mono1-j2k", 1600, "DICOM"),
    Sample("sample-3", "sample-3.png", 3_000_347, "png16", 1500, "PNG, 16 bit"),
    Sample("sample-4", "sample-4.jpg", 3_000_269, "jpeg90", 1800, "JPEG"),
    Sample("sample-5", "sample-5.jpg", 3_000_314, "jpeg90", 1800, "JPEG"),
    Sample("sample-6", "sample-6.jpg", 3_000_057, "jpeg75", 1800, "JPEG"),
)


def samples() -> tuple[Sample, ...]:
    """All sample studies, in the order in which a picker shows them."""
    return _SAMPLES


def sample(id: str) -> Sample:
    """The sample `id`; raises KeyError if there is none."""
    return {each.id: each for each in _SAMPLES}[id]


@lru_cache(maxsize=16)
def thumbnail(id: str) -> bytes:
    """A small PNG of the sample `id`; raises KeyError if there is none."""
    drawn = plan(sample(id).seed)
    pixels = draw(drawn, drawn.native_size(_THUMBNAIL_WIDTH))
    grey = (pixels >> np.uint16(drawn.exposure.bits - 8)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, format="PNG")
    return out.getvalue()


def write_all(folder: Path) -> None:
    """Draw all samples into `folder`."""
    from cxr_demo.phantoms import files  # brings pydicom, which the app's process does without

    folder.mkdir(parents=True, exist_ok=True)
    for each in _SAMPLES:
        files.write(plan(each.seed), folder / each.file, files.Kind(each.kind), each.width)


if __name__ == "__main__":
    write_all(assets_dir() / "samples")
