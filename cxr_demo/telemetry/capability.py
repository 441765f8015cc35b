"""Which precision a GPU can compute, told from its compute capability alone. No torch.

`torch.cuda.is_bf16_supported()` is not asked: it also counts cards that only emulate bfloat16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pynvml

from cxr_demo.errors import both
from cxr_demo.records import Precision
from cxr_demo.telemetry import nvml

Capability = tuple[int, int]

BFLOAT16: Capability = (8, 0)
"""First NVIDIA generation with bfloat16 arithmetic (Ampere): RTX 30, A100 and later."""
FOUR_BITS: Capability = (6, 0)
"""First generation that bitsandbytes' 4-bit kernels support (its installation guide)."""

LEAST: dict[Precision, Capability] = {
    Precision.BF16: BFLOAT16,
    Precision.NF4: BFLOAT16,
    Precision.NF4_EMB: BFLOAT16,
    Precision.NF4_FP32: FOUR_BITS,
    Precision.BNB4_DEFAULT: BFLOAT16,  # its products are fp32, what lies between them is bfloat16
}
"""The least compute capability of each precision."""

_EN = (
    "{precision} computes in bfloat16, which this GPU (compute capability {found}) does not have: "
    "{least} or newer is needed (RTX 30, A100 and later)."
)
_PT = (
    "{precision} calcula em bfloat16, que esta GPU (compute capability {found}) não tem: é preciso "
    "{least} ou mais nova (RTX 30, A100 e posteriores)."
)
_OLD_EN = "This GPU (compute capability {found}) is too old for 4 bits: {least} or newer is needed."
_OLD_PT = "Esta GPU (compute capability {found}) é antiga demais para 4 bits: é preciso {least}."


@dataclass(frozen=True)
class Barred:
    """Why a GPU of capability `found` cannot compute `precision`, which needs `least`."""

    precision: Precision
    found: Capability
    least: Capability

    @property
    def detail(self) -> dict[str, str]:
        """The same inside an error's sentence, in both languages."""
        return both(self.message("en").rstrip("."), self.message("pt").rstrip("."))

    def message(self, language: str = "en") -> str:
        """One sentence in `language` ("pt" or "en")."""
        sentences = (_EN, _PT) if self.least == BFLOAT16 else (_OLD_EN, _OLD_PT)
        return sentences[language == "pt"].format(
            precision=self.precision.upper(), found=dotted(self.found), least=dotted(self.least)
        )


def barred(precision: Precision, capability: Sequence[int] | None) -> Barred | None:
    """Why a GPU of this compute capability, e.g. (7, 5), cannot compute `precision`; None if it
    can, if there is no GPU, or if nobody knows its capability."""
    least = LEAST[precision]
    if capability is None or tuple(capability) >= least:
        return None
    return Barred(precision, (capability[0], capability[1]), least)


def of(index: int | None) -> Capability | None:
    """Compute capability of the GPU with NVML's `index`; None without a GPU or an answer."""
    found = nvml.handles() if index is not None else []
    if index is None or index >= len(found):
        return None
    told = nvml.ask(pynvml.nvmlDeviceGetCudaComputeCapability, found[index])
    return None if told is None else (int(told[0]), int(told[1]))


def first_visible() -> Capability | None:
    """Compute capability of the GPU that the worker uses, as NVML tells it."""
    return of(nvml.first_visible())


def first_fit(offered: Sequence[Precision], capability: Sequence[int] | None) -> Precision:
    """The first of `offered` that this GPU can compute; the first of all if it can compute none,
    so that loading it says why."""
    return next((each for each in offered if barred(each, capability) is None), offered[0])


def dotted(capability: Capability) -> str:
    """As NVIDIA writes it, "7.5"."""
    return f"{capability[0]}.{capability[1]}"
