"""Gemma 3 with vision: the embedded model, MedGemma 4B and MedGemma 1.5 4B, all on transformers'
native classes.

    pixels (S, S, 3) -> vision tower -> projector -> 256 positions inside the prompt's embeddings
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    GenerationConfig,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from cxr_demo.decoding.cache import LayerShape
from cxr_demo.decoding.fused.parts import Decoder
from cxr_demo.decoding.masks import Masks
from cxr_demo.errors import WeightsRefused, both
from cxr_demo.models import checkpoint, fusing, hardware
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.images import padded_square
from cxr_demo.models.loading import load_native
from cxr_demo.models.networks import NativeNetwork
from cxr_demo.models.scaling import Scaling
from cxr_demo.models.streaming import Place, Where, read_json, understood
from cxr_demo.models.vlm import VisionLanguageModel
from cxr_demo.records import Precision, Prompt, Radiograph

THOUGHT = ("<unused94>", "<unused95>")
"""MedGemma 1.5 may think aloud between these two tokens; that is not part of a report."""
_RENAMED = {
    "language_model.model.": "model.language_model.",
    "multi_modal_projector.": "model.multi_modal_projector.",
    "vision_tower.": "model.vision_tower.",
}
"""Beginnings of published names, and of the native model's; newer files hold the latter."""
_TIED = ("lm_head.weight", "language_model.lm_head.weight")
"""The head's names: its weight is the table's, whether a file repeats it or not."""
_TOWER = "model.vision_tower."


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

    def describe(self) -> Decoder:
        """For the compiled path. Raises NotFusable."""
        return fusing.gemma(self._body, self._head)

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
        images, net = processor.image_processor, self._network
        self._scaled = Scaling(images.image_mean, images.image_std, net.device, net.dtype)

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
        image = [{"type": "image"}] if prompt.image else []
        messages.append({"role": "user", "content": [*image, _part(prompt.text)]})
        text = self._processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(text)

    def image_places(self, ids: Tensor) -> Tensor:
        """(B, T) bool."""
        return ids == self._native.config.image_token_id

    def stock_inputs(self, seen: Seen, prompt: Prompt) -> tuple[Any, dict[str, Any]]:
        """For `stock`: whose `generate()`, and its arguments."""
        inputs = self._processor(
            text=self.prompt_text(prompt),
            images=[seen.pixels] if prompt.image else None,
            do_resize=False,  # `see` did, and what was seen must be what goes in
            add_special_tokens=False,  # the template wrote them
            return_tensors="pt",
        ).to(self._network.device)
        if prompt.image:
            inputs["pixel_values"] = inputs["pixel_values"].to(self._network.dtype)
        return self._native, dict(inputs)

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
    def features(self, pixels: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 -> (B, positions, D)."""
        core = self._native.model
        features: Tensor = core.multi_modal_projector(
            core.vision_tower(pixel_values=self._scaled(pixels)).last_hidden_state
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
    found = checkpoint.find(card, precision, place)
    if precision is Precision.BNB4_DEFAULT:  # as the library itself does it
        kind = Gemma3ForConditionalGeneration
        native = load_native(kind, card, found.installed, precision, place, progress)
    else:
        native = build(card, found.folder)
        found.fill(native, places(native), place, progress)
    with understood(card, "tokenizer.json, preprocessor_config.json"):
        processor = load_processor(found.folder, native.config.mm_tokens_per_image)
    return GemmaModel(card, precision, native, processor, found.digest, found.stand_in)


def build(card: ModelCard, folder: Path) -> Gemma3ForConditionalGeneration:
    """The empty model that `config.json` in `folder` describes, on the meta device.

    Raises WeightsRefused if it describes no such model."""
    named = read_json(card, folder / "config.json").get("model_type")
    if named != Gemma3Config.model_type:  # else transformers warns, and tries
        raise WeightsRefused(
            model=card.name,
            detail=both(
                f"config.json describes “{named}” instead of “{Gemma3Config.model_type}”",
                f"config.json descreve “{named}” em vez de “{Gemma3Config.model_type}”",
            ),
        )
    with understood(card, "config.json"):
        config = Gemma3Config.from_pretrained(folder, local_files_only=True)
        parts: tuple[Any, ...] = (config, config.text_config, config.vision_config)
        for each in parts:
            each._attn_implementation = "sdpa"
        with torch.device("meta"):
            native = Gemma3ForConditionalGeneration(config)
        native.tie_weights()
    if (folder / "generation_config.json").is_file():
        with understood(card, "generation_config.json"):
            native.generation_config = GenerationConfig.from_pretrained(folder)
    return native


def places(native: Gemma3ForConditionalGeneration) -> Where:
    """Place of a stored tensor in `native`. The vision tower's parts are nested in some files, and
    in some versions of transformers, and not in others."""
    nested = f"{_TOWER}vision_model."
    tower = nested if hasattr(native.model.vision_tower, "vision_model") else _TOWER

    def where(stored: str) -> Place | None:
        if stored in _TIED:
            return None
        name = stored
        for before, now in _RENAMED.items():
            if stored.startswith(before):
                name = now + stored.removeprefix(before)
        if name.startswith(_TOWER):
            name = tower + name.removeprefix(nested).removeprefix(_TOWER)
        return Place(name)

    return where


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
