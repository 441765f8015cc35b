"""Gemma 3 with vision: the embedded model, MedGemma 4B and MedGemma 1.5 4B, all on transformers'
native classes.

    pixels (S, S, 3) -> vision tower -> projector -> 256 positions inside the prompt's embeddings
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from cxr_demo.models.loading import load_native  # isort: skip  (first: it bars `kernels`)

import torch
from torch import Tensor
from transformers import AutoTokenizer, Gemma3ForConditionalGeneration, Gemma3Processor
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from cxr_demo import weights
from cxr_demo.decoding.cache import LayerShape
from cxr_demo.decoding.masks import Masks
from cxr_demo.models import hardware
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.images import padded_square
from cxr_demo.models.vlm import NativeNetwork, VisionLanguageModel, normalised, start_digest
from cxr_demo.records import Precision, Prompt, Radiograph

THOUGHT = ("<unused94>", "<unused95>")
"""MedGemma 1.5 may think aloud between these two tokens; that is not part of a report."""


class GemmaNetwork(NativeNetwork):
    """Gemma 3's language model, whose layers look at a window or at everything."""

    def __init__(self, model: Gemma3ForConditionalGeneration) -> None:
        body = model.model.language_model
        config = body.config
        layers = tuple(
            LayerShape(config.num_key_value_heads, config.head_dim, kind == "sliding_attention")
            for kind in config.layer_types
        )
        super().__init__(body, model.lm_head, layers, config.sliding_window)

    def mask(self, masks: Masks) -> dict[str, Any]:
        """One mask per kind of layer."""
        return {"full_attention": masks.full, "sliding_attention": masks.windowed}


class GemmaModel(VisionLanguageModel):
    """A loaded Gemma 3; see `models.base.Model`."""

    sees_both_ways = True

    def __init__(
        self,
        card: ModelCard,
        precision: Precision,
        native: Gemma3ForConditionalGeneration,
        processor: Gemma3Processor,
        digest: Future[str],
        stand_in: bool,
    ) -> None:
        super().__init__(
            card,
            precision,
            native,
            GemmaNetwork(native),
            digest,
            stand_in,
            _stop_ids(native),
            _thought_ids(processor.tokenizer),
        )
        self._native: Gemma3ForConditionalGeneration = native
        self._processor = processor

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return int(self._processor.image_processor.size["height"])

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""
        return dict(self._processor.tokenizer.get_vocab())

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that this model is given: (S, S, 3) uint8."""
        return padded_square(radiograph, self.side, self._processor.image_processor.resample)

    def prompt_text(self, prompt: Prompt) -> str:
        """The whole prompt as the chat template writes it, `<start_of_image>` for the image."""
        messages: list[dict[str, Any]] = []
        if prompt.system is not None:
            messages.append({"role": "system", "content": [_part(prompt.system)]})
        messages.append({"role": "user", "content": [{"type": "image"}, _part(prompt.text)]})
        text = self._processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(text)

    def image_places(self, ids: Tensor) -> Tensor:
        """(B, T) bool."""
        return ids == self._native.config.image_token_id

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`, position for position, the image's placeholders included."""
        whole = self.prompt_text(prompt).replace(
            self._processor.boi_token, self._processor.full_image_sequence
        )
        ids = self._processor.tokenizer(whole, add_special_tokens=False)["input_ids"]
        return [int(each) for each in ids]

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`, control tokens left out."""
        return str(self._processor.tokenizer.decode(ids, skip_special_tokens=True))

    @torch.no_grad()
    def image_features(self, seens: Sequence[Seen]) -> Tensor:
        """(B, positions, D)."""
        core, images, net = self._native.model, self._processor.image_processor, self._network
        pixels = normalised(seens, images.image_mean, images.image_std, net.device, net.dtype)
        features: Tensor = core.multi_modal_projector(
            core.vision_tower(pixel_values=pixels).last_hidden_state
        )
        return features


def load(
    card: ModelCard,
    precision: Precision,
    device: str,
    progress: Callable[[float], None],
) -> GemmaModel:
    """Load from the card's folder; see `cxr_demo.models.load` for the errors."""
    place = torch.device(device)
    hardware.check_precision(card, precision, place)
    installed = weights.locate(card)
    digest = start_digest(installed)
    kind = Gemma3ForConditionalGeneration
    native = load_native(kind, card, installed, precision, place, progress)
    processor = load_processor(installed.folder, native.config.mm_tokens_per_image)
    stand_in = weights.is_stand_in(installed.folder)
    return GemmaModel(card, precision, native, processor, digest, stand_in)


def load_processor(folder: Path, image_tokens: int) -> Gemma3Processor:
    """Tokenizer, chat template and image settings. The Pillow image processor by name: the choice
    that the library makes depends on whether torchvision happens to be there."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    images = Gemma3ImageProcessorPil.from_pretrained(folder, local_files_only=True)
    settings = Gemma3Processor.get_processor_dict(folder, local_files_only=True)[0]
    return Gemma3Processor(
        image_processor=images,
        tokenizer=tokenizer,
        chat_template=settings.get("chat_template") or tokenizer.chat_template,
        image_seq_length=image_tokens,
    )


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _stop_ids(model: Gemma3ForConditionalGeneration) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    return frozenset([ends] if isinstance(ends, int) else ends or ())


def _thought_ids(tokenizer: Any) -> tuple[int, int] | None:
    known = tokenizer.get_vocab()
    if not all(each in known for each in THOUGHT):
        return None
    return known[THOUGHT[0]], known[THOUGHT[1]]
