"""The kernels' operations for several sequences: products by cuBLAS, 4 bits unpacked once for all
rows, and everything between two products in one kernel.
"""

from ctypes import c_int, c_int64, c_void_p

import torch
from torch import Tensor
from torch.nn import functional

from cxr_demo.decoding.fused.arguments import add_of, codes_of, filled, levels_of, piece
from cxr_demo.decoding.fused.attending import Attending
from cxr_demo.decoding.fused.compiler import Kernels
from cxr_demo.decoding.fused.forward import Entered
from cxr_demo.decoding.fused.parts import Decoder, Matrix, Norm
from cxr_demo.decoding.slots import SlotCache

MOST_UNPACKED = 64 * 1024**2
"""Weights that are unpacked at a time; a larger matrix goes in slices of its rows."""
_EIGHTS_A_BLOCK = 256 * 4


class BatchOperations:
    """See `forward.Operations`; any number of rows."""

    def __init__(self, decoder: Decoder, slots: int, device: torch.device) -> None:
        """Raises Unsuited or CompilerMissing."""
        self._decoder, self._device = decoder, device
        self._attending = Attending(decoder, slots, device)
        self._act_name = f"activate<{int(decoder.act)}>"
        names = [self._attending.name, self._act_name, "unpack", *self._prepare_names()]
        self._kernels = Kernels(names, device)
        self._codes, self._levels = codes_of(decoder), levels_of(decoder)
        self._unpacked = self._scratch()

    def begin(self, cache: SlotCache) -> None:
        """Angles for all columns of `cache`."""
        self._attending.begin(cache)

    def enter(self, x: Tensor, y: Tensor | None, index: int) -> Entered:
        """Add, norm, project to queries, keys and values, and perhaps to the MLP's middle."""
        layer = self._decoder.layers[index]
        before = self._decoder.layers[index - 1].after_mlp if index else None
        x, h = self._prepared(x, y, before, layer.before_attention)
        q, k, v = (self._product(h, each) for each in (layer.q, layer.k, layer.v))
        beside = layer.before_mlp is None
        middle = self._activated(self._product(h, layer.up), None) if beside else None
        return Entered(x, q, k, v, middle)

    def attend(self, entered: Entered, cache: SlotCache, index: int) -> Tensor:
        """Norm and rotate, store in the next column of `cache`, attend."""
        return self._attending.run(self._kernels, entered, cache, index)

    def out(self, attended: Tensor, index: int) -> Tensor:
        """Attention's output projection."""
        return self._product(attended, self._decoder.layers[index].o)

    def middle(self, x: Tensor, y: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Add, norm, and the MLP's middle."""
        layer = self._decoder.layers[index]
        assert layer.before_mlp is not None
        x, h = self._prepared(x, y, layer.after_attention, layer.before_mlp)
        up = self._product(h, layer.up)
        if layer.gate is None:
            return x, self._activated(up, None)
        return x, self._activated(self._product(h, layer.gate), up)

    def down(self, middle: Tensor, index: int) -> Tensor:
        """The MLP's output."""
        return self._product(middle, self._decoder.layers[index].down)

    def join(self, attended: Tensor, middle: Tensor, index: int) -> Tensor:
        """Both outputs together."""
        return self.out(attended, index) + self.down(middle, index)

    def finish(self, x: Tensor, y: Tensor) -> Tensor:
        """Add, norm, head."""
        last = self._decoder.layers[-1].after_mlp
        _, h = self._prepared(x, y, last, self._decoder.last)
        return self._product(h, self._decoder.head)

    # ------------------------------------------------------------ launches

    def _prepare_names(self) -> list[str]:
        about, some = self._decoder, torch.empty(0)
        found = []
        for index, layer in enumerate(about.layers):
            before = about.layers[index - 1].after_mlp if index else None
            found.append(self._name(layer.before_attention, some if index else None, before))
            if layer.before_mlp is not None:
                found.append(self._name(layer.before_mlp, some, layer.after_attention))
        return [*found, self._name(about.last, some, about.layers[-1].after_mlp)]

    def _name(self, norm: Norm, y: Tensor | None, y_norm: Norm | None) -> str:
        return f"prepare<{self._decoder.hidden},{int(norm.kind)},{add_of(y, y_norm)}>"

    def _prepared(
        self, x: Tensor, y: Tensor | None, y_norm: Norm | None, norm: Norm
    ) -> tuple[Tensor, Tensor]:
        x = x.contiguous()
        total, h = torch.empty_like(x), torch.empty_like(x)
        given = filled(x, y, total, y_norm, norm)
        name, out = self._name(norm, y, y_norm), c_void_p(h.data_ptr())
        self._kernels.launch(name, (len(x), 1, 1), 256, [given, out])
        return total, h

    def _activated(self, gate: Tensor, up: Tensor | None) -> Tensor:
        out = torch.empty_like(gate)
        words = gate.numel() // 2
        arguments = [
            c_void_p(gate.data_ptr()),
            c_void_p(None if up is None else up.data_ptr()),
            c_void_p(out.data_ptr()),
            c_int(words),
        ]
        blocks = min(4096, -(-words // 256))
        self._kernels.launch(self._act_name, (blocks, 1, 1), 256, arguments)
        return out

    def _product(self, x: Tensor, matrix: Matrix) -> Tensor:
        found = matrix.values
        if isinstance(found, Tensor):
            return functional.linear(x, found, matrix.bias)
        step = self._rows_at_once(matrix)
        parts = []
        for first in range(0, matrix.rows, step):
            rows = min(step, matrix.rows - first)
            bias = None if matrix.bias is None else matrix.bias[first : first + rows]
            parts.append(functional.linear(x, self._unpack(matrix, first, rows), bias))
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    def _unpack(self, matrix: Matrix, first: int, rows: int) -> Tensor:
        eights = rows * matrix.columns // 8
        arguments = [
            piece(matrix, first, rows),
            c_void_p(self._codes.data_ptr()),
            c_void_p(self._levels.data_ptr()),
            c_void_p(self._unpacked.data_ptr()),
            c_int64(eights),
        ]
        blocks = -(-eights // _EIGHTS_A_BLOCK)
        self._kernels.launch("unpack", (blocks, 1, 1), 256, arguments)
        return self._unpacked[: rows * matrix.columns].view(rows, matrix.columns)

    def _rows_at_once(self, matrix: Matrix) -> int:
        if matrix.rows * matrix.columns <= MOST_UNPACKED:
            return matrix.rows
        whole_groups = 64 * 256  # rows of so many begin a new outer scale, whatever the columns
        return max(1, MOST_UNPACKED // matrix.columns // whole_groups) * whole_groups

    def _scratch(self) -> Tensor:
        """Room for the largest part that is unpacked at once; empty without 4 bits."""
        about = self._decoder
        matrices = [about.head]
        for layer in about.layers:
            matrices += [layer.q, layer.k, layer.v, layer.o, layer.up, layer.down]
            matrices += [] if layer.gate is None else [layer.gate]
        sizes = [
            min(each.rows, self._rows_at_once(each)) * each.columns for each in matrices if each.nf4
        ]
        return torch.empty(max(sizes, default=0), dtype=torch.bfloat16, device=self._device)
