"""CheXagent 8B: BLIP-2's vision tower and Q-Former, and Mistral 7B, all transformers' own classes.

pixels (448, 448, 3) -> EVA-CLIP-g shape, 1025 features -> Q-Former, 128 queries -> projection
                     -> 128 positions in front of the prompt's embeddings
"""

import re
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Resampling
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    MistralConfig,
    MistralForCausalLM,
)

from cxr_demo.models import checkpoint, hardware
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.images import squashed_square
from cxr_demo.models.loading import Progress
from cxr_demo.models.networks import ATTENTION, CausalNetwork
from cxr_demo.models.scaling import Scaling
from cxr_demo.models.streaming import Place, Where, read_json, taken, understood
from cxr_demo.models.vlm import PADDING, VisionLanguageModel
from cxr_demo.records import Precision, Prompt, Radiograph

BEGIN, END = "<s>", "</s>"
IMAGE = "<image>"
"""Stands for the queries where a prompt is shown; the model knows no such token."""

# As published; what the checkpoint's own config.json names goes first.
_TEXT: dict[str, Any] = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": None,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
    "max_position_embeddings": 32_768,
    "sliding_window": 4096,
}
_VISION: dict[str, Any] = {
    "hidden_size": 1408,
    "intermediate_size": 6144,
    "num_hidden_layers": 40,
    "num_attention_heads": 16,
    "image_size": 448,
    "patch_size": 14,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "qkv_bias": True,
}
_QUERIES: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "cross_attention_frequency": 2,
    "encoder_hidden_size": 1408,
}
_IMAGES: dict[str, Any] = {
    "resample": int(Resampling.BICUBIC),
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_NUMBER_OF_QUERIES = 128

# Known and not needed: what the Q-Former's language half left behind, and computed buffers.
_UNUSED = re.compile(
    r"qformer\.(embeddings\.|cls\.|encoder\.layer\.\d+\.(intermediate|output)\.)"
    r"|.*\.(rotary_emb\.inv_freq|position_ids)$"
)
_SPLIT_BIAS = re.compile(r"(.*\.self_attn)\.(?:qkv\.)?([qv])_bias$")


@dataclass(frozen=True)
class ImageSettings:
    """Of `preprocessor_config.json`: Pillow's filter, and mean and deviation per channel."""

    resample: int
    mean: Sequence[float]
    deviation: Sequence[float]


class CheXagent8bNative(nn.Module):
    """All weights, named as the checkpoint names them."""

    def __init__(self, text: Any, vision: Any, queries: Any, number: int) -> None:
        super().__init__()
        self.side = vision.image_size
        self.vision_model = Blip2VisionModel(vision)
        self.query_tokens = nn.Parameter(torch.empty(1, number, queries.hidden_size))
        self.qformer = Blip2QFormerModel(queries)
        self.language_projection = nn.Linear(queries.hidden_size, text.hidden_size)
        self.language_model = MistralForCausalLM(text)

    def see(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, queries, D), ready to stand in front of the text's embeddings."""
        features = self.vision_model(pixels).last_hidden_state
        asked = self.qformer(
            query_embeds=self.query_tokens.expand(len(pixels), -1, -1),
            encoder_hidden_states=features,
        ).last_hidden_state
        projected: Tensor = self.language_projection(asked)
        return projected


class CheXagent8bModel(VisionLanguageModel):
    """A loaded CheXagent 8B; see `models.base.Model`."""

    def __init__(
        self,
        card: ModelCard,
        precision: Precision,
        native: CheXagent8bNative,
        tokenizer: Tokenizer,
        images: ImageSettings,
        digest: Future[str],
        stand_in: bool,
    ) -> None:
        network = CausalNetwork(native.language_model)
        self._vocabulary: dict[str, int] = tokenizer.get_vocab()
        stop = frozenset([self._vocabulary[END]])
        super().__init__(card, precision, native, network, digest, stand_in, stop)
        self._see = native.see
        self._tokenizer = tokenizer
        self._images = images
        self._scaled = Scaling(images.mean, images.deviation, network.device, network.dtype)
        self._side: int = native.side
        self._queries = native.query_tokens.shape[1]

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return self._side

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""
        return self._vocabulary

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that this model is given: (S, S, 3) uint8."""
        return squashed_square(radiograph, self.side, self._images.resample)

    def prompt_text(self, prompt: Prompt) -> str:
        """The whole prompt with `<image>` where the queries go. A system text, for which the model
        has no place, stands in front of the question."""
        return f"{IMAGE if prompt.image else ''}{BEGIN}{_wrapped(prompt)}"

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`, position for position; 0 (unknown) for each of the queries."""
        ids = self._tokenizer.encode(_wrapped(prompt), add_special_tokens=False).ids
        queries = [0] * self._queries if prompt.image else []
        return [*queries, self._vocabulary[BEGIN], *ids]

    def image_places(self, ids: Tensor) -> Tensor:
        """(B, T) bool: the queries go first, and a row without them begins with `BEGIN`. They are
        causal, too."""
        given = ids != PADDING
        place = given.cumsum(1)
        text = (place == 1) & (ids == self._vocabulary[BEGIN])
        return given & (place <= self._queries) & ~text.any(1, keepdim=True)

    def stock_inputs(self, seen: Seen, prompt: Prompt) -> tuple[Any, dict[str, Any]]:
        """For `stock`: whose `generate()`, and its arguments."""
        prefix = self.prefix(seen, prompt)
        ends = sorted(self.stop_ids)
        inputs = {
            "inputs_embeds": prefix.embeddings,
            "attention_mask": prefix.valid.long(),
            "eos_token_id": ends,
            "pad_token_id": ends[0],
        }
        return self._native.language_model, inputs

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def close(self) -> None:
        """Free the device's memory; the model cannot be used afterwards."""
        del self._see
        super().close()

    @torch.no_grad()
    def features(self, pixels: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 -> (B, queries, D)."""
        return self._see(self._scaled(pixels))


def load(
    card: ModelCard, precision: Precision, device: str, progress: Progress
) -> CheXagent8bModel:
    """Load from the card's folder; see `cxr_demo.models.load` for the errors."""
    place = torch.device(device)
    hardware.check_precision(card, precision, place)
    found = checkpoint.find(card, precision, place)
    native = build(card, found.folder)
    found.fill(native, where, place, progress)
    images = image_settings(card, found.folder)
    with understood(card, "tokenizer.json"):
        tokenizer = Tokenizer.from_file(str(found.folder / "tokenizer.json"))
    return CheXagent8bModel(
        card, precision, native, tokenizer, images, found.digest, found.stand_in
    )


def build(card: ModelCard, folder: Path) -> CheXagent8bNative:
    """The empty model that `config.json` in `folder` describes, on the meta device.

    Raises WeightsRefused if it describes no such model."""
    found = read_json(card, folder / "config.json")
    with understood(card, "config.json"):
        text = taken(_TEXT, found.get("text_config"))
        text |= {"tie_word_embeddings": False, "attn_implementation": ATTENTION}
        # All three without transformers' masks: while a graph is captured some of its versions make
        # one of ones for the Q-Former, which takes torch to a slower kernel that rounds otherwise.
        vision, queries = (
            taken(published, found.get(key)) | {"attn_implementation": ATTENTION}
            for published, key in ((_VISION, "vision_config"), (_QUERIES, "qformer_config"))
        )
        number = found.get("num_query_tokens", _NUMBER_OF_QUERIES)
        configs = MistralConfig(**text), Blip2VisionConfig(**vision), Blip2QFormerConfig(**queries)
        with torch.device("meta"):
            return CheXagent8bNative(*configs, number)


def image_settings(card: ModelCard, folder: Path) -> ImageSettings:
    """How the publisher's processor scales images; BLIP's own numbers where it does not say."""
    found = taken(_IMAGES, read_json(card, folder / "preprocessor_config.json"))
    return ImageSettings(found["resample"], found["image_mean"], found["image_std"])


def where(stored: str) -> Place | None:
    """Place of a published tensor in `CheXagent8bNative`. The bias of the vision tower's attention
    is stored whole, or without the keys' third, which is zero."""
    if _UNUSED.match(stored):
        return None
    split = _SPLIT_BIAS.fullmatch(stored)
    if split is not None:
        return Place(f"{split[1]}.qkv.bias", {"q": 0, "v": 2}[split[2]])
    return Place(stored)


def places(native: CheXagent8bNative) -> Where:
    """Place of a stored tensor in `native`: the same in all."""
    return where


def _wrapped(prompt: Prompt) -> str:
    question = prompt.text if prompt.system is None else f"{prompt.system} {prompt.text}"
    return f" USER: {BEGIN}{question} ASSISTANT: {BEGIN}"
