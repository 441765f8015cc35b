"""A model's parameters as they are in memory, 4 bits and all, to safetensors files and back.

A plain parameter is stored under its own name. A 4-bit one is stored in bitsandbytes' own way: its
bytes under the name, and beside them `.absmax`, `.quant_map` and so on. Nothing is computed on the
way back, so what comes is bit for bit what went.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from cxr_demo.errors import WeightsRefused, both
from cxr_demo.models import cpu_nf4, quantising, tables
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.four_bits import Params4bit
from cxr_demo.models.loading import STORAGE, Progress, refuse_gaps
from cxr_demo.models.streaming import finish, loaded_from_files, prepare
from cxr_demo.records import Precision
from cxr_demo.weights import Installed

_BESIDE = (
    ".absmax",
    ".quant_map",
    ".nested_absmax",
    ".nested_quant_map",
    ".quant_state.bitsandbytes__nf4",
)
Group = dict[str, Tensor]
"""One parameter: names and tensors as they are stored, all of them in one file."""


def group(name: str, parameter: Tensor) -> Group:
    """One parameter, on the CPU, as it is stored."""
    state: Any = getattr(parameter, "quant_state", None)
    found = {name: _stored(parameter.data)}
    for beside, each in (state.as_dict(packed=True) if state else {}).items():
        found[f"{name}.{beside}"] = _stored(each)
    return found


def size(module: nn.Module, precision: Precision) -> int:
    """Bytes that all parameters will need, at the most, of a `module` on the meta device to which
    `streaming.prepare` has given its layers."""
    return sum(size_of(module, name, precision) for name, _ in module.named_parameters())


def size_of(module: nn.Module, name: str, precision: Precision) -> int:
    """Those of the parameter `name`, see `size`."""
    parameter = module.get_parameter(name)
    if not isinstance(parameter, Params4bit):
        return parameter.numel() * _dtype(module, name, precision).itemsize
    blocks = -(-parameter.numel() // quantising.BLOCK)
    return -(-parameter.numel() // 2) + blocks + 4 * (blocks // 256 + 1) + 4096


def names_in(path: Path) -> list[str]:
    """The names of all tensors in the file at `path`."""
    with safe_open(path, framework="pt") as opened:
        return list(opened.keys())


def holds(path: Path, module: nn.Module, names: Iterable[str]) -> bool:
    """True if the file at `path` can be opened and holds, of the parameters of `module`, exactly
    those `names`. Reads its head only."""
    wanted = {name for name, _ in module.named_parameters()}
    try:
        return wanted & set(names_in(path)) == set(names)
    except (SafetensorError, OSError):
        return False


def fill(
    module: nn.Module,
    card: ModelCard,
    installed: Installed,
    precision: Precision,
    device: torch.device,
    progress: Progress,
) -> None:
    """Give `module`, built on the meta device, the parameters of a prepared copy. Leaves it as
    `streaming.fill` does.

    Raises WeightsRefused with the names if one is missing, unknown or of another shape or kind, and
    OutOfMemory if the device is too small."""
    with loaded_from_files(card, device):
        shared = prepare(module, card, precision)
        _refuse_others(module, card, installed, precision)
        wanted = dict(module.named_parameters())
        done = 0
        for shard in installed.shards:
            with safe_open(shard, framework="pt") as opened:
                for name in (each for each in opened.keys() if each in wanted):  # noqa: SIM118
                    progress(done / installed.size)
                    done += _bring(module, name, opened, device)
        finish(module, shared, device)
    if device.type == "cpu":
        cpu_nf4.settle(module)
    progress(1.0)


def _bring(module: nn.Module, name: str, opened: Any, device: torch.device) -> int:
    owner_name, _, last = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    before = getattr(owner, last)
    # A copy, so that no weight is a view of a file that somebody may replace.
    data = opened.get_tensor(name).to(device, copy=True)
    if not isinstance(before, Params4bit):
        setattr(owner, last, nn.Parameter(data, requires_grad=False))
        return int(data.nbytes)
    there = set(opened.keys())
    parts = {e[1:]: opened.get_tensor(name + e).clone() for e in _BESIDE if name + e in there}
    made = Params4bit.from_prequantized(data, parts, device=device, module=before.module)
    setattr(owner, last, made)
    return int(data.nbytes)


def _refuse_others(
    module: nn.Module, card: ModelCard, installed: Installed, precision: Precision
) -> None:
    """Names, shapes and kinds first, so that nothing is loaded that does not fit."""
    wanted, found, beside, wrong = dict(module.named_parameters()), set[str](), set[str](), []
    for shard in installed.shards:
        with safe_open(shard, framework="pt") as opened:
            names = list(opened.keys())
            for name in names:
                if name not in wanted:
                    beside.add(name)
                    continue
                found.add(name)
                held = opened.get_slice(name)
                if not _right(module, name, held, precision):
                    wrong.append(name)
                if isinstance(wanted[name], Params4bit):
                    wrong += [name + e for e in _BESIDE if name + e not in names]
    extra = {
        name
        for name in beside
        if not any(
            name.endswith(each) and isinstance(wanted.get(name.removesuffix(each)), Params4bit)
            for each in _BESIDE
        )
    }
    missing = set(wanted) - found
    refuse_gaps(card, {"missing": missing, "unknown": extra, "wrong": wrong})


def _right(module: nn.Module, name: str, held: Any, precision: Precision) -> bool:
    parameter = module.get_parameter(name)
    dtype = _KINDS.get(held.get_dtype())
    if isinstance(parameter, Params4bit):
        stored = torch.Size(held.get_shape()).numel() * (dtype or torch.uint8).itemsize
        return dtype is parameter.quant_storage and stored == parameter.numel() // 2
    same = dtype is _dtype(module, name, precision)
    return same and tuple(held.get_shape()) == tuple(parameter.shape)


def _dtype(module: nn.Module, name: str, precision: Precision) -> torch.dtype:
    """The type in which `precision` keeps the plain parameter `name`."""
    owner = module.get_submodule(name.rpartition(".")[0])
    table = isinstance(owner, tables.TableLookUp | tables.TableHead)
    of_table = table and name.endswith(".weight")
    return torch.bfloat16 if of_table else STORAGE[precision].dtype


def _stored(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


_KINDS = {"BF16": torch.bfloat16, "F32": torch.float32, "U8": torch.uint8}


def equal(path: Path, group: Group) -> bool:
    """True if the file at `path` holds exactly the tensors of `group`, bit for bit."""
    with safe_open(path, framework="pt") as opened:
        return all(_same(opened.get_tensor(name), each) for name, each in group.items())


def _same(one: Tensor, other: Tensor) -> bool:
    if one.dtype is not other.dtype or one.shape != other.shape:
        return False
    return torch.equal(one.flatten().view(torch.uint8), other.flatten().view(torch.uint8))


def refused(card: ModelCard, path: Path) -> WeightsRefused:
    """A file that came back other than it was written."""
    return WeightsRefused(
        model=card.name,
        detail=both(
            f"{path.name} was not written as it should be",
            f"{path.name} não foi gravado como devia",
        ),
    )
