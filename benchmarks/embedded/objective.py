"""The model in training: a Gemma 3 with two heads that exist only then, and its losses.

Shared image: the vision tower runs once per phantom, its tokens are read by several prompts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Gemma3ForConditionalGeneration

from benchmarks.embedded.recipe import Recipe
from benchmarks.embedded.texts import IGNORED
from cxr_demo.findings import FINDINGS


class Heads(nn.Module):
    """Where in the image is each finding, and is it there at all; dropped after training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.Linear(width, len(FINDINGS))
        self.image = nn.Linear(2 * width, len(FINDINGS))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """(B, G*G, W) patch features to map logits (B, 14, G*G) and image logits (B, 14)."""
        whole = torch.cat([patches.mean(1), patches.amax(1)], 1)
        return self.maps(patches).transpose(1, 2), self.image(whole)


@dataclass(frozen=True)
class Losses:
    """Parts of the objective, each a scalar tensor."""

    text: Tensor
    maps: Tensor
    image: Tensor

    def total(self, recipe: Recipe) -> Tensor:
        """Their weighted sum."""
        return self.text + recipe.map_weight * self.maps + recipe.image_weight * self.image


def encode(model: Gemma3ForConditionalGeneration, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 3, S, S) to patch features (B, G*G, W) and image tokens (B, T, D)."""
    patches = model.model.vision_tower(pixel_values=pixels).last_hidden_state
    return patches, model.model.multi_modal_projector(patches)


def text_loss(
    model: Gemma3ForConditionalGeneration, soft: Tensor, ids: Tensor, labels: Tensor, start: int
) -> Tensor:
    """Mean cross-entropy of the labelled tokens, the first of them at `start` or behind it. `soft`
    (B, T, D); `ids` and `labels` (B, L), the image in the same place in every row, padding only
    behind the end."""
    hidden = read(model, soft, ids)[:, start - 1 : -1]
    logits = model.lm_head(hidden).float()
    return functional.cross_entropy(
        logits.flatten(0, 1), labels[:, start:].flatten(), ignore_index=IGNORED
    )


def read(model: Gemma3ForConditionalGeneration, soft: Tensor, ids: Tensor) -> Tensor:
    """Hidden states (B, L, D) of the text model over `ids` (B, L) with image tokens `soft`."""
    places = ids == model.config.image_token_id
    embedded = model.get_input_embeddings()(ids)
    embedded = embedded.masked_scatter(places.unsqueeze(-1), soft.to(embedded.dtype))
    # Gemma 3: causal, but the tokens of one image see each other; padding stands behind and is
    # seen by nobody that counts. Every sequence here is shorter than the sliding window.
    length = ids.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
    mask = (causal | (places[0][:, None] & places[0][None]))[None, None]
    return model.model.language_model(
        inputs_embeds=embedded,
        attention_mask={"full_attention": mask, "sliding_attention": mask},
        use_cache=False,
    ).last_hidden_state


def head_losses(
    logits: tuple[Tensor, Tensor], maps: Tensor, truth: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropies of map logits (B, 14, G*G) and image logits (B, 14), summed over findings."""
    located, present = logits
    weight = torch.tensor(4.0, device=maps.device)
    per_patch = functional.binary_cross_entropy_with_logits(
        located.float(), maps.flatten(2), pos_weight=weight
    )
    whole = functional.binary_cross_entropy_with_logits(present.float(), truth.float())
    return per_patch * len(FINDINGS), whole * len(FINDINGS)
