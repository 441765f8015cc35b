"""Language models of the families' true widths with few layers and random weights, on a GPU."""

from types import SimpleNamespace
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import nn
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    MistralConfig,
    MistralForCausalLM,
    PhiConfig,
    PhiForCausalLM,
)

from cxr_demo.models.gemma import GemmaNetwork
from cxr_demo.models.networks import ATTENTION, CausalNetwork, NativeNetwork

LAYERS = {"gemma": 34, "phi": 32, "mistral": 32}
"""Of the true models."""


def network(family: str, layers: int, four_bits: bool, window: int | None = None) -> NativeNetwork:
    """`family`: "gemma", "phi" or "mistral"; `window` instead of the true one."""
    torch.manual_seed(1)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            model: Any = _BUILD[family](layers, window)
    finally:
        torch.set_default_dtype(before)
    for name, each in model.named_parameters():
        if "norm" in name and each.dim() == 1:  # norms that do something
            each.data.add_(torch.randn_like(each) * 0.1)
    if four_bits:
        pack(model)
    model.eval().requires_grad_(False)
    if family == "gemma":
        model.model.config._attn_implementation = "sdpa"
        inner = SimpleNamespace(language_model=model.model)
        return GemmaNetwork(SimpleNamespace(model=inner, lm_head=model.lm_head))  # type: ignore[arg-type]
    return CausalNetwork(model)


def pack(model: nn.Module) -> None:
    """NF4 with double quantisation, but for the head."""
    for name, layer in list(model.named_modules()):
        if type(layer) is not nn.Linear or name.endswith("lm_head"):
            continue
        made = Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=torch.bfloat16,
            quant_type="nf4",
            quant_storage=torch.bfloat16,
            device="meta",
        )
        made.weight = Params4bit(
            layer.weight.data.cpu(), quant_type="nf4", quant_storage=torch.bfloat16
        ).cuda()
        made.bias = layer.bias
        model.set_submodule(name, made)


def _gemma(layers: int, window: int | None) -> Any:
    return Gemma3ForCausalLM(
        Gemma3TextConfig(
            hidden_size=2560,
            intermediate_size=10_240,
            num_hidden_layers=layers,
            num_attention_heads=8,
            num_key_value_heads=4,
            head_dim=256,
            vocab_size=262_208,
            sliding_window=window or 1024,
            attn_implementation="sdpa",
        )
    )


def _phi(layers: int, window: int | None) -> Any:
    return PhiForCausalLM(
        PhiConfig(
            vocab_size=51_200,
            hidden_size=2560,
            intermediate_size=10_240,
            num_hidden_layers=layers,
            num_attention_heads=32,
            partial_rotary_factor=0.4,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
            attn_implementation=ATTENTION,
        )
    )


def _mistral(layers: int, window: int | None) -> Any:
    return MistralForCausalLM(
        MistralConfig(
            vocab_size=32_000,
            hidden_size=4096,
            intermediate_size=14_336,
            num_hidden_layers=layers,
            num_attention_heads=32,
            num_key_value_heads=8,
            sliding_window=window or 4096,
            tie_word_embeddings=False,
            attn_implementation=ATTENTION,
        )
    )


_BUILD = {"gemma": _gemma, "phi": _phi, "mistral": _mistral}
