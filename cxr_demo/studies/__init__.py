"""Files from outside become radiographs here, and radiographs become greys.

`open_study` decodes in this very process; whatever comes from outside goes through
`cxr_demo.studies.pool.DecodePool`, which does the same in a child with limits.
"""

from cxr_demo.studies.folders import StudyRef, list_studies
from cxr_demo.studies.notices import NOTICES, sentence
from cxr_demo.studies.opening import open_bytes, open_study
from cxr_demo.studies.rendering import has_file_lut, ignore_file_lut, render, window_name
from cxr_demo.studies.voi import from_file, lut, to_file
from cxr_demo.studies.write import write_dicom

__all__ = [
    "NOTICES",
    "StudyRef",
    "from_file",
    "has_file_lut",
    "ignore_file_lut",
    "list_studies",
    "lut",
    "open_bytes",
    "open_study",
    "render",
    "sentence",
    "to_file",
    "window_name",
    "write_dicom",
]
