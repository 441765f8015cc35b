"""Settings files as published, of the models whose weights may not be here: sizes, and nothing else
that a publisher wrote. The adapters of CheXagent know their own; the layouts that `benchmarks`
writes begin from these.
"""

from typing import Any

from cxr_demo.models.cards import ModelCard

Settings = dict[str, dict[str, Any]]
"""File name -> its content."""

MEDGEMMA: dict[str, Any] = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "boi_token_index": 255_999,
    "eoi_token_index": 256_000,
    "image_token_index": 262_144,
    "eos_token_id": [1, 106],
    "mm_tokens_per_image": 256,
    "text_config": {
        "model_type": "gemma3_text",
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 34,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "sliding_window": 1024,
        "query_pre_attn_scalar": 256,
        "rope_theta": 1_000_000.0,
        "rope_local_base_freq": 10_000.0,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "max_position_embeddings": 131_072,
        "vocab_size": 262_208,
    },
    "vision_config": {
        "model_type": "siglip_vision_model",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 896,
        "patch_size": 14,
        "vision_use_head": False,
    },
}


def settings(card: ModelCard) -> Settings:
    """The settings of `card` that its adapter needs to build the empty model."""
    if card.family == "gemma":
        return {"config.json": {**MEDGEMMA, "torch_dtype": "bfloat16"}}
    return {"config.json": {}, "preprocessor_config.json": {}}
