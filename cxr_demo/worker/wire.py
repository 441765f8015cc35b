"""Records as bytes and back. Nothing is unpickled: only the record types named here are rebuilt.

A frame is `| length of the JSON, 4 bytes big-endian | JSON | arrays' bytes, one after the other |`.
In the JSON a record is `{"$": type, field: value, ...}`, an enum member `{"$": type, "value": v}`
and an array `{"$": "array", "dtype": ..., "shape": [...]}`; bytes follow in order of appearance.
"""

import json
import struct
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_demo import findings, records

LARGEST_FRAME = 1 << 30
"""Bytes. A radiograph of 16,000 x 16,000 pixels with 16 bits has half of that."""

_LENGTH = struct.Struct(">I")
_DTYPES = {"uint8", "uint16", "float32"}


class WireError(ValueError):
    """A frame that this protocol does not know: another version, or damage."""


class Codec:
    """Encodes and decodes the record and enum types that it was given, and no others."""

    def __init__(self, kinds: Iterable[type]) -> None:
        self._kinds = {kind.__name__: kind for kind in kinds}

    def encode(self, record: Any) -> bytes:
        """`record` as one frame. Raises WireError for a type that the codec does not know."""
        arrays: list[NDArray[Any]] = []
        text = json.dumps(self._pack(record, arrays), ensure_ascii=False).encode()
        return b"".join([_LENGTH.pack(len(text)), text, *(array.data for array in arrays)])

    def decode(self, frame: bytes) -> Any:
        """The record in `frame`; its arrays are read-only views. Raises WireError."""
        view = memoryview(frame)
        if len(view) < _LENGTH.size:
            raise WireError("a frame without a length")
        (length,) = _LENGTH.unpack_from(view)
        start = _LENGTH.size + length
        try:
            tree = json.loads(bytes(view[_LENGTH.size : start]))
        except ValueError as error:
            raise WireError("a frame without JSON") from error
        return self._unpack(tree, _Blobs(view[start:]))

    def _pack(self, value: Any, arrays: list[NDArray[Any]]) -> Any:
        match value:
            case np.ndarray():
                return _pack_array(value, arrays)
            case StrEnum():
                return {"$": self._known(value), "value": str(value)}
            case _ if is_dataclass(value):
                pairs = {each.name: getattr(value, each.name) for each in fields(value)}
                return {"$": self._known(value)} | self._pack(pairs, arrays)
            case dict():
                return {_key(key): self._pack(each, arrays) for key, each in value.items()}
            case list() | tuple():
                return [self._pack(each, arrays) for each in value]
            case None | bool() | int() | float() | str():
                return value
            case np.generic():
                return value.item()
        raise WireError(f"no way to send a {type(value).__name__}")

    def _known(self, value: Any) -> str:
        name = type(value).__name__
        if self._kinds.get(name) is not type(value):
            raise WireError(f"{name} is not part of this protocol")
        return name

    def _unpack(self, value: Any, blobs: "_Blobs") -> Any:
        if isinstance(value, list):
            return tuple(self._unpack(each, blobs) for each in value)
        if not isinstance(value, dict):
            return value
        if "$" not in value:
            return {key: self._unpack(each, blobs) for key, each in value.items()}
        name = value.pop("$")
        if name == "array":
            return blobs.take(value)
        kind = self._kinds.get(name)
        if kind is None:
            raise WireError(f"{name} is not part of this protocol")
        parts = {key: self._unpack(each, blobs) for key, each in value.items()}
        try:
            return kind(**parts)
        except (TypeError, ValueError) as error:
            raise WireError(f"not a {name}") from error


class _Blobs:
    """The arrays of one frame, taken from the front."""

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def take(self, header: dict[str, Any]) -> NDArray[Any]:
        try:
            dtype, shape = header["dtype"], tuple(int(side) for side in header["shape"])
            if dtype not in _DTYPES or min(shape, default=0) < 0:
                raise WireError(f"no arrays of {dtype} and {shape}")
            size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            array = np.frombuffer(self._view[:size], dtype).reshape(shape)
        except (KeyError, TypeError, ValueError) as error:
            raise WireError("a damaged array") from error
        self._view = self._view[size:]
        return array


def _pack_array(array: NDArray[Any], arrays: list[NDArray[Any]]) -> dict[str, Any]:
    if array.dtype.name not in _DTYPES:
        raise WireError(f"no arrays of {array.dtype}")
    arrays.append(np.ascontiguousarray(array).reshape(-1))
    return {"$": "array", "dtype": array.dtype.name, "shape": list(array.shape)}


def _key(key: Any) -> str:
    if not isinstance(key, str) or key == "$":
        raise WireError(f"no keys like {key!r}")
    return key


GROUND_TYPES: tuple[type, ...] = (
    findings.Finding,
    findings.Label,
    records.View,
    records.VoiFunction,
    records.Window,
    records.Notice,
    records.Radiograph,
    records.Precision,
    records.PipelineKind,
    records.Prompt,
    records.PromptStep,
    records.Token,
    records.StopReason,
    records.Span,
    records.FindingLabel,
    records.FindingSet,
    records.Probabilities,
    records.GpuMemory,
    records.Telemetry,
    records.Memory,
    records.Timings,
    records.ImageUse,
    records.Provenance,
    records.Reading,
    records.Phase,
    records.PhaseEvent,
    records.TokenEvent,
    records.DoneEvent,
    records.FailedEvent,
)
"""Everything of floors 0 that may cross; `messages.CODEC` adds the protocol's own records."""
