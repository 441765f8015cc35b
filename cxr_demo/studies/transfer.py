"""Radiographs on their way from a decoding child to this process.

One answer is a length (4 bytes, big endian), JSON, and raw bytes: pixels and tables, in the order
of the JSON. Nothing is unpickled, and nothing in the JSON is believed: a file that takes over the
child must not get further. Words come from closed lists or short patterns, numbers are finite,
sizes are within the limits. A pipe and not shared memory, which the child could change or cut off
under the reader's hands; it carries 2 GB a second.
"""

import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cxr_demo.errors import CxrError, StudyError
from cxr_demo.records import Notice, Radiograph, View, VoiFunction, Window
from cxr_demo.studies.limits import MAX_ARCHIVE_FILES, MAX_IMAGES, MAX_PIXELS
from cxr_demo.studies.notices import NOTICES
from cxr_demo.studies.voi import LEVELS

MAX_JSON = 8 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{16}")
_WORD = re.compile(r"[A-Za-z0-9_?\- ]{0,40}")
_FACT = re.compile(r"[\w .,:()\[\]/\-+]{0,100}")


class BadAnswer(ValueError):
    """The child's answer is not what an honest child would write."""


def write_frame(stream: BinaryIO, header: dict[str, Any], *payloads: NDArray[Any]) -> None:
    """Write one message: `header` as JSON, then the bytes of each array."""
    body = json.dumps(header).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    for each in payloads:
        stream.write(np.ascontiguousarray(each).reshape(-1).view(np.uint8).data)
    stream.flush()


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The JSON of the next message, or None at the end of the stream. Raises BadAnswer."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    size = struct.unpack(">I", head)[0]
    if size > MAX_JSON:
        raise BadAnswer("too long")
    body = stream.read(size)
    if len(body) < size:
        return None
    try:
        header = json.loads(body)
    except ValueError as error:
        raise BadAnswer("not JSON") from error
    if not isinstance(header, dict):
        raise BadAnswer("not an object")
    return header


def write_radiographs(stream: BinaryIO, radiographs: tuple[Radiograph, ...]) -> None:
    """Answer with radiographs."""
    payloads = []
    for each in radiographs:
        payloads.append(each.pixels)
        payloads += [window.table for window in each.windows if window.table is not None]
    write_frame(stream, {"radiographs": [_describe(each) for each in radiographs]}, *payloads)


def _describe(radiograph: Radiograph) -> dict[str, Any]:
    return {
        "shape": radiograph.pixels.shape,
        "bits": radiograph.bits,
        "view": radiograph.view.value,
        "windows": [_describe_window(each) for each in radiograph.windows],
        "source": radiograph.source,
        "sha256": radiograph.sha256,
        "spacing": radiograph.spacing,
        "slope": radiograph.slope,
        "intercept": radiograph.intercept,
        "modality": radiograph.modality,
        "photometric": radiograph.photometric,
        "syntax": radiograph.syntax,
        "declared_phantom": radiograph.declared_phantom,
        "notices": [[each.code, each.params] for each in radiograph.notices],
    }


def _describe_window(window: Window) -> dict[str, Any]:
    return {
        "centre": window.centre,
        "width": window.width,
        "function": window.function.value,
        "label": window.label,
        "first": window.first,
        "table": 0 if window.table is None else len(window.table),
    }


def read_radiographs(header: dict[str, Any], stream: BinaryIO) -> tuple[Radiograph, ...]:
    """The radiographs that `header` announces, their pixels read from `stream`. Raises BadAnswer,
    StudyError if the child refused the file."""
    raise_error(header)
    found = header.get("radiographs")
    if not isinstance(found, list) or not 0 < len(found) <= MAX_IMAGES:
        raise BadAnswer("radiographs")
    try:
        return tuple(_radiograph(each, stream) for each in found)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadAnswer("radiograph") from error


def read_studies(header: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Key and members of each study that the child listed. Raises BadAnswer, StudyError."""
    raise_error(header)
    found = header.get("studies")
    if not isinstance(found, list) or not 0 < len(found) <= MAX_ARCHIVE_FILES:
        raise BadAnswer("studies")
    try:
        return tuple((_match(_KEY, key), tuple(map(_text, names))) for key, names in found)
    except (TypeError, ValueError) as error:
        raise BadAnswer("study") from error


def raise_error(header: dict[str, Any]) -> None:
    """Raise the StudyError that an answer carries, if it does. Raises BadAnswer for any other."""
    record = header.get("error")
    if record is None:
        return
    try:
        facts = {_match(_WORD, name): _fact(value) for name, value in record["params"].items()}
        error = CxrError.from_dict({"code": _match(_WORD, record["code"]), "params": facts})
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise BadAnswer("error") from cause
    if not isinstance(error, StudyError):
        raise BadAnswer("error")
    raise error


def _radiograph(record: dict[str, Any], stream: BinaryIO) -> Radiograph:
    rows, columns = (int(each) for each in record["shape"])
    if min(rows, columns) < 1 or rows * columns > MAX_PIXELS or not 1 <= record["bits"] <= 16:
        raise BadAnswer("shape")
    if not 1 <= len(record["windows"]) <= 64 or len(record["notices"]) > 64:
        raise BadAnswer("windows")
    pixels = _read_array(stream, rows * columns).reshape(rows, columns)
    spacing = record["spacing"]
    return Radiograph(
        pixels=pixels,
        bits=int(record["bits"]),
        view=View(record["view"]),
        windows=tuple(_window(each, stream) for each in record["windows"]),
        source=_match(_WORD, record["source"]),
        sha256=_match(_HASH, record["sha256"]),
        spacing=None if spacing is None else (_finite(spacing[0]), _finite(spacing[1])),
        slope=_finite(record["slope"]),
        intercept=_finite(record["intercept"]),
        modality=_maybe(_WORD, record["modality"]),
        photometric=_maybe(_WORD, record["photometric"]),
        syntax=_maybe(_FACT, record["syntax"]),
        declared_phantom=record["declared_phantom"] is True,
        notices=tuple(_notice(*each) for each in record["notices"]),
    )


def _window(record: dict[str, Any], stream: BinaryIO) -> Window:
    entries = int(record["table"])
    if not 0 <= entries <= LEVELS:
        raise BadAnswer("table")
    function = VoiFunction(record["function"])
    if (function is VoiFunction.TABLE) != (entries > 0):
        raise BadAnswer("table")
    return Window(
        centre=_finite(record["centre"]),
        width=_finite(record["width"]),
        function=function,
        label=_match(_WORD, record["label"]),
        first=int(record["first"]),
        table=_read_array(stream, entries) if entries else None,
    )


def _notice(code: str, params: dict[str, Any]) -> Notice:
    if code not in NOTICES:
        raise BadAnswer("notice")
    return Notice(code, {_match(_WORD, name): _fact(value) for name, value in params.items()})


def _read_array(stream: BinaryIO, count: int) -> NDArray[np.uint16]:
    values = np.empty(count, np.uint16)
    rest = values.view(np.uint8).data
    readinto: Callable[[memoryview], int | None] = stream.readinto  # type: ignore[attr-defined]
    while rest:
        got = readinto(rest)
        if not got:
            raise BadAnswer("cut short")
        rest = rest[got:]
    return values


def _fact(value: Any) -> int | str:
    """A parameter of a sentence: a whole number or a short word without any markup."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12:
        return value
    return _match(_FACT, value)


def _match(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadAnswer("text")
    return value


def _maybe(pattern: re.Pattern[str], value: Any) -> str | None:
    return None if value is None else _match(pattern, value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadAnswer("name")
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise BadAnswer("number")
    return number
