"""Language models of transformers' as decoding engines see them."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from cxr_demo.decoding.cache import KeyValueCache, LayerShape
from cxr_demo.decoding.fused.parts import Decoder
from cxr_demo.decoding.masks import Masks
from cxr_demo.models import fusing

ATTENTION = "sdpa_with_our_masks"
"""Name of torch's attention without transformers' own masks: under this name the engine's are used
as they are, and where it gives none, none is made."""
AttentionInterface.register(ATTENTION, sdpa_attention_forward)


class NativeNetwork(ABC):
    """A language model of transformers' as decoding engines see it; see `decoding.engine.Network`.

    `body` turns embeddings into hidden states, `head` turns these into logits."""

    def __init__(
        self, body: Any, head: Any, layers: tuple[LayerShape, ...], window: int | None
    ) -> None:
        self._body, self._head = body, head
        self.layers, self.window = layers, window
        self.positions: int = body.config.max_position_embeddings
        self.device: torch.device = head.weight.device
        # A head that computes in another type than it stores says so.
        self.dtype: torch.dtype = getattr(head, "compute_dtype", head.weight.dtype)

    @abstractmethod
    def mask(self, masks: Masks) -> Any:
        """The engine's masks in the shape that `body` takes."""

    @abstractmethod
    def describe(self) -> Decoder:
        """For the compiled path. Raises NotFusable."""

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D), scaled as the model wants it."""
        embedded: Tensor = self._body.embed_tokens(ids)
        return embedded

    def hidden(
        self, embeddings: Tensor, positions: Tensor, masks: Masks, cache: KeyValueCache
    ) -> Tensor:
        """(B, T, D) -> (B, T, D) after the last norm."""
        done: Tensor = self._body(
            inputs_embeds=embeddings,
            attention_mask=self.mask(masks),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        return done

    def head(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> logits (B, T, V)."""
        logits: Tensor = self._head(hidden)
        return logits


class CausalNetwork(NativeNetwork):
    """A `...ForCausalLM` (Phi, Mistral), built with `ATTENTION`."""

    def __init__(self, model: Any) -> None:
        config = model.config
        window = getattr(config, "sliding_window", None)
        width = getattr(config, "head_dim", None)
        width = width or config.hidden_size // config.num_attention_heads
        shape = LayerShape(config.num_key_value_heads, width, window is not None)
        super().__init__(model.model, model.lm_head, (shape,) * config.num_hidden_layers, window)

    def mask(self, masks: Masks) -> Any:
        """One mask for all layers: the windowed one, which without a window is the full one."""
        return masks.windowed

    def describe(self) -> Decoder:
        """For the compiled path. Raises NotFusable."""
        family = {"phi": fusing.phi, "mistral": fusing.mistral}[self._body.config.model_type]
        return family(self._body, self._head)
