"""What a token costs at least: the bytes that decoding one reads, over the bandwidth of copies."""

from dataclasses import asdict, dataclass
from typing import Any

from bitsandbytes.nn import Linear4bit
from torch import Tensor, nn

from cxr_demo.decoding.cache import LayerShape


@dataclass(frozen=True)
class Floor:
    """`weights`: bytes of layers, last norm and head, each read once; `cache`: bytes of keys and
    values that the average new token sees; `bandwidth`: bytes per second, read and written both
    counted; `seconds` per token."""

    weights: int
    cache: int
    bandwidth: float

    @property
    def seconds(self) -> float:
        """Per token at batch 1."""
        return (self.weights + self.cache) / self.bandwidth

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "seconds": self.seconds}


def weights_bytes(body: nn.Module, head: nn.Module) -> int:
    """Bytes of a language model that every token reads: all of `body` but the embedding table (one
    row of it is read), and `head`. 4-bit layers count with their scales."""
    table = {id(each) for each in body.embed_tokens.parameters()}
    layers = [each for each in body.parameters() if id(each) not in table]
    packed = [each for each in body.modules() if isinstance(each, Linear4bit)]
    scales = [scale for each in packed for scale in _scales(each)]
    unpacked = list(body.buffers())
    return sum(each.nbytes for each in [*layers, *scales, *unpacked, *head.parameters()])


def cache_bytes(
    layers: tuple[LayerShape, ...], window: int | None, itemsize: int, prompt: int, new: int
) -> int:
    """Bytes of keys and values read per token, the mean over `new` tokens behind `prompt` ones."""
    seen = [prompt + at for at in range(1, new + 1)]
    near = [min(each, window or each) for each in seen]
    total = 0
    for shape in layers:
        columns = near if shape.windowed else seen
        total += 2 * shape.heads * shape.width * itemsize * sum(columns) // new
    return total


def _scales(layer: Linear4bit) -> list[Tensor]:
    weight: Any = layer.weight
    state = weight.quant_state
    found = [state.absmax, state.code]
    if state.nested:
        found += [state.state2.absmax, state.state2.code, state.offset]
    return found
