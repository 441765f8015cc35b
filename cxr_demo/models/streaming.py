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

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import BitsAndBytesConfig

from cxr_demo.errors import WeightsRefused, unreadable
from cxr_demo.models import cpu_nf4, hardware, quantising, tables
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.four_bits import Linear4bit, Params4bit
from cxr_demo.models.loading import STORAGE, Progress, damaged, refuse_gaps
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


Plan = dict[str, list[_Item]]
"""Parameter -> its stored tensors."""


@dataclass(frozen=True)
class Places:
    """Where weights end up, where those in 4 bits are quantised, and in which type the rest is."""

    device: torch.device
    through: torch.device
    dtype: torch.dtype


def read_json(card: ModelCard, path: Path) -> dict[str, Any]:
    """A settings file of a checkpoint. Raises WeightsRefused if it is not a JSON object."""
    with understood(card, path.name):
        found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise WeightsRefused(model=card.name, detail=unreadable(path.name))
    return found


@contextmanager
def understood(card: ModelCard, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is said to be the fault of the file `what`: WeightsRefused.

    transformers' checks and the tokenizers library raise bare exceptions, so that nothing
    narrower would catch them."""
    try:
        yield
    except Exception as error:
        detail = unreadable(f"{what} ({type(error).__name__})")
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
    dtype: torch.dtype | None = None,
) -> None:
    """Give `module`, built on the meta device, the weights of a published checkpoint; `dtype`, if
    given, instead of the precision's own. Leaves it in evaluation mode on `device`, on a processor
    with its 4-bit layers settled (`cpu_nf4`).

    Raises WeightsRefused with the names if a tensor is missing, unknown, wrongly shaped or there
    twice, and OutOfMemory if the device is too small."""
    with loaded_from_files(card, device):
        found = plan(module, where, card, installed)
        shared = prepare(module, card, precision, dtype)
        places = Places(device, device, dtype or STORAGE[precision].dtype)
        stream(module, found, places, progress)
        finish(module, shared, device)
    if device.type == "cpu":
        cpu_nf4.settle(module)
    progress(1.0)


@contextmanager
def loaded_from_files(card: ModelCard, device: torch.device) -> Iterator[None]:
    """What can go wrong with files and memory, in this app's words."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise hardware.out_of_memory(card, device) from None
    except SafetensorError as error:
        raise WeightsRefused(model=card.name, detail=damaged(error)) from error


Shared = list[list[tuple[nn.Module, str]]]
"""Per parameter that several modules hold: the modules, and its name in each."""


def prepare(
    module: nn.Module, card: ModelCard, precision: Precision, dtype: torch.dtype | None = None
) -> Shared:
    """Give `module`, still on the meta device, the layers that `precision` asks for. Raises
    WeightsRefused if its tables cannot be stored so."""
    storage = STORAGE[precision]
    if storage.four_bits is not None:
        _make_4bit(module, storage.four_bits)
    if storage.table != "plain":
        packed = None if storage.table == "bf16" else torch.bfloat16
        tables.install(module, card, dtype or storage.dtype, packed)
    holders: dict[int, list[tuple[nn.Module, str]]] = {}
    for owner in module.modules():
        for name, each in owner.named_parameters(recurse=False):
            holders.setdefault(id(each), []).append((owner, name))
    return [each for each in holders.values() if len(each) > 1]


def finish(module: nn.Module, shared: Shared, device: torch.device) -> None:
    """After the weights have come: what is shared is shared again, and buffers are computed."""
    for (first, name), *others in shared:
        for owner, other in others:
            setattr(owner, other, getattr(first, name))
    _compute_buffers(module, device)
    module.eval().requires_grad_(False)


def plan(module: nn.Module, where: Where, card: ModelCard, installed: Installed) -> Plan:
    """The stored tensors of every parameter, in the order of the shards; `module` as it was built.

    Raises WeightsRefused with the names, see `fill`."""
    parameters = dict(module.named_parameters())
    found: Plan = {}
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
        items = found.setdefault(place.name, [])
        if any(_overlap(each.place, place) for each in items):
            twice.append(stored)
        items.append(_Item(shard, stored, place, torch.Size(shape).numel()))
    missing = [name for name in parameters if not _complete(found.get(name, []))]
    refuse_gaps(
        card, {"missing": missing, "unknown": unknown, "wrong shape": misshapen, "twice": twice}
    )
    return found


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


def stream(module: nn.Module, wanted: Plan, places: Places, progress: Progress) -> None:
    """Bring the parameters that `wanted` names, which may be some of a plan's, and no others."""
    total = sum(each.size for items in wanted.values() for each in items)
    done = 0
    for shard in dict.fromkeys(each.shard for items in wanted.values() for each in items):
        here = [each for items in wanted.values() for each in items if each.shard == shard]
        with safe_open(shard, framework="pt") as opened:
            for item in here:
                progress(done / total)
                _bring(module, item, opened, places)
                done += item.size


def _bring(module: nn.Module, item: _Item, opened: Any, places: Places) -> None:
    owner_name, _, name = item.place.name.rpartition(".")
    owner = module.get_submodule(owner_name)
    before = getattr(owner, name)
    dtype = places.dtype
    if isinstance(owner, tables.TableLookUp | tables.TableHead) and name == "weight":
        if isinstance(before, Params4bit):
            parts, shape = _rows(opened.get_slice(item.stored)), (before.shape[0], before.shape[1])
            made: Any = quantising.quantised(parts, shape, before.quant_storage, places.through)
            setattr(owner, name, made.to(places.device))
            return
        dtype = torch.bfloat16  # the table's own; it is widened when it is read
    # Values in 4 bits are made from bfloat16, also where they are computed in float32.
    quantised = isinstance(before, Params4bit)
    source, through = (torch.bfloat16, places.through) if quantised else (dtype, places.device)
    # A copy, so that no weight is a view of a file that somebody may replace.
    tensor = opened.get_tensor(item.stored).to(through, source, copy=True)
    place(owner, name, item.place.third, tensor, dtype)
    if places.through != places.device and quantised:
        setattr(owner, name, getattr(owner, name).to(places.device))


def _rows(stored: Any) -> Iterator[Tensor]:
    count = stored.get_shape()[0]
    for first in range(0, count, tables.SLICE):
        yield stored[first : first + tables.SLICE].to(torch.bfloat16)


def place(
    owner: nn.Module, name: str, third: int | None, tensor: Tensor, dtype: torch.dtype
) -> None:
    """Make `tensor` the parameter `name` of `owner` (or that `third` of it), on the device where it
    lies, quantised if the parameter is a 4-bit one; `dtype` is what the model computes in."""
    before = getattr(owner, name)
    if isinstance(before, Params4bit):
        setattr(owner, name, quantising.packed(before, tensor, dtype))
    elif third is None:
        setattr(owner, name, nn.Parameter(tensor, requires_grad=False))
    else:
        if before.is_meta:
            whole = torch.zeros(before.shape, dtype=tensor.dtype, device=tensor.device)
            before = nn.Parameter(whole, requires_grad=False)
            setattr(owner, name, before)
        before.data.chunk(3)[third].copy_(tensor)


def _compute_buffers(module: nn.Module, device: torch.device) -> None:
    """Buffers that checkpoints do not hold (rotary frequencies, position ids), which the meta
    device left empty: each owner is built again, small as it is, from its own configuration."""
    for owner in module.modules():
        empty = [name for name, each in owner.named_buffers(recurse=False) if each.is_meta]
        if "embed_scale" in empty:  # Gemma's look-up: its table is what makes it large
            scale = torch.tensor(tables.scale_of(owner), device=device)
            owner.register_buffer("embed_scale", scale, persistent=False)
            empty.remove("embed_scale")
        if empty:
            fresh = type(owner)(owner.config)
            for name in empty:
                setattr(owner, name, getattr(fresh, name).to(device))
