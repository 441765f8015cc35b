"""Configuration and tensor layout of each real model as published, true size and tiny.

Shapes come from transformers' native classes on the meta device; published names from the model
facts that the cards' adapters are written against. Nothing here is a publisher's file.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    MistralConfig,
    MistralForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from cxr_demo.models.published import MEDGEMMA

Shapes = dict[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a published checkpoint consists of. `dtype` is the type of the stored tensors,
    `shard_bytes` the largest shard; `images` are the image processor's settings. Norms
    whose names begin with one of `zero_centred_norms` multiply by (1 + weight)."""

    config: dict[str, Any]
    generation: dict[str, Any]
    images: dict[str, Any]
    shapes: Shapes
    dtype: torch.dtype = torch.bfloat16
    shard_bytes: int = 5_000_000_000
    zero_centred_norms: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(torch.Size(shape).numel() for shape in self.shapes.values())


def medgemma(tiny: bool = False) -> Layout:
    """MedGemma 4B (both versions): Gemma 3 with a SigLIP tower of 896 px."""
    side, tokens = (56, 16) if tiny else (896, 256)
    text = dict(MEDGEMMA["text_config"])
    vision = MEDGEMMA["vision_config"] | {"image_size": side}
    marks = ("boi_token_index", "eoi_token_index", "image_token_index")
    ids = [MEDGEMMA[each] for each in marks]
    if tiny:
        text |= {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 3,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "sliding_window": 64,
            "query_pre_attn_scalar": 32,
            "vocab_size": 2048,
        }
        vision |= {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
        vision |= {"num_attention_heads": 4}
        ids = [2045, 2046, 2047]
    config: dict[str, Any] = {
        **MEDGEMMA,
        **dict(zip(marks, ids, strict=True)),
        "mm_tokens_per_image": tokens,
        "text_config": text,
        "vision_config": vision,
        "torch_dtype": "bfloat16",
    }
    return Layout(
        config=config,
        generation={"bos_token_id": 2, "eos_token_id": [1, 106], "pad_token_id": 0},
        images=_images("Gemma3ImageProcessor", side, resample=2, mean=0.5)
        | {"processor_class": "Gemma3Processor"},
        shapes=_shapes(lambda: Gemma3ForConditionalGeneration(Gemma3Config(**config)), _gemma_name),
        zero_centred_norms=("language_model.", "multi_modal_projector."),
    )


def chexagent_2(tiny: bool = False) -> Layout:
    """CheXagent 2 3B: Phi-2, XraySigLIP at 512 px, a resampler of its own."""
    text: dict[str, Any] = {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "vocab_size": 51_200,
        "max_position_embeddings": 2048,
        "partial_rotary_factor": 0.4,
        "hidden_act": "gelu_new",
        "layer_norm_eps": 1e-5,
        "tie_word_embeddings": False,
    }
    vision: dict[str, Any] = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 512,
        "patch_size": 16,
    }
    if tiny:
        text |= {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
        text |= {"num_attention_heads": 4, "vocab_size": 2048}
        vision |= {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        vision |= {"num_attention_heads": 2}
    width, wide = text["hidden_size"], vision["hidden_size"]
    middle = 4 * width
    shapes = _shapes(lambda: PhiForCausalLM(PhiConfig(**text)), lambda name: name)
    shapes |= _shapes(
        lambda: SiglipVisionModel(SiglipVisionConfig(**vision)),
        lambda name: "model.visual.model." + name.removeprefix("vision_model."),
    )
    shapes |= {
        "model.visual.pos_embed": ((vision["image_size"] // 16) ** 2, wide),
        "model.visual.proj": (width, width),
        "model.visual.attn_pool.0.weight": (middle, wide),
        "model.visual.attn_pool.0.bias": (middle,),
        "model.visual.attn_pool.2.weight": (width, middle),
        "model.visual.attn_pool.2.bias": (width,),
        "model.visual.ln_post.weight": (width,),
        "model.visual.ln_post.bias": (width,),
    }
    return Layout(
        config={"model_type": "chexagent", "text_config": text, "vision_config": vision},
        generation={"bos_token_id": 50_256, "eos_token_id": 50_256},
        images=_images("SiglipImageProcessor", vision["image_size"], resample=3, mean=0.5),
        shapes=shapes,
    )


def chexagent_8b(tiny: bool = False) -> Layout:
    """CheXagent 8B: a BLIP-2 shape with 128 queries and Mistral 7B; published in float32."""
    text: dict[str, Any] = {
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32_000,
        "tie_word_embeddings": False,
    }
    vision: dict[str, Any] = {
        "hidden_size": 1408,
        "intermediate_size": 6144,
        "num_hidden_layers": 40,
        "num_attention_heads": 16,
        "image_size": 448,
        "patch_size": 14,
    }
    queries: dict[str, Any] = {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "cross_attention_frequency": 2,
        "encoder_hidden_size": 1408,
    }
    if tiny:
        text |= {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
        text |= {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 2048}
        text |= {"sliding_window": 160}  # shorter than the queries, a prompt and some reply
        vision |= {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        vision |= {"num_attention_heads": 2, "image_size": 56}
        queries |= {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        queries |= {"intermediate_size": 64, "encoder_hidden_size": 32}
    shapes = _shapes(
        lambda: Blip2VisionModel(Blip2VisionConfig(**vision)), lambda name: f"vision_model.{name}"
    )
    shapes["query_tokens"] = (1, 128, queries["hidden_size"])
    shapes |= _shapes(
        lambda: Blip2QFormerModel(Blip2QFormerConfig(**queries)), lambda name: f"qformer.{name}"
    )
    shapes["language_projection.weight"] = (text["hidden_size"], queries["hidden_size"])
    shapes["language_projection.bias"] = (text["hidden_size"],)
    shapes |= _shapes(
        lambda: MistralForCausalLM(MistralConfig(**text)), lambda name: f"language_model.{name}"
    )
    return Layout(
        config={
            "model_type": "chexagent",
            "num_query_tokens": 128,
            "text_config": text,
            "vision_config": vision,
            "qformer_config": queries,
        },
        generation={"bos_token_id": 1, "eos_token_id": 2},
        images=_images("BlipImageProcessor", vision["image_size"], resample=3, mean=None),
        shapes=shapes,
        dtype=torch.float32,
    )


def _shapes(build: Callable[[], torch.nn.Module], published: Callable[[str], str]) -> Shapes:
    with torch.device("meta"):
        module = build()
    # Parameters, not the state: tied weights are published once, and buffers not at all.
    return {published(name): tuple(each.shape) for name, each in module.named_parameters()}


def _gemma_name(name: str) -> str:
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        return name.replace("language_model.", "language_model.model.", 1)
    if name.startswith("vision_tower.") and not name.startswith("vision_tower.vision_model."):
        return name.replace("vision_tower.", "vision_tower.vision_model.", 1)
    return name


def _images(kind: str, side: int, resample: int, mean: float | None) -> dict[str, Any]:
    clip = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    means, deviations = clip if mean is None else ([mean] * 3, [mean] * 3)
    return {
        "image_processor_type": kind,
        "size": {"height": side, "width": side},
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "rescale_factor": 1 / 255,
        "resample": resample,
        "image_mean": means,
        "image_std": deviations,
    }
