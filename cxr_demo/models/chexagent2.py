"""CheXagent 2: transformers' Phi and SigLIP, and a resampler of ours between them.

pixels (512, 512, 3) -> SigLIP without its last norm and head -> 1024 features
                     -> resampler -> 1024 positions inside the prompt's embeddings
"""

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Resampling
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from torch import Tensor, nn
from transformers import PhiConfig, PhiForCausalLM, SiglipVisionConfig, SiglipVisionModel

from cxr_demo.models import checkpoint, hardware
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.images import squashed_square
from cxr_demo.models.loading import Progress
from cxr_demo.models.networks import ATTENTION, CausalNetwork
from cxr_demo.models.scaling import Scaling
from cxr_demo.models.streaming import Place, Where, read_json, taken, understood
from cxr_demo.models.vlm import VisionLanguageModel
from cxr_demo.records import Precision, Prompt, Radiograph

END = "<|endoftext|>"
IMAGE = ("<|img|>", "<|imgpad|>", "<|/img|>")
"""Tokens around the image and at each of its positions."""
SYSTEM = "You are a helpful assistant."
VERSION = "#version"
"""Begins the one line of `merges.txt` that is no merge."""
HALF = [0.5, 0.5, 0.5]

# As published; what the checkpoint's own config.json names goes first.
_TEXT: dict[str, Any] = {
    "vocab_size": 51_200,
    "hidden_size": 2560,
    "intermediate_size": 10_240,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "hidden_act": "gelu_new",
    "layer_norm_eps": 1e-5,
    "partial_rotary_factor": 0.4,
    "rope_theta": 10_000.0,
    "max_position_embeddings": 2048,
}
_VISION: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 512,
    "patch_size": 16,
}
_ADDED = ("img", "/img", "imgpad", "ref", "/ref", "box", "/box", "quad", "/quad")
# Known and not needed: SigLIP's pooling and last norm, and buffers that are computed anew.
_UNUSED = ("model.visual.model.head.", "model.visual.model.post_layernorm.")
_COMPUTED = (".rotary_emb.inv_freq", ".embeddings.position_ids")


class Visual(nn.Module):
    """Vision tower and resampler, named as the checkpoint names them."""

    def __init__(self, vision: Any, width: int) -> None:
        super().__init__()
        tower: Any = SiglipVisionModel(vision)
        tower = getattr(tower, "vision_model", tower)  # nested in some versions of transformers
        tower.post_layernorm = nn.Identity()
        self.model = tower
        self.side = vision.image_size
        positions = (vision.image_size // vision.patch_size) ** 2
        self.pos_embed = nn.Parameter(torch.empty(positions, vision.hidden_size))
        self.attn_pool = nn.Sequential(
            nn.Linear(vision.hidden_size, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.ln_post = nn.LayerNorm(width, eps=1e-6)
        self.proj = nn.Parameter(torch.empty(width, width))

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, positions, D), ready to stand among the text's embeddings."""
        features = self.model(pixels).last_hidden_state + self.pos_embed
        done: Tensor = self.ln_post(self.attn_pool(features)) @ self.proj
        return done


class CheXagent2Native(nn.Module):
    """All weights: `language` (Phi) and `visual`."""

    def __init__(self, text: Any, vision: Any) -> None:
        super().__init__()
        self.language = PhiForCausalLM(text)
        self.visual = Visual(vision, text.hidden_size)


class Words:
    """The byte-level tokenizer of `vocab.json` and `merges.txt`, with the added control tokens."""

    def __init__(self, folder: Path) -> None:
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        merges = [each for each in lines if each and not each.startswith(VERSION)]
        pairs = [(one, other) for one, _, other in (each.partition(" ") for each in merges)]
        self._tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=pairs))
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.decoder = decoders.ByteLevel()
        self._tokenizer.add_special_tokens([END, *(f"<|{name}|>" for name in _ADDED)])
        self._tokenizer.encode_special_tokens = True  # text stays text, also "<|img|>"
        vocabulary = self.vocabulary
        self._control = {each: vocabulary[each] for each in (END, *IMAGE)}

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""
        return dict(self._tokenizer.get_vocab())

    def id(self, token: str) -> int:
        """Id of `END` or of one of `IMAGE`."""
        return self._control[token]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; nothing in it is taken for a control token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: list[int]) -> str:
        """Text of `ids`. The marks of boxes stay, those of the image and the end go."""
        shown = [each for each in ids if each not in self._control.values()]
        return str(self._tokenizer.decode(shown, skip_special_tokens=False))


class CheXagent2Model(VisionLanguageModel):
    """A loaded CheXagent 2; see `models.base.Model`."""

    def __init__(
        self,
        card: ModelCard,
        precision: Precision,
        native: CheXagent2Native,
        words: Words,
        digest: Future[str],
        stand_in: bool,
    ) -> None:
        network = CausalNetwork(native.language)
        stop = frozenset([words.id(END)])
        super().__init__(card, precision, native, network, digest, stand_in, stop)
        self._words = words
        self._visual = native.visual
        self._scaled = Scaling(HALF, HALF, network.device, network.dtype)
        self._side: int = native.visual.side
        self._image_tokens = native.visual.pos_embed.shape[0]

    @property
    def side(self) -> int:
        """Pixels along each side of the image."""
        return self._side

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""
        return self._words.vocabulary

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that this model is given: (S, S, 3) uint8."""
        return squashed_square(radiograph, self.side, Resampling.BICUBIC)

    def prompt_text(self, prompt: Prompt) -> str:
        """The whole prompt, one `<|imgpad|>` for the image."""
        return "".join(_pieces(prompt))

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The ids of `prefix`, position for position, the image's placeholders included."""
        ids: list[int] = []
        for piece in _pieces(prompt):
            if piece in (END, *IMAGE):
                times = self._image_tokens if piece == IMAGE[1] else 1
                ids += [self._words.id(piece)] * times
            else:
                ids += self._words.encode(piece)
        return ids

    def image_places(self, ids: Tensor) -> Tensor:
        """(B, T) bool; the image is causal, too."""
        return ids == self._words.id(IMAGE[1])

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
        return self._native.language, inputs

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`."""
        return self._words.decode(ids)

    def close(self) -> None:
        """Free the device's memory; the model cannot be used afterwards."""
        del self._visual
        super().close()

    @torch.no_grad()
    def features(self, pixels: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 -> (B, positions, D)."""
        features: Tensor = self._visual(self._scaled(pixels))
        return features


def load(card: ModelCard, precision: Precision, device: str, progress: Progress) -> CheXagent2Model:
    """Load from the card's folder; see `cxr_demo.models.load` for the errors."""
    place = torch.device(device)
    hardware.check_precision(card, precision, place)
    found = checkpoint.find(card, precision, place)
    native = build(card, found.folder)
    found.fill(native, where, place, progress)
    with understood(card, "vocab.json, merges.txt"):
        words = Words(found.folder)
    return CheXagent2Model(card, precision, native, words, found.digest, found.stand_in)


def build(card: ModelCard, folder: Path) -> CheXagent2Native:
    """The empty model that `config.json` in `folder` describes, on the meta device.

    Phi's fields stand at the top, as published, or in `text_config`; SigLIP's in `vision_config`.
    Raises WeightsRefused if they describe no such model."""
    found = read_json(card, folder / "config.json")
    with understood(card, "config.json"):
        text = taken(_TEXT, found.get("text_config", found))
        text |= {"tie_word_embeddings": False, "attn_implementation": ATTENTION}
        vision = taken(_VISION, found.get("vision_config"))
        vision |= {"vision_use_head": False, "attn_implementation": "sdpa"}
        with torch.device("meta"):
            return CheXagent2Native(PhiConfig(**text), SiglipVisionConfig(**vision))


def where(stored: str) -> Place | None:
    """Place of a published tensor in `CheXagent2Native`."""
    if stored.startswith(_UNUSED) or stored.endswith(_COMPUTED):
        return None
    if stored.startswith("model.visual."):
        return Place(stored.removeprefix("model."))
    return Place(f"language.{stored}")


def places(native: CheXagent2Native) -> Where:
    """Place of a stored tensor in `native`: the same in all."""
    return where


def _pieces(prompt: Prompt) -> tuple[str, ...]:
    """The prompt's plain text and, each on its own, its control tokens. No text is only such a
    token: all begin with the template's own words."""
    system, user = f"<|system|>\n{prompt.system or SYSTEM}", "\n<|user|>\n"
    asked: tuple[str, ...] = (f"{user}Picture 1:", *IMAGE, f"\n{prompt.text}")
    if not prompt.image:
        asked = (f"{user}{prompt.text}",)
    return (system, END, *asked, END, "\n<|assistant|>\n")
