"""The attention kernel: its instance, its angles and its work space, for any number of rows."""

import ctypes
from ctypes import c_float, c_int, c_void_p

import torch
from torch import Tensor

from cxr_demo.decoding.fused.compiler import Kernels
from cxr_demo.decoding.fused.forward import Entered
from cxr_demo.decoding.fused.parts import Decoder, Norm
from cxr_demo.decoding.slots import SlotCache

BLOCKS = 264
"""About as many as fill a large GPU twice: columns are split until there are so many."""
MOST_SPLITS = 16
"""More cost more to join than they save (13.7 us a layer with 32, 8.6 with 16: CheXagent 8B)."""


class Attention(ctypes.Structure):
    """cuda/attention.cu: Attention."""

    _fields_ = (
        *(
            (name, c_void_p)
            for name in (
                *("q", "k", "v", "keys", "values", "lengths", "cosines", "sines"),
                *("q_weight", "k_weight", "parts", "counters", "out"),
            )
        ),
        ("scaling", c_float),
        ("eps", c_float),
        *((name, c_int) for name in ("q_stride", "kv_stride", "room", "window")),
    )


class Attending:
    """Launches `attention` for `slots` rows of `decoder`."""

    def __init__(self, decoder: Decoder, slots: int, device: torch.device) -> None:
        self._decoder, self._slots = decoder, slots
        about = decoder
        self.splits = min(MOST_SPLITS, max(1, BLOCKS // (slots * about.kv_heads)))
        rotated = 2 * len(about.layers[0].frequencies)
        numbers = (about.width, rotated, about.heads, about.kv_heads, self.splits)
        self.name = f"attention<{','.join(map(str, numbers))}>"
        self._out = torch.zeros(
            slots, about.heads * about.width, dtype=torch.bfloat16, device=device
        )
        parts = slots * about.heads * self.splits * (about.width + 2)
        self._parts = torch.zeros(parts if self.splits > 1 else 1, device=device)
        self._counters = torch.zeros(slots * about.kv_heads, dtype=torch.int32, device=device)
        self._angles: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def begin(self, cache: SlotCache) -> None:
        """Cosines and sines for all columns of `cache`, computed as transformers computes them."""
        for layer in self._decoder.layers:
            key = (layer.frequencies.data_ptr(), cache.room)
            if key in self._angles:
                continue
            columns = torch.arange(cache.room, device=cache.device)
            angles = columns[:, None].float() * layer.frequencies
            self._angles[key] = (angles.cos().to(cache.dtype), angles.sin().to(cache.dtype))

    def run(self, kernels: Kernels, entered: Entered, cache: SlotCache, index: int) -> Tensor:
        """(S, heads * width); stores keys and values in column `lengths`."""
        about, layer = self._decoder, self._decoder.layers[index]
        cosines, sines = self._angles[(layer.frequencies.data_ptr(), cache.room)]

        def weight(norm: Norm | None) -> int | None:
            return None if norm is None else norm.weight.data_ptr()

        call = Attention(
            q=entered.q.data_ptr(),
            k=entered.k.data_ptr(),
            v=entered.v.data_ptr(),
            keys=cache.keys[index].data_ptr(),
            values=cache.values[index].data_ptr(),
            lengths=cache.lengths.data_ptr(),
            cosines=cosines.data_ptr(),
            sines=sines.data_ptr(),
            q_weight=weight(layer.q_norm),
            k_weight=weight(layer.k_norm),
            parts=self._parts.data_ptr(),
            counters=self._counters.data_ptr(),
            out=self._out.data_ptr(),
            scaling=about.scaling,
            eps=layer.q_norm.eps if layer.q_norm is not None else 0.0,
            q_stride=entered.q.stride(0),
            kv_stride=entered.k.stride(0),
            room=cache.room,
            window=about.window if layer.windowed and about.window is not None else 0,
        )
        kernels.launch(self.name, (about.kv_heads, self.splits, self._slots), 256, [call])
        return self._out
