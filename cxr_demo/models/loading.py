"""How each precision stores and computes; and loading through transformers' own `from_pretrained`,
which is the reference for the loader of ours (`streaming`) and is used for BNB4_DEFAULT.

Offline, safetensors only, every tensor accounted for, with progress. No code that comes with
weights runs, and none is fetched.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import BitsAndBytesConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from cxr_demo.errors import WeightsRefused, both
from cxr_demo.models import cpu_nf4, hardware
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.four_bits import Params4bit
from cxr_demo.records import Precision
from cxr_demo.weights import Installed

Progress = Callable[[float], None]
_LISTED = 6


@dataclass(frozen=True)
class Storage:
    """How a precision stores and computes.

    `four_bits`: bitsandbytes' settings of the linear layers, None if they stay in `dtype`. `dtype`:
    type of activations and of all that is not quantised. `table`: how the vocabulary's tables are
    stored: "plain" in `dtype`, "4bit", or "bf16" whatever `dtype` is."""

    four_bits: BitsAndBytesConfig | None = None
    dtype: torch.dtype = torch.bfloat16
    table: str = "plain"


_NF4: dict[str, Any] = {
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
}
_NF4_BF16 = BitsAndBytesConfig(
    **_NF4, bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_quant_storage=torch.bfloat16
)

# NF4_FP32: float16 would be native on those cards, but Gemma's activations overflow it, so all
# activations are float32. Widening bfloat16 is exact, so norms, biases and the vision tower's
# convolution (a few MB) are stored as float32; the tables, a third of MedGemma, stay bfloat16 and
# are widened by rows or slices when they are read.
STORAGE: dict[Precision, Storage] = {
    Precision.BF16: Storage(),
    Precision.NF4: Storage(_NF4_BF16),
    Precision.NF4_EMB: Storage(_NF4_BF16, table="4bit"),
    Precision.NF4_FP32: Storage(
        BitsAndBytesConfig(**_NF4, bnb_4bit_compute_dtype=torch.float32), torch.float32, "bf16"
    ),
    Precision.BNB4_DEFAULT: Storage(BitsAndBytesConfig(load_in_4bit=True)),
}
"""Which layers are left as they are is transformers' own rule: output heads, and nothing else in
the families here."""


def load_native(
    kind: type[PreTrainedModel],
    card: ModelCard,
    installed: Installed,
    precision: Precision,
    device: torch.device,
    progress: Progress,
) -> Any:
    """A native transformers model on `device` as the library itself loads it, in evaluation mode:
    BF16, NF4 or BNB4_DEFAULT.

    Raises WeightsRefused with the names if a tensor is missing, unknown or wrongly shaped, and
    OutOfMemory if the device is too small."""
    try:
        with _reported(progress):
            loaded: Any = kind.from_pretrained(
                installed.folder,
                dtype=torch.bfloat16,
                device_map={"": device},
                quantization_config=STORAGE[precision].four_bits,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # so that they are listed, and refused below
                output_loading_info=True,
            )
    except torch.OutOfMemoryError:
        raise hardware.out_of_memory(card, device) from None
    except SafetensorError as error:
        raise WeightsRefused(model=card.name, detail=damaged(error)) from error
    model, info = loaded
    gaps = {
        "missing": info["missing_keys"],
        "unknown": info["unexpected_keys"],
        "wrong shape": [each[0] for each in info["mismatched_keys"]],
    }
    refuse_gaps(card, gaps)
    if device.type == "cpu":
        cpu_nf4.settle(model)
    progress(1.0)
    return model.eval()


def quantized_modules(model: torch.nn.Module) -> list[str]:
    """Names of the layers that hold 4-bit weights, tables among them, sorted."""

    def quantised(layer: torch.nn.Module) -> bool:
        return isinstance(layer, cpu_nf4.UnpackedLinear4bit) or isinstance(
            getattr(layer, "weight", None), Params4bit
        )

    return sorted(name for name, each in model.named_modules() if quantised(each))


def damaged(error: SafetensorError) -> dict[str, str]:
    """That a file of tensors is not whole, as an error's parameter."""
    return both(
        f"a safetensors file is cut off or damaged ({error})",
        f"um arquivo safetensors está cortado ou danificado ({error})",
    )


def refuse_gaps(card: ModelCard, gaps: dict[str, Iterable[str]]) -> None:
    """Raise WeightsRefused with the names if any of `gaps` (what is wrong: tensors) has one."""
    found = [(word, _listed(sorted(names))) for word, names in gaps.items()]
    wrong = [(word, names) for word, names in found if names]
    if wrong:
        en = "; ".join(f"{word}: {names}" for word, names in wrong)
        pt = "; ".join(f"{_GAPS_PT[word]}: {names}" for word, names in wrong)
        raise WeightsRefused(model=card.name, detail=both(en, pt))


_GAPS_PT = {
    "missing": "faltam",
    "unknown": "desconhecidos",
    "wrong shape": "forma errada",
    "wrong": "errados",
    "twice": "repetidos",
}


def _listed(names: list[str]) -> str:
    more = f" (+{len(names) - _LISTED})" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


@contextmanager
def _reported(progress: Progress) -> Iterator[None]:
    """Turn the library's own progress bar into calls of `progress`; nothing is printed."""

    def hook(factory: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        items = arguments[0] if arguments else keywords.get("iterable", ())
        return _Bar(items, progress)

    before = transformers_logging.set_tqdm_hook(hook)
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # its load report; the gaps are refused above
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.set_tqdm_hook(before)


class _Bar:
    """What transformers expects of a progress bar, and no more."""

    def __init__(self, items: Any, progress: Progress) -> None:
        self._items = items
        self._progress = progress

    def __iter__(self) -> Iterator[Any]:
        total = len(self._items)
        for index, item in enumerate(self._items):
            self._progress(index / total)
            yield item

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **keywords: None
