"""The model on the device. torch is imported with the first load, not before: the worker answers
"starting" long before that. Used by the worker's main thread only.
"""

import gc
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from cxr_demo import calibration, models
from cxr_demo.errors import CxrError, ModelError, OutOfMemory, WorkerDied, both
from cxr_demo.evaluation.answers import Answers
from cxr_demo.fit import NoGpu
from cxr_demo.models import proofs
from cxr_demo.models.faults import ImageNotUsed
from cxr_demo.paths import private_dir
from cxr_demo.records import (
    ImageUse,
    Memory,
    Notice,
    PipelineKind,
    Precision,
    Probabilities,
    Provenance,
    Radiograph,
    Reading,
    ReadingEvent,
    StopReason,
)
from cxr_demo.telemetry import capability, nvml
from cxr_demo.units import MIB
from cxr_demo.worker import spill
from cxr_demo.worker.answers import note
from cxr_demo.worker.lease import Lease, device_lease
from cxr_demo.worker.messages import SeenImage
from cxr_demo.worker.second_labeler import SecondLabeler

if TYPE_CHECKING:
    from cxr_demo.models import Model
    from cxr_demo.models.probabilities import Asked

_log = logging.getLogger(__name__)
_FIRST_MODEL = "embedded"
_CONTEXT = 600 * MIB  # what CUDA and its libraries take for themselves
_FATAL = ("CUDA error", "device-side assert", "CUBLAS_STATUS", "cuDNN error", "CUDA driver error")


class DeviceFault(Exception):
    """The CUDA context is broken: only a new process helps. `told` is what the user hears."""

    def __init__(self, told: CxrError) -> None:
        super().__init__(told.code)
        self.told = told


class Engine:
    """One model, on the GPU if torch can use one, else on the CPU; and at most one more that was
    put aside for a while, on the device too.

    `gpu` is NVML's index of the GPU that torch calls `cuda:0`, or None.
    """

    def __init__(self, gpu: int | None) -> None:
        self._gpu = gpu
        self._lease: Lease | None = None
        self._model: Model | None = None
        self._aside: Model | None = None
        self._second = SecondLabeler()
        self.device: str | None = None
        self.place = "cpu"

    @property
    def loaded(self) -> tuple[str, Precision] | None:
        """Which model is on the device."""
        return None if self._model is None else _name(self._model)

    def load(self, model: str, precision: Precision, progress: Callable[[float], None]) -> "Model":
        """Bring `model` to the device, unless it is there; what was there leaves first. Takes the
        device's lease for the rest of this process's life. Raises LeaseHeld and what
        `models.load` raises."""
        if self._model is not None and self.loaded == (model, precision):
            return self._model
        card = models.card(model)
        self._drop()
        device = self.place = self._open_device()
        self._model = models.load(card, precision, device, progress)
        self.device = self._model.device
        return self._model

    @property
    def crowded(self) -> bool:
        """Whether a model was put aside."""
        return self._aside is not None

    def put_aside(self) -> None:
        """Keep the loaded model on the device, and make the place free for one beside it."""
        self._aside, self._model = self._model, None

    def bring_back(self) -> bool:
        """The model that was put aside has its place again, and the one beside it leaves; false if
        none was."""
        if self._aside is None:
            return False
        self._drop()
        self._model, self._aside = self._aside, None
        return True

    def hold(self) -> None:
        """Take the device's lease without a model, for a process that this one starts."""
        self.place = self._open_device()

    def see(
        self, radiograph: Radiograph, kind: PipelineKind, prompt: str | None = None
    ) -> SeenImage:
        """What the loaded model is given for `radiograph`. Raises PhantomsOnly, UnknownPrompt."""
        from cxr_demo import pipelines

        given = pipelines.model_input(self._present(), radiograph, kind, prompt)
        asked = self._present().card.prompt(kind, prompt)
        return SeenImage(given.seen.pixels, given.seen.preprocessing, asked, given.text)

    def read(
        self,
        radiograph: Radiograph,
        kind: PipelineKind,
        should_stop: Callable[[], bool],
        submitted: float,
        prompt: str | None = None,
    ) -> Iterator[ReadingEvent]:
        """The events of one reading by the loaded model; times count from `submitted`."""
        from cxr_demo import pipelines

        return pipelines.read(self._present(), radiograph, kind, should_stop, submitted, prompt)

    def complete(self, reading: Reading, radiograph: Radiograph) -> Reading:
        """`reading` with what comes after its text: CheXbert's labels where the user has it,
        probabilities where there is a calibration, and what is known of the model's use of the
        image. Never fails: what cannot be had becomes a notice."""
        proven = self._with_image_use(self._second.add_to(reading))
        return self._with_probabilities(proven, radiograph)

    def ask(self, radiograph: Radiograph) -> Answers:
        """The loaded model's raw answers to 14 yes/no questions. Raises PhantomsOnly."""
        from cxr_demo import pipelines
        from cxr_demo.models import probabilities

        pipelines.admit(self._present(), radiograph)
        began = time.monotonic()
        asked = probabilities.ask(self._inner(), self._present().see(radiograph))
        return Answers(
            question_id=asked.question.id,
            question=asked.question.text,
            tokens=asdict(asked.tokens),
            yes=asked.yes,
            mass=asked.mass,
            seconds=time.monotonic() - began,
        )

    def prove(self) -> ImageUse:
        """Measure whether the loaded model uses its image, and store the result here."""
        from cxr_demo.models import selftest

        model = self._present()
        found = asdict(selftest.run(self._inner()))
        record = ImageUse(
            model=model.card.id,
            precision=model.precision,
            passed=selftest.SelfTest(**found).passed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            **{name: found[name] for name in ("movement", "floor", "blank", "flipped", "steps")},
        )
        proofs.keep(record, model.weights_sha256, model.engine)
        return record

    def require_image_use(self) -> None:
        """`prove`, or what is known of it here. Raises ImageNotUsed if another image changes
        nothing."""
        result = self._known_use() or self.prove()
        if not result.passed:
            raise image_not_used(result)

    def prove_at_first(self) -> None:
        """`prove`, unless it is known here, or the model is the embedded one (which the tests of
        this program prove). Only logs what goes wrong: the model can read all the same."""
        if self._present().card.phantoms_only:
            return
        try:
            if self._known_use() is None:
                self.prove()
        except Exception as error:  # noqa: BLE001 - two images at once may not fit where one does
            note(error)
            let_go(error)

    def only_gpu(self) -> str:
        """torch's name of the GPU, whose lease this takes. Raises NoGpu or LeaseHeld."""
        device = self._open_device()
        if device == "cpu":
            raise NoGpu()
        return device

    def unload(self) -> None:
        """Free the device's memory. Safe to call after any error."""
        if self._aside is not None:
            self._aside.close()
            self._aside = None
        self._drop()

    def _drop(self) -> None:
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
            let_go(error)
            try:
                self.unload()
            except RuntimeError:  # CUDA could not even begin: a context that failed stays so
                raise DeviceFault(told) from error
        return told

    @staticmethod
    def is_full(error: BaseException) -> bool:
        """Whether `error` is a lack of memory: ours, torch's allocator's, or CUDA's own words."""
        return isinstance(error, OutOfMemory | MemoryError) or "out of memory" in str(error)

    def _words_for(self, error: BaseException, model: str) -> CxrError:
        full = OutOfMemory(model=model, free=self._free())
        if self.is_full(error):
            return full
        if isinstance(error, ImportError) and error.name:
            return ModelError(
                model=model,
                detail=both(f"{error.name} is not installed", f"{error.name} não está instalado"),
            )
        if type(error).__name__ == "AcceleratorError" or any(sign in str(error) for sign in _FATAL):
            # A library that gets no memory for itself says that it failed, not why.
            raise DeviceFault(full if self._nearly_full() else WorkerDied()) from error
        return ModelError(model=model, detail=type(error).__name__)

    def _present(self) -> "Model":
        if self._model is None:
            raise RuntimeError("no model is loaded")
        return self._model

    def _inner(self) -> "Asked":
        return cast("Asked", self._present())

    def _known_use(self) -> ImageUse | None:
        model = self._present()
        return proofs.find(model.card.id, model.precision, model.weights_sha256, model.engine)

    def _with_image_use(self, reading: Reading) -> Reading:
        made = reading.provenance
        if made.weights_sha256 is None:
            return reading
        known = proofs.find(made.model, made.precision, made.weights_sha256, made.engine)
        warned = (Notice(ImageNotUsed.code, image_not_used(known).params),) if known else ()
        return replace(
            reading,
            provenance=replace(made, image_use=known),
            notices=(*reading.notices, *(() if known is None or known.passed else warned)),
        )

    def _with_probabilities(self, reading: Reading, radiograph: Radiograph) -> Reading:
        made = reading.provenance
        if made.weights_sha256 is None or reading.stop is StopReason.STOPPED:
            return reading
        try:
            found = self._calibration(made)
            if found is None:
                return reading
            asked = self.ask(radiograph)
        except Exception as error:  # noqa: BLE001 - the report is whole without them
            note(error)
            let_go(error)
            told = error if isinstance(error, CxrError) else _failed(made.model, error)
            notice = Notice("probabilities_failed", {"error": told.to_dict()})
            return replace(reading, notices=(*reading.notices, notice))
        day = found.created[:10]
        values = found.apply(asked.yes)
        return replace(
            reading,
            probabilities=Probabilities(
                values, asked.question_id, found.images, found.synthetic, day
            ),
            timings=replace(reading.timings, asking=asked.seconds),
        )

    def _calibration(self, made: Provenance) -> calibration.Calibration | None:
        from cxr_demo.models.probabilities import QUESTIONS

        question = QUESTIONS.get(str(self._present().card.family))
        if question is None or made.weights_sha256 is None:
            return None
        return calibration.find(
            calibration.Key(
                made.model, made.weights_sha256, made.precision, question.id, question.text
            )
        )

    def _open_device(self) -> str:
        import torch

        usable = self._gpu is not None and torch.cuda.is_available()
        self._take_lease(usable)
        device = "cuda:0" if usable else "cpu"
        spill.keep_within_free(device)
        return device

    def _take_lease(self, usable: bool) -> None:
        if self._lease is None:
            self._lease = device_lease(self._gpu if usable else None).acquire()

    def _free(self) -> int | None:
        """Bytes, from NVML: CUDA itself may not answer any more."""
        if self._gpu is None:
            return None
        return nvml.memory_free(nvml.handles()[self._gpu])

    def _nearly_full(self) -> bool:
        free = self._free()
        return free is not None and free < _CONTEXT


def image_not_used(result: ImageUse) -> ImageNotUsed:
    """The error that says what was measured."""
    return ImageNotUsed(
        model=models.card(result.model).name,
        movement=f"{result.movement:.2g}",
        floor=f"{result.floor:.2g}",
    )


def _failed(model: str, error: BaseException) -> ModelError:
    return ModelError(model=model, detail=type(error).__name__)


def _name(model: "Model") -> tuple[str, Precision]:
    return model.card.id, model.precision


def let_go(error: BaseException | None) -> None:
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
    """The model that was used last, or the embedded one as this GPU can compute it."""
    try:
        noted = json.loads((private_dir() / "last_model.json").read_text())
        return models.card(noted["model"]).id, Precision(noted["precision"])
    except (OSError, ValueError, KeyError, TypeError, CxrError):
        offered = models.card(_FIRST_MODEL).precisions
        return _FIRST_MODEL, capability.first_fit(offered, capability.first_visible())
