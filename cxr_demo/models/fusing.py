"""transformers' language models as `decoding.fused` wants them: the same weights, named by role.
Nothing is copied."""

from typing import Any

import torch
from torch import Tensor, nn

from cxr_demo.decoding.fused.parts import Act, Decoder, Layer, Matrix, Nf4, Norm, NormKind
from cxr_demo.models.cpu_nf4 import UnpackedLinear4bit
from cxr_demo.models.four_bits import Linear4bit
from cxr_demo.models.tables import TableHead


class NotFusable(Exception):
    """The compiled path does not know this kind of model or weight; the detail says which."""


def gemma(body: Any, head: Any) -> Decoder:
    """Of `Gemma3TextModel` and its head. Raises NotFusable."""
    config = body.config
    if getattr(config, "attn_logit_softcapping", None) or config.final_logit_softcapping:
        raise NotFusable("soft caps")

    def norm(module: Any) -> Norm:
        return Norm(NormKind.GEMMA, module.weight, module.eps)

    layers = []
    for kind, each in zip(config.layer_types, body.layers, strict=True):
        attention, mlp = each.self_attn, each.mlp
        frequencies = getattr(body.rotary_emb, f"{kind}_inv_freq")
        _unscaled(getattr(body.rotary_emb, f"{kind}_attention_scaling"))
        layers.append(
            Layer(
                before_attention=norm(each.input_layernorm),
                q=matrix(attention.q_proj),
                k=matrix(attention.k_proj),
                v=matrix(attention.v_proj),
                o=matrix(attention.o_proj),
                gate=matrix(mlp.gate_proj),
                up=matrix(mlp.up_proj),
                down=matrix(mlp.down_proj),
                frequencies=frequencies.float(),
                before_mlp=norm(each.pre_feedforward_layernorm),
                after_attention=norm(each.post_attention_layernorm),
                after_mlp=norm(each.post_feedforward_layernorm),
                q_norm=norm(attention.q_norm),
                k_norm=norm(attention.k_norm),
                windowed=kind == "sliding_attention",
            )
        )
    return Decoder(
        layers=tuple(layers),
        last=norm(body.norm),
        head=matrix(head),
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        width=config.head_dim,
        scaling=config.query_pre_attn_scalar**-0.5,
        act=_act(config.hidden_activation),
        window=config.sliding_window,
    )


def mistral(body: Any, head: Any) -> Decoder:
    """Of `MistralModel` and its head. Raises NotFusable."""
    config = body.config

    def norm(module: Any) -> Norm:
        return Norm(NormKind.RMS, module.weight, module.variance_epsilon)

    _unscaled(body.rotary_emb.attention_scaling)
    layers = tuple(
        Layer(
            before_attention=norm(each.input_layernorm),
            q=matrix(each.self_attn.q_proj),
            k=matrix(each.self_attn.k_proj),
            v=matrix(each.self_attn.v_proj),
            o=matrix(each.self_attn.o_proj),
            gate=matrix(each.mlp.gate_proj),
            up=matrix(each.mlp.up_proj),
            down=matrix(each.mlp.down_proj),
            frequencies=body.rotary_emb.inv_freq.float(),
            before_mlp=norm(each.post_attention_layernorm),
            windowed=config.sliding_window is not None,
        )
        for each in body.layers
    )
    width = body.layers[0].self_attn.head_dim
    return Decoder(
        layers=layers,
        last=norm(body.norm),
        head=matrix(head),
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        width=width,
        scaling=width**-0.5,
        act=_act(config.hidden_act),
        window=config.sliding_window,
    )


def phi(body: Any, head: Any) -> Decoder:
    """Of `PhiModel` and its head. Raises NotFusable."""
    config = body.config
    if config.qk_layernorm:
        raise NotFusable("norms of queries and keys")

    def norm(module: Any) -> Norm:
        return Norm(NormKind.LAYER, module.weight, module.eps, module.bias)

    _unscaled(body.rotary_emb.attention_scaling)
    layers = tuple(
        Layer(
            before_attention=norm(each.input_layernorm),
            q=matrix(each.self_attn.q_proj),
            k=matrix(each.self_attn.k_proj),
            v=matrix(each.self_attn.v_proj),
            o=matrix(each.self_attn.dense),
            up=matrix(each.mlp.fc1),
            down=matrix(each.mlp.fc2),
            frequencies=body.rotary_emb.inv_freq.float(),
        )
        for each in body.layers
    )
    attention = body.layers[0].self_attn
    return Decoder(
        layers=layers,
        last=norm(body.final_layernorm),
        head=matrix(head),
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads or config.num_attention_heads,
        width=attention.head_dim,
        scaling=attention.scaling,
        act=_act(config.hidden_act),
        window=None,
    )


def matrix(layer: Any) -> Matrix:
    """A linear layer of whatever kind. Raises NotFusable for one that is not known."""
    if isinstance(layer, Linear4bit):
        values = nf4(layer.weight)
        return Matrix(layer.out_features, layer.in_features, values, layer.bias)
    if isinstance(layer, UnpackedLinear4bit):
        return Matrix(layer.out_features, layer.in_features, layer.values, layer.bias)
    if isinstance(layer, TableHead):
        state = getattr(layer.weight, "quant_state", None)
        shape = layer.weight.shape if state is None else state.shape
        found = layer.weight if state is None else nf4(layer.weight)
        return Matrix(shape[0], shape[1], found, layer.bias)
    if type(layer) is nn.Linear:
        return Matrix(layer.out_features, layer.in_features, layer.weight, layer.bias)
    raise NotFusable(type(layer).__name__)


def nf4(weight: Any) -> Nf4:
    """bitsandbytes' stored weight. Raises NotFusable unless it is NF4 with double quantisation."""
    state = weight.quant_state
    inner = state.state2.blocksize if state.nested else None
    kind = (state.quant_type, state.blocksize, inner)
    if kind != ("nf4", 64, 256):
        raise NotFusable(f"4 bits of the kind {kind}")
    return Nf4(
        packed=weight.data.view(-1).view(torch.uint8),
        scales=state.absmax,
        codes=state.state2.code,
        outer=state.state2.absmax,
        offset=float(state.offset),
        levels=state.code,
    )


def _act(name: str) -> Act:
    known = {
        "gelu_pytorch_tanh": Act.GELU_TANH,
        "silu": Act.SILU,
        "gelu_new": Act.GELU_NEW,
    }
    if name not in known:
        raise NotFusable(f"activation {name}")
    return known[name]


def _unscaled(factor: Tensor | float) -> None:
    if float(factor) != 1.0:
        raise NotFusable(f"rotation scaled by {float(factor)}")
