"""CUDA source to kernels, with nothing but what torch brings: NVRTC and the driver, on Linux and on
Windows. What was compiled is kept on disk under the hash of all that went into it.
"""

import ctypes
import hashlib
import json
import sys
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
from pathlib import Path
from typing import Any

import torch
from torch.cuda import _utils as torch_cuda

from cxr_demo.paths import private_dir

FILES = ("common.cu", "product.cu", "attention.cu", "batch.cu")
"""In `cuda/`; one after the other they are one source."""
_PROGRAMMATIC = 6  # CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
_OVERLAPPED = (9, 0)
_ROOMY = 192 * 1024
_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class CompilerMissing(Exception):
    """There is no NVRTC, or no driver that takes what it makes; the detail says what."""


def line_of(device: torch.device) -> int:
    """Bits of a line of the table of 4-bit pairs (cuda/product.cu: LINE), of which there are 256 in
    each block: 8 where two blocks with such tables fit into a multiprocessor, else 7."""
    shared: int = torch.cuda.get_device_properties(device).shared_memory_per_multiprocessor
    return 8 if shared >= _ROOMY else 7


class Kernels:
    """Compiled instances of the templates in `cuda/`, on one device."""

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        """`names`: template instances such as "prepare<2560,1,2>". Raises CompilerMissing."""
        capability = torch.cuda.get_device_capability(device)
        binary, lowered = _built(tuple(dict.fromkeys(names)), capability, line_of(device))
        self._driver = _driver()
        self._overlapped = capability >= _OVERLAPPED
        self._module = c_void_p()
        with torch.cuda.device(device):
            torch.cuda.current_stream().synchronize()  # there is a context from here on
            _check(self._driver, self._driver.cuModuleLoadData(byref(self._module), binary))
        self._functions = {name: self._function(found) for name, found in lowered.items()}
        self._shared: dict[str, int] = {}

    def launch(
        self,
        name: str,
        grid: tuple[int, int, int],
        threads: int,
        arguments: Sequence[Any],
        shared: int = 0,
    ) -> None:
        """Run on torch's current stream. `arguments`: ctypes values or structures; `shared`: bytes
        of shared memory beside what the kernel declares."""
        if self._shared.get(name, 0) < shared:
            _check(
                self._driver,
                self._driver.cuFuncSetAttribute(self._functions[name], _DYNAMIC_SHARED, shared),
            )
            self._shared[name] = shared
        pointers = (c_void_p * len(arguments))(
            *(ctypes.cast(byref(each), c_void_p) for each in arguments)
        )
        attribute = _Attribute(_PROGRAMMATIC)
        attribute.value[0] = 1
        config = _Config(
            *grid,
            threads,
            1,
            1,
            shared,
            torch.cuda.current_stream().cuda_stream,
            ctypes.pointer(attribute),
            1 if self._overlapped else 0,
        )
        _check(
            self._driver,
            self._driver.cuLaunchKernelEx(byref(config), self._functions[name], pointers, None),
        )

    def _function(self, lowered: str) -> c_void_p:
        found = c_void_p()
        code = self._driver.cuModuleGetFunction(byref(found), self._module, lowered.encode())
        _check(self._driver, code)
        return found


class _Attribute(ctypes.Structure):
    _fields_ = (("id", c_int), ("pad", c_int), ("value", c_int * 16))


class _Config(ctypes.Structure):
    _fields_ = (
        *((name, c_uint) for name in ("gx", "gy", "gz", "bx", "by", "bz", "shared")),
        ("stream", c_void_p),
        ("attributes", POINTER(_Attribute)),
        ("number", c_uint),
    )


def read_source() -> bytes:
    """All kernels."""
    folder = Path(__file__).with_name("cuda")
    return b"\n".join((folder / name).read_bytes() for name in FILES)


def _built(
    names: tuple[str, ...], capability: tuple[int, int], line: int
) -> tuple[bytes, dict[str, str]]:
    """Machine code and the names in it, from disk or from NVRTC."""
    source = f"#define LINE {line}\n".encode() + read_source()
    key = hashlib.sha256(
        json.dumps([source.decode(), names, capability, torch.version.cuda]).encode()
    ).hexdigest()[:32]
    folder = private_dir() / "kernels"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / f"{key}.cubin"
    try:
        head, _, binary = kept.read_bytes().partition(b"\n")
        record = json.loads(head)
        if record["sha256"] == hashlib.sha256(binary).hexdigest():
            return binary, record["names"]
    except (OSError, ValueError, KeyError):
        pass  # not there, or half written: compiled anew below
    binary, lowered = _compiled(source, names, capability)
    record = {"sha256": hashlib.sha256(binary).hexdigest(), "names": lowered}
    partial = kept.with_suffix(f".{hashlib.sha256(repr(id(kept)).encode()).hexdigest()[:8]}")
    partial.write_bytes(json.dumps(record).encode() + b"\n" + binary)
    partial.replace(kept)
    return binary, lowered


def _compiled(
    source: bytes, names: tuple[str, ...], capability: tuple[int, int]
) -> tuple[bytes, dict[str, str]]:
    nvrtc = _nvrtc()
    program = c_void_p()
    _must(nvrtc, nvrtc.nvrtcCreateProgram(byref(program), source, b"decoding.cu", 0, None, None))
    try:
        for name in names:
            _must(nvrtc, nvrtc.nvrtcAddNameExpression(program, name.encode()))
        options = [f"--gpu-architecture=sm_{capability[0]}{capability[1]}", "--std=c++17"]
        encoded = (c_char_p * len(options))(*(each.encode() for each in options))
        if nvrtc.nvrtcCompileProgram(program, len(options), encoded):
            raise CompilerMissing(_log(nvrtc, program))
        size = c_size_t()
        _must(nvrtc, nvrtc.nvrtcGetCUBINSize(program, byref(size)))
        binary = ctypes.create_string_buffer(size.value)
        _must(nvrtc, nvrtc.nvrtcGetCUBIN(program, binary))
        lowered = {}
        for name in names:
            found = c_char_p()
            _must(nvrtc, nvrtc.nvrtcGetLoweredName(program, name.encode(), byref(found)))
            lowered[name] = (found.value or b"").decode()
        return binary.raw, lowered
    finally:
        nvrtc.nvrtcDestroyProgram(byref(program))


def _log(nvrtc: Any, program: c_void_p) -> str:
    size = c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, byref(size))
    text = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, text)
    return text.value.decode(errors="replace")


def _nvrtc() -> Any:
    try:
        return torch_cuda._get_nvrtc_library()  # torch knows where its own lies
    except (OSError, AttributeError) as error:
        raise CompilerMissing(f"no NVRTC: {error}") from error


def _driver() -> Any:
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise CompilerMissing(f"no driver: {error}") from error


def _must(nvrtc: Any, code: int) -> None:
    if code:
        nvrtc.nvrtcGetErrorString.restype = c_char_p
        raise CompilerMissing(f"NVRTC: {nvrtc.nvrtcGetErrorString(code).decode()}")


def _check(driver: Any, code: int) -> None:
    if code:
        text = c_char_p()
        driver.cuGetErrorString(code, byref(text))
        raise RuntimeError(f"CUDA error: {(text.value or b'').decode()}")
