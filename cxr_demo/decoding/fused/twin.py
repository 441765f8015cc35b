"""The kernels' twin in plain torch: any device, any type. Tests hold it against transformers' own
modules here, and the kernels against it on a GPU.
"""

import torch
from torch import Tensor
from torch.nn import functional

from cxr_demo.decoding.fused.forward import Entered
from cxr_demo.decoding.fused.parts import Act, Decoder, Layer, Matrix, Nf4, Norm, NormKind
from cxr_demo.decoding.slots import SlotCache


class TwinOperations:
    """See `forward.Operations`."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def begin(self, cache: SlotCache) -> None:
        """Nothing to prepare."""

    def enter(self, x: Tensor, y: Tensor | None, index: int) -> Entered:
        """Add, norm, project to queries, keys and values."""
        layer = self._decoder.layers[index]
        if y is not None:
            before = self._decoder.layers[index - 1]
            x = added(x, y, before.after_mlp)
        h = normed(x, layer.before_attention)
        beside = layer.before_mlp is None
        middle = activated(product(h, layer.up), self._decoder.act) if beside else None
        return Entered(x, product(h, layer.q), product(h, layer.k), product(h, layer.v), middle)

    def attend(self, entered: Entered, cache: SlotCache, index: int) -> Tensor:
        """Norm and rotate, store in the next column of `cache`, attend."""
        about, layer = self._decoder, self._decoder.layers[index]
        q = self._turned(entered.q, about.heads, layer.q_norm, layer, cache)
        k = self._turned(entered.k, about.kv_heads, layer.k_norm, layer, cache)
        v = entered.v.view(len(k), about.kv_heads, 1, about.width)
        keys, values = cache.update(k, v, index)
        masks = cache.masks()
        seen = functional.scaled_dot_product_attention(
            q,
            keys,
            values,
            attn_mask=masks.windowed if layer.windowed else masks.full,
            scale=about.scaling,
            enable_gqa=True,
        )
        return seen.flatten(1)

    def out(self, attended: Tensor, index: int) -> Tensor:
        """Attention's output projection."""
        return product(attended, self._decoder.layers[index].o)

    def middle(self, x: Tensor, y: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Add, norm, and the MLP's middle."""
        layer = self._decoder.layers[index]
        assert layer.before_mlp is not None
        x = added(x, y, layer.after_attention)
        h = normed(x, layer.before_mlp)
        up = product(h, layer.up)
        if layer.gate is None:
            return x, activated(up, self._decoder.act)
        return x, activated(product(h, layer.gate), self._decoder.act) * up

    def down(self, middle: Tensor, index: int) -> Tensor:
        """The MLP's output."""
        return product(middle, self._decoder.layers[index].down)

    def join(self, attended: Tensor, middle: Tensor, index: int) -> Tensor:
        """Both outputs together."""
        return self.out(attended, index) + self.down(middle, index)

    def finish(self, x: Tensor, y: Tensor) -> Tensor:
        """Add, norm, head."""
        x = added(x, y, self._decoder.layers[-1].after_mlp)
        return product(normed(x, self._decoder.last), self._decoder.head)

    def _turned(
        self, flat: Tensor, heads: int, norm: Norm | None, layer: Layer, cache: SlotCache
    ) -> Tensor:
        x = flat.view(len(flat), heads, 1, self._decoder.width)
        if norm is not None:
            x = normed(x, norm)
        angles = cache.lengths[:, None].float() * layer.frequencies
        cosines = angles.cos().to(x.dtype)[:, None, None]
        sines = angles.sin().to(x.dtype)[:, None, None]
        half = angles.shape[-1]
        first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
        turned = first * cosines - second * sines, second * cosines + first * sines
        return torch.cat([*turned, rest], -1)


def normed(x: Tensor, norm: Norm) -> Tensor:
    """(..., D) -> (..., D), rounded where transformers' module rounds."""
    if norm.kind is NormKind.LAYER:
        return functional.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias, norm.eps)
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + norm.eps)
    if norm.kind is NormKind.GEMMA:
        return (wide * (1.0 + norm.weight.float())).to(x.dtype)
    return norm.weight * wide.to(x.dtype)


def added(x: Tensor, y: Tensor, norm: Norm | None) -> Tensor:
    """x plus y, which is normed first if `norm` is given."""
    return x + (y if norm is None else normed(y, norm))


def activated(x: Tensor, act: Act) -> Tensor:
    """The MLP's activation."""
    if act is Act.SILU:
        return functional.silu(x)
    if act is Act.GELU_TANH:
        return functional.gelu(x, approximate="tanh")
    if act is Act.GELU_NEW:  # step by step, as transformers computes it
        inner = (2 / torch.pi) ** 0.5 * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))
    return x


def product(x: Tensor, matrix: Matrix) -> Tensor:
    """(S, columns) -> (S, rows)."""
    return functional.linear(x, unpacked(matrix, x.dtype), matrix.bias)


def unpacked(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """(rows, columns) in `dtype`."""
    found = matrix.values
    if isinstance(found, Tensor):
        return found
    pairs = torch.stack([found.packed >> 4, found.packed & 15], -1).flatten().long()
    scales = scales_of(found)
    values = found.levels[pairs].view(len(scales), -1) * scales[:, None]
    return values.view(matrix.rows, matrix.columns).to(dtype)


def scales_of(found: Nf4) -> Tensor:
    """(blocks,) float32: the scale of each block of 64 weights."""
    inner = found.codes[found.scales.flatten().long()]
    return inner * found.outer.repeat_interleave(256)[: len(inner)] + found.offset
