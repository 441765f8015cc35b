"""Phantoms as files: DICOM as a digital X-ray unit would send it, PNG and JPEG."""

from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image

from cxr_demo.phantoms.drawing import draw
from cxr_demo.phantoms.plan import MM_PER_WIDTH, PhantomPlan
from cxr_demo.studies import write_dicom


class Kind(StrEnum):
    """How a phantom is stored. The DICOM kinds name photometric interpretation and coding."""

    DICOM_MONO2 = "dicom-mono2"
    DICOM_MONO1 = "dicom-mono1"
    DICOM_MONO2_J2K = "dicom-mono2-j2k"
    DICOM_MONO1_J2K = "dicom-mono1-j2k"
    PNG16 = "png16"
    PNG8 = "png8"
    JPEG75 = "jpeg75"
    JPEG90 = "jpeg90"

    @property
    def suffix(self) -> str:
        """The file name's ending, with the dot."""
        return {"d": ".dcm", "p": ".png", "j": ".jpg"}[self.value[0]]


def write(plan: PhantomPlan, path: Path, kind: Kind, width: int = 2048) -> None:
    """Draw `plan` `width` pixels wide, with square pixels, into the file `path`.

    DICOM files are DX images of 12 to 16 bits whose tags say that they are phantoms; the same plan
    gives the same bytes. PNG16 spreads the values over 16 bits, PNG8 and JPEG over 8."""
    pixels = draw(plan, plan.native_size(width))
    bits = plan.exposure.bits
    if kind.value.startswith("dicom"):
        spacing = MM_PER_WIDTH / width
        write_dicom(
            path,
            pixels,
            bits=bits,
            photometric="MONOCHROME1" if "mono1" in kind.value else "MONOCHROME2",
            syntax="jpeg2000" if kind.value.endswith("j2k") else "uncompressed",
            phantom=True,
            view=plan.exposure.view,
            spacing=(spacing, spacing),
            uid_seed=f"phantom {plan.seed} {kind.value} {width}",
            tags={"ImageType": ["DERIVED", "PRIMARY"]},
        )
    elif kind is Kind.PNG16:
        Image.fromarray(pixels << np.uint16(16 - bits)).save(path, compress_level=9)
    elif kind is Kind.PNG8:
        Image.fromarray((pixels >> np.uint16(bits - 8)).astype(np.uint8)).save(path)
    else:
        grey = Image.fromarray((pixels >> np.uint16(bits - 8)).astype(np.uint8))
        grey.save(path, quality=75 if kind is Kind.JPEG75 else 90)
