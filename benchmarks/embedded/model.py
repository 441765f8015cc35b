"""A fresh model of a given shape, in transformers' own Gemma 3 class."""

from torch import nn
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    GemmaTokenizer,
    GenerationConfig,
)

from benchmarks.embedded.recipe import Shape


def build_model(shape: Shape, processor: Gemma3Processor) -> Gemma3ForConditionalGeneration:
    """A fresh model in fp32, with its generation settings; torch's global seed decides it."""
    model = Gemma3ForConditionalGeneration(configuration(shape, processor.tokenizer))
    # transformers starts the projection at zero, which would hide the image at first
    nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.02)
    model.generation_config = generation(processor.tokenizer)
    return model


def configuration(shape: Shape, tokenizer: GemmaTokenizer) -> Gemma3Config:
    """The transformers configuration, ids taken from `tokenizer`."""
    ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")]
    return Gemma3Config(
        text_config={
            "vocab_size": shape.vocab_size,
            "hidden_size": shape.text_width,
            "intermediate_size": shape.text_mlp,
            "num_hidden_layers": shape.text_layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            "head_dim": shape.text_width // shape.heads,
            "query_pre_attn_scalar": shape.text_width // shape.heads,
            "max_position_embeddings": shape.positions,
            "sliding_window": shape.window,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": shape.vision_width,
            "intermediate_size": shape.vision_mlp,
            "num_hidden_layers": shape.vision_layers,
            "num_attention_heads": shape.vision_width // 64,
            "image_size": shape.image_size,
            "patch_size": shape.patch,
            "vision_use_head": False,
        },
        mm_tokens_per_image=shape.image_tokens,
        boi_token_index=tokenizer.boi_token_id,
        eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
        eos_token_id=ends,
    )


def generation(tokenizer: GemmaTokenizer) -> GenerationConfig:
    """Greedy, until the end of the turn."""
    return GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=[
            tokenizer.eos_token_id,
            tokenizer.convert_tokens_to_ids("<end_of_turn>"),
        ],
    )
