"""Records as a reading would make them, for tests of what is shown of them."""

import time
from datetime import datetime

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.labelers import rules
from cxr_demo.records import (
    FindingLabel,
    FindingSet,
    Memory,
    Notice,
    PipelineKind,
    Precision,
    Prompt,
    Provenance,
    Radiograph,
    Reading,
    StopReason,
    Timings,
    View,
    Window,
)
from cxr_demo.studies.folders import StudyRef
from cxr_demo.ui.state import Choice, Image, Run, Study

REPORT = "The heart is enlarged. No pleural effusion. Possible left basal atelectasis."


def radiograph(seed=0, notices=()):
    pixels = np.random.default_rng(seed).integers(0, 4096, (120, 100), dtype=np.uint16)
    window = Window(2048, 4096, label="full")
    return Radiograph(pixels, 12, View.PA, (window,), "DICOM", f"{seed:064d}", notices=notices)


def reading(report=REPORT, stop=StopReason.END, findings=None, stand_in=False, notices=()):
    prompt = Prompt("gemma-report-1", "Write the findings.", 512)
    provenance = Provenance(
        "embedded",
        None,
        "ab" * 32,
        Precision.NF4,
        PipelineKind.REPORT,
        prompt,
        "padded_square",
        "plain",
        "CPU",
        "cd" * 32,
        {"torch": "2.13.0"},
        "2026-11-23T07:00:00Z",
        stand_in=stand_in,
    )
    found = (rules.label(report),) if findings is None else findings
    timings = Timings(ttft=0.5, total=2.5, tokens=21)
    memory = Memory(rss_peak=3 * 2**30)
    return Reading(report, found, stop, timings, memory, provenance, notices)


def labels(labeler="direct", **changed):
    """A set that takes its labels by the findings' names (`EDEMA=Label.POSITIVE`)."""
    from cxr_demo.findings import FINDINGS, Label

    rows = tuple(
        FindingLabel(each, changed.get(each.name, Label.NOT_MENTIONED)) for each in FINDINGS
    )
    return FindingSet(labeler, rows)


def run(image=None, **fields):
    choice = Choice("embedded", Precision.NF4)
    shown = image or Image("image-1", radiograph())
    return Run("run-1", shown, choice, datetime(2026, 11, 23, 7, 0), time.monotonic(), **fields)


def study(*images):
    from pathlib import Path

    ref = StudyRef("key", Path("nowhere"), ())
    return Study("study-1", images or (Image("image-1", radiograph()),), (ref,))


__all__ = ["REPORT", "Finding", "Notice", "labels", "radiograph", "reading", "run", "study"]
