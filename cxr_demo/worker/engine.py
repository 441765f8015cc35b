"""The model on the device. torch is imported with the first load, not before: the worker answers
"starting" long before that. Used by the worker's main thread only.
"""

import gc
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxr_demo import models
from cxr_demo.errors import CxrError, ModelError, OutOfMemory, WorkerDied
from cxr_demo.paths import private_dir
from cxr_demo.records import Memory, PipelineKind, Precision, Radiograph, ReadingEvent
from cxr_demo.telemetry import nvml
from cxr_demo.units import MIB, format_bytes
from cxr_demo.worker.lease import Lease, device_lease
from cxr_demo.worker.messages import SeenImage

if TYPE_CHECKING:
    from cxr_demo.models import Model

_log = logging.getLogger(__name__)
_FIRST_MODEL = ("embedded", Precision.BF16)
_CONTEXT = 600 * MIB  # what CUDA and its libraries take for themselves
_FATAL = ("CUDA error", "device-side assert", "CUBLAS_STATUS", "cuDNN error", "CUDA driver error")


class DeviceFault(Exception):
    """The CUDA context is broken: only a new process helps. `told` is what the user hears."""

    def __init__(self, told: CxrError) -> None:
        super().__init__(told.code)
        self.told = told


class Engine:
    """At most one model, on the GPU if torch can use one, else on the CPU.

    `gpu` is NVML's index of the GPU that torch calls `cuda:0`, or None.
    """

    def __init__(self, gpu: int | None) -> None:
        self._gpu = gpu
        self._lease: Lease | None = None
        self._model: Model | None = None
        self.device: str | None = None

    @property
    def loaded(self) -> tuple[str, Precision] | None:
        """Which model is on the device."""
        return None if self._model is None else (self._model.card.id, self._model.precision)

    def load(self, model: str, precision: Precision, progress: Callable[[float], None]) -> "Model":
        """Bring `model` to the device, unless it is there; what was there leaves first. Takes the
        device's lease for the rest of this process's life. Raises LeaseHeld and what
        `models.load` raises."""
        if self._model is not None and self.loaded == (model, precision):
            return self._model
        card = models.card(model)
        self.unload()
        device = self._open_device()
        self._model = models.load(card, precision, device, progress)
        self.device = self._model.device
        return self._model

    def see(self, radiograph: Radiograph, kind: PipelineKind) -> SeenImage:
        """What the loaded model is given for `radiograph`. Raises PhantomsOnly."""
        from cxr_demo import pipelines

        given = pipelines.model_input(self._present(), radiograph, kind)
        prompt = self._present().card.prompts[kind]
        return SeenImage(given.seen.pixels, given.seen.preprocessing, prompt, given.text)

    def read(
        self,
        radiograph: Radiograph,
        kind: PipelineKind,
        should_stop: Callable[[], bool],
        submitted: float,
    ) -> Iterator[ReadingEvent]:
        """The events of one reading by the loaded model; times count from `submitted`."""
        from cxr_demo import pipelines

        return pipelines.read(self._present(), radiograph, kind, should_stop, submitted)

    def unload(self) -> None:
        """Free the device's memory. Safe to call after any error."""
        if self._model is not None:
            self._model.close()
            self._model = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def translate(self, error: BaseException, model: str) -> CxrError:
        """`error` as something a user can read; after an out-of-memory the device is emptied.
        Raises DeviceFault for a broken CUDA context."""
        told = error if isinstance(error, CxrError) else self._words_for(error, model)
        if told.code == OutOfMemory.code:
            _let_go(error)
            try:
                self.unload()
            except RuntimeError:  # CUDA could not even begin: a context that failed stays so
                raise DeviceFault(told) from error
        return told

    def _words_for(self, error: BaseException, model: str) -> CxrError:
        full = OutOfMemory(model=model, free=format_bytes(self._free()))
        # torch's own class when its allocator runs dry, plain text when CUDA itself does.
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            return full
        if isinstance(error, ImportError) and error.name:
            return ModelError(model=model, detail=f"{error.name} is not installed")
        if type(error).__name__ == "AcceleratorError" or any(sign in str(error) for sign in _FATAL):
            # A library that gets no memory for itself says that it failed, not why.
            raise DeviceFault(full if self._nearly_full() else WorkerDied()) from error
        return ModelError(model=model, detail=type(error).__name__)

    def _present(self) -> "Model":
        if self._model is None:
            raise RuntimeError("no model is loaded")
        return self._model

    def _open_device(self) -> str:
        import torch

        usable = self._gpu is not None and torch.cuda.is_available()
        if self._lease is None:
            self._lease = device_lease(self._gpu if usable else None).acquire()
        return "cuda:0" if usable else "cpu"

    def _free(self) -> int | None:
        """Bytes, from NVML: CUDA itself may not answer any more."""
        if self._gpu is None:
            return None
        return nvml.memory_free(nvml.handles()[self._gpu])

    def _nearly_full(self) -> bool:
        free = self._free()
        return free is not None and free < _CONTEXT


def _let_go(error: BaseException | None) -> None:
    """The frames of an error and of its causes keep tensors alive."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def merge(ours: Memory, torchs: Memory) -> Memory:
    """NVML's and the system's peaks, with torch's two beside them."""
    return replace(
        ours,
        vram_allocated_peak=torchs.vram_allocated_peak,
        vram_reserved_peak=torchs.vram_reserved_peak,
    )


def remember(model: str, precision: Precision) -> None:
    """Note which model was used last; the next start brings it to the device."""
    path = private_dir() / "last_model.json"
    path.write_text(json.dumps({"model": model, "precision": str(precision)}))


def recall() -> tuple[str, Precision]:
    """The model that was used last, or the embedded one."""
    try:
        noted = json.loads((private_dir() / "last_model.json").read_text())
        return models.card(noted["model"]).id, Precision(noted["precision"])
    except (OSError, ValueError, KeyError, TypeError, CxrError):
        return _FIRST_MODEL
