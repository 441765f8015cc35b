"""Published checkpoints into modules of our own, shard by shard: every name mapped or refused.

    names and shapes of all shards -> plan, or refusal with the list -> one tensor after the other,
    straight to the device in bf16 or NF4

Nothing is read before the plan stands, and never is more than one tensor held twice.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxr_demo.models.loading import Progress, quantization, refuse_gaps  # isort: skip  (first)

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import BitsAndBytesConfig

from cxr_demo.errors import WeightsRefused
from cxr_demo.models import cpu_nf4, hardware
from cxr_demo.models.cards import ModelCard
from cxr_demo.records import Precision
from cxr_demo.weights import Installed


@dataclass(frozen=True)
class Place:
    """Where a stored tensor goes: into parameter `name`, or into that `third` (0, 1, 2) of its
    rows; a parameter of which only the outer thirds are stored has zeros in the middle."""

    name: str
    third: int | None = None


Where = Callable[[str], Place | None]
"""Place of a stored name; None for one that is known and not needed."""


@dataclass(frozen=True)
class _Item:
    """One stored tensor and its place."""

    shard: Path
    stored: str
    place: Place
    size: int


def read_json(card: ModelCard, path: Path) -> dict[str, Any]:
    """A settings file of a checkpoint. Raises WeightsRefused if it is not a JSON object."""
    with understood(card, path.name):
        found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise WeightsRefused(model=card.name, detail=f"{path.name} is not an object")
    return found


@contextmanager
def understood(card: ModelCard, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is said to be the fault of the file `what`: WeightsRefused.

    transformers' checks and the tokenizers library raise bare exceptions, so that nothing
    narrower would catch them."""
    try:
        yield
    except Exception as error:
        detail = f"{what} cannot be read ({type(error).__name__})"
        raise WeightsRefused(model=card.name, detail=detail) from error


def taken(published: Mapping[str, Any], found: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of `published`, each with the value that `found` gives it, if it does."""
    return {name: (found or {}).get(name, value) for name, value in published.items()}


def fill(
    module: nn.Module,
    where: Where,
    card: ModelCard,
    installed: Installed,
    precision: Precision,
    device: torch.device,
    progress: Progress,
    dtype: torch.dtype = torch.bfloat16,
) -> None:
    """Fill `module`, built on the meta device, and leave it on `device` in evaluation mode.

    In 4 bits every linear layer is quantised but the output heads (`lm_head`); the rest is kept in
    `dtype`. Raises WeightsRefused with the names if a stored tensor is unknown, twice there or
    wrongly shaped or if a parameter has none, and OutOfMemory if the device is too small."""
    try:
        plan = _plan(module, where, card, installed)
        settings = quantization(precision)
        if settings is not None:
            _make_4bit(module, settings)
        _stream(module, plan, device, dtype, progress)
    except torch.OutOfMemoryError:
        raise hardware.out_of_memory(card, device) from None
    except SafetensorError as error:
        raise WeightsRefused(model=card.name, detail=f"safetensors: {error}") from error
    _compute_buffers(module, device)
    module.eval().requires_grad_(False)
    if settings is not None and device.type == "cpu":
        cpu_nf4.settle(module)
    progress(1.0)


def _plan(
    module: nn.Module, where: Where, card: ModelCard, installed: Installed
) -> dict[str, list[_Item]]:
    """The stored tensors of every parameter, in the order of the shards."""
    parameters = dict(module.named_parameters())
    plan: dict[str, list[_Item]] = {}
    unknown, misshapen, twice = [], [], []
    for shard, stored, shape in _headers(installed):
        place = where(stored)
        if place is None:
            continue
        if place.name not in parameters:
            unknown.append(stored)
            continue
        if shape != _expected(parameters[place.name], place):
            misshapen.append(stored)
        items = plan.setdefault(place.name, [])
        if any(_overlap(each.place, place) for each in items):
            twice.append(stored)
        items.append(_Item(shard, stored, place, torch.Size(shape).numel()))
    missing = [name for name in parameters if not _complete(plan.get(name, []))]
    refuse_gaps(
        card, {"missing": missing, "unknown": unknown, "wrong shape": misshapen, "twice": twice}
    )
    return plan


def _headers(installed: Installed) -> Iterator[tuple[Path, str, tuple[int, ...]]]:
    for shard in installed.shards:
        with safe_open(shard, framework="pt") as opened:
            for stored in opened.keys():  # noqa: SIM118  (not a mapping)
                yield shard, stored, tuple(opened.get_slice(stored).get_shape())


def _expected(parameter: Tensor, place: Place) -> tuple[int, ...]:
    shape = tuple(parameter.shape)
    return shape if place.third is None else (shape[0] // 3, *shape[1:])


def _overlap(one: Place, other: Place) -> bool:
    return one.third is None or other.third is None or one.third == other.third


def _complete(items: list[_Item]) -> bool:
    thirds = {each.place.third for each in items}
    return None in thirds or {0, 2} <= thirds


def _make_4bit(module: nn.Module, settings: BitsAndBytesConfig) -> None:
    """Put 4-bit layers, still on the meta device, in the place of linear ones."""
    for name, layer in list(module.named_modules()):
        if type(layer) is not nn.Linear or name.endswith("lm_head"):
            continue
        packed = Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=settings.bnb_4bit_compute_dtype,
            compress_statistics=settings.bnb_4bit_use_double_quant,
            quant_type=settings.bnb_4bit_quant_type,
            quant_storage=settings.bnb_4bit_quant_storage,
            device="meta",
        )
        module.set_submodule(name, packed)


def _stream(
    module: nn.Module,
    plan: Mapping[str, list[_Item]],
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress,
) -> None:
    total = sum(each.size for items in plan.values() for each in items)
    done = 0
    for shard in dict.fromkeys(each.shard for items in plan.values() for each in items):
        with safe_open(shard, framework="pt") as opened:
            for item in (each for items in plan.values() for each in items if each.shard == shard):
                progress(done / total)
                # A copy, so that no weight is a view of a file that somebody may replace.
                tensor = opened.get_tensor(item.stored).to(device, dtype, copy=True)
                _place(module, item.place, tensor)
                done += item.size


def _place(module: nn.Module, place: Place, tensor: Tensor) -> None:
    owner_name, _, name = place.name.rpartition(".")
    owner = module.get_submodule(owner_name)
    before = getattr(owner, name)
    if isinstance(before, Params4bit):
        packed: Any = Params4bit(tensor, **before.__dict__)
        setattr(owner, name, packed.to(tensor.device))  # moving is what quantises
    elif place.third is None:
        setattr(owner, name, nn.Parameter(tensor, requires_grad=False))
    else:
        if before.is_meta:
            whole = torch.zeros(before.shape, dtype=tensor.dtype, device=tensor.device)
            before = nn.Parameter(whole, requires_grad=False)
            setattr(owner, name, before)
        before.data.chunk(3)[place.third].copy_(tensor)


def _compute_buffers(module: nn.Module, device: torch.device) -> None:
    """Buffers that checkpoints do not hold (rotary frequencies, position ids), which the meta
    device left empty: each owner is built again, small as it is, from its own configuration."""
    for owner in module.modules():
        empty = [name for name, each in owner.named_buffers(recurse=False) if each.is_meta]
        if empty:
            fresh = type(owner)(owner.config)
            for name in empty:
                setattr(owner, name, getattr(fresh, name).to(device))
