import json
import struct
from dataclasses import dataclass, fields

import numpy as np
import pytest

from cxr_demo import errors
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.models.cards import card
from cxr_demo.records import (
    FindingLabel,
    FindingSet,
    Notice,
    PipelineKind,
    Precision,
    Prompt,
    Radiograph,
    Span,
    View,
    VoiFunction,
    Window,
)
from cxr_demo.worker.messages import CODEC, Answer, Load, Read, ReadingUpdate, failed
from cxr_demo.worker.wire import WireError


def radiograph():
    pixels = np.arange(60, dtype=np.uint16).reshape(6, 10)[:, ::2]  # not contiguous
    table = np.linspace(0, 65535, 7).astype(np.uint16)
    windows = (
        Window(30.5, 61.0),
        Window(0, 1, VoiFunction.TABLE, first=-3, table=table),
    )
    return Radiograph(
        pixels, 12, View.AP, windows, "DICOM", "ab" * 32, (0.14, 0.14), notices=(Notice("x"),)
    )


def frame(tree, blob=b""):
    text = json.dumps(tree).encode()
    return struct.pack(">I", len(text)) + text + blob


def test_a_radiograph_arrives_whole_and_cannot_be_written_to():
    sent = Read(3, radiograph(), "embedded", Precision.NF4, PipelineKind.REPORT)
    got = CODEC.decode(CODEC.encode(sent))
    assert isinstance(got, Read) and got.precision is Precision.NF4
    assert got.kind is PipelineKind.REPORT
    for field in fields(Radiograph):
        if field.name not in ("pixels", "windows"):
            assert getattr(got.radiograph, field.name) == getattr(sent.radiograph, field.name)
    np.testing.assert_array_equal(got.radiograph.pixels, sent.radiograph.pixels)
    assert got.radiograph.pixels.dtype == np.uint16
    assert not got.radiograph.pixels.flags.writeable
    assert got.radiograph.windows[1].function is VoiFunction.TABLE
    np.testing.assert_array_equal(got.radiograph.windows[1].table, sent.radiograph.windows[1].table)


def test_findings_and_errors_arrive_as_they_were():
    labels = tuple(FindingLabel(each, Label.POSITIVE, (Span(1, 4),)) for each in FINDINGS)
    found = FindingSet("rules", labels)
    assert CODEC.decode(CODEC.encode(Answer(1, found))).value == found
    event = failed(errors.OutOfMemory(model="embedded", free="1.0 GiB"), "Pulmões à direita")
    got = CODEC.decode(CODEC.encode(ReadingUpdate(7, event)))
    assert got == ReadingUpdate(7, event)
    assert "1.0 GiB" in CxrError.from_dict(got.event.error).message("pt")


def test_a_prompt_arrives_with_its_steps_and_older_ones_without():
    prompt = card("chexagent-2-3b").prompts_of(PipelineKind.REPORT)[1]
    assert CODEC.decode(CODEC.encode(Answer(1, prompt))).value == prompt
    plain = {"$": "Prompt", "id": "a-1", "text": "Write.", "max_new_tokens": 9, "system": None}
    assert CODEC.decode(frame(plain)) == Prompt("a-1", "Write.", 9)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x00\x00",
        frame({"$": "os.system", "command": "id"}),
        frame({"$": "Load"}),
        frame({"$": "Load", "id": 1, "more": 2}),
        frame({"$": "Precision", "value": "nf5"}),
        frame({"$": "array", "dtype": "object", "shape": [1]}, b"\x00" * 8),
        frame({"$": "array", "dtype": "uint16", "shape": [4]}, b"\x00" * 7),
        frame({"$": "array", "dtype": "uint16", "shape": [-1]}, b"\x00" * 8),
        struct.pack(">I", 9) + b"{not json",
    ],
)
def test_what_is_not_ours_is_refused(damaged):
    with pytest.raises(WireError):
        CODEC.decode(damaged)


def test_only_records_of_the_protocol_are_sent():
    @dataclass(frozen=True)
    class Secret:
        text: str

    for stranger in (Secret("a"), {1: 2}, {"$": "Load"}, object(), np.zeros(2, np.complex64)):
        with pytest.raises(WireError):
            CODEC.encode(Answer(1, stranger))


def test_a_damaged_frame_cannot_smuggle_a_record_inside_a_record():
    sent = CODEC.encode(Load(1, "embedded", Precision.NF4))
    assert CODEC.decode(sent) == Load(1, "embedded", Precision.NF4)
    for cut in range(len(sent)):
        with pytest.raises(WireError):
            CODEC.decode(sent[:cut])
