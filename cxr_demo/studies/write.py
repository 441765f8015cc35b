"""Writes radiographs as DICOM: for the phantoms that the app draws, and for tests."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from cxr_demo.records import View, Window
from cxr_demo.studies.voi import to_pixels

SYNTAXES = {
    "uncompressed": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg2000": JPEG2000Lossless,
    "jpegls": JPEGLSLossless,
}
"""Names for the `syntax` argument of `write_dicom`."""


def write_dicom(
    path: Path,
    pixels: NDArray[np.integer],
    *,
    bits: int,
    photometric: str = "MONOCHROME2",
    syntax: str = "uncompressed",
    phantom: bool = False,
    view: View = View.PA,
    spacing: tuple[float, float] | None = None,
    window: Window | None = None,
    uid_seed: str | None = None,
    tags: dict[str, Any] | None = None,
) -> None:
    """Write `pixels` as a DX image of the chest.

    `pixels`: (H, W) in displayed polarity, larger is whiter, 0..2**bits - 1 (uint8 or uint16); for
    MONOCHROME1 they are turned before they are stored, so that the file shows the same picture.
    A signed array (int8, int16) is stored as it is, as signed values.
    `bits`: 8 to 16. `window`: in units of `pixels`. `spacing`: mm (rows, columns).
    `phantom`: marks the file as a phantom (QualityControlImage YES, PatientID PHANTOM).
    `uid_seed`: the same seed gives the same identifiers, and so the same bytes.
    `tags`: more tags, or others, by keyword; None as a value removes one.
    """
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or syntax not in SYNTAXES:
        raise ValueError(f"cannot write {photometric} as {syntax}")
    signed = np.issubdtype(pixels.dtype, np.signedinteger)
    turned = photometric == "MONOCHROME1" and not signed
    stored = ((1 << bits) - 1) - pixels.astype(np.int32) if turned else pixels
    kind = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
    dataset = _subject(view, phantom, uid_seed)
    _set_layout(dataset, stored.astype(kind), bits, photometric, signed)
    if spacing is not None:
        dataset.ImagerPixelSpacing = [f"{each:.6g}" for each in spacing]
    if window is not None:
        _set_window(dataset, window, (1 << bits) - 1 if turned else None)
    for keyword, value in (tags or {}).items():
        if value is None:
            dataset.pop(keyword, None)
        else:
            setattr(dataset, keyword, value)
    _save(path, dataset, stored.astype(kind), syntax, uid_seed)


def _subject(view: View, phantom: bool, uid_seed: str | None) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = _uid(uid_seed, "instance")
    dataset.StudyInstanceUID = _uid(uid_seed, "study")
    dataset.SeriesInstanceUID = _uid(uid_seed, "series")
    # A fixed date keeps files with the same seed the same, and is nobody's date.
    dataset.StudyDate = "20000101"
    dataset.StudyTime = "000000"
    dataset.Modality = "DX"
    dataset.Manufacturer = "cxr-demo"
    dataset.PatientName = ""
    dataset.PatientID = "PHANTOM" if phantom else ""
    dataset.BodyPartExamined = "CHEST"
    if view is not View.UNKNOWN:
        dataset.ViewPosition = "LL" if view is View.LATERAL else view.value
    dataset.PatientOrientation = ["P", "F"] if view is View.LATERAL else ["L", "F"]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    # The tag asks for annotation that could name a patient; "SYNTHETIC" and the side do not.
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    if phantom:
        dataset.QualityControlImage = "YES"
    return dataset


def _set_layout(
    dataset: Dataset, stored: NDArray[np.integer], bits: int, photometric: str, signed: bool
) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = photometric
    dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = 8 * stored.itemsize
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(signed)
    dataset.PixelIntensityRelationship = "LOG"
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    dataset.RescaleType = "US"


def _set_window(dataset: Dataset, window: Window, top: int | None) -> None:
    """`window` in stored units, which for turned pixels run the other way from `top`."""
    own = window if top is None else to_pixels(window, -1.0, float(top))
    dataset.WindowCenter, dataset.WindowWidth = f"{own.centre:.10g}", f"{own.width:.10g}"
    dataset.VOILUTFunction = window.function.value


def _save(
    path: Path, dataset: Dataset, stored: NDArray[np.integer], syntax: str, uid_seed: str | None
) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    if SYNTAXES[syntax].is_compressed:
        dataset.compress(SYNTAXES[syntax], stored, generate_instance_uid=False)
    else:
        data = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OW" if dataset.BitsAllocated == 16 else "OB"
    dataset.save_as(path, enforce_file_format=True)


def _uid(seed: str | None, what: str) -> str:
    entropy = None if seed is None else ["cxr-demo", seed, what]
    return generate_uid(entropy_srcs=entropy)
