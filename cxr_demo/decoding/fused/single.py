"""The kernels' operations for one sequence: norm, residual and product in one kernel, five kernels
a layer (three where attention and MLP run side by side).
"""

import ctypes
from ctypes import c_int, c_void_p

import torch
from torch import Tensor

from cxr_demo.decoding.fused.arguments import (
    Input,
    Piece,
    Unsuited,
    add_of,
    codes_of,
    filled,
    pairs_of,
    piece,
)
from cxr_demo.decoding.fused.attending import Attending
from cxr_demo.decoding.fused.compiler import Kernels, line_of
from cxr_demo.decoding.fused.forward import Entered
from cxr_demo.decoding.fused.parts import Act, Decoder, Matrix, Norm
from cxr_demo.decoding.fused.plans import (
    GATED,
    PAIR,
    ROWS,
    Card,
    Plan,
    slices_of,
    slices_of_pair,
    split_of,
)
from cxr_demo.decoding.slots import SlotCache


class Gemv(ctypes.Structure):
    """cuda/product.cu: Gemv."""

    _fields_ = (
        ("input", Input),
        ("pieces", Piece * 4),
        *((name, c_void_p) for name in ("more", "codes", "pairs", "out")),
        ("rows", c_int),
        ("active_from", c_int),
    )


class SingleOperations:
    """See `forward.Operations`; S is 1."""

    def __init__(self, decoder: Decoder, device: torch.device) -> None:
        """Raises Unsuited or CompilerMissing."""
        self._decoder = decoder
        properties = torch.cuda.get_device_properties(device)
        self._card = Card(
            properties.multi_processor_count,
            properties.shared_memory_per_multiprocessor,
            256 << line_of(device),
        )
        self._attending = Attending(decoder, 1, device)
        plans = [*self._plans()]
        self._kernels = Kernels([self._attending.name, *(each.name for each in plans)], device)
        layer, width = decoder.layers[0], decoder.width
        kv = decoder.kv_heads * width

        def room(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.bfloat16, device=device)

        self._x, self._y = room(2, 1, decoder.hidden), room(1, decoder.hidden)
        self._qkv = room(1, decoder.heads * width + 2 * kv + layer.up.rows)
        self._gated = room(1, layer.up.rows)
        self._logits = room(1, decoder.head.rows)
        self._pairs, self._codes = pairs_of(decoder), codes_of(decoder)

    def begin(self, cache: SlotCache) -> None:
        """Angles for all columns of `cache`."""
        self._attending.begin(cache)

    def enter(self, x: Tensor, y: Tensor | None, index: int) -> Entered:
        """Add, norm, project to queries, keys and values, and perhaps to the MLP's middle."""
        layer, about = self._decoder.layers[index], self._decoder
        before = self._decoder.layers[index - 1].after_mlp if index else None
        pieces = [layer.q, layer.k, layer.v]
        beside = layer.before_mlp is None
        q, kv = layer.q.rows, layer.k.rows
        act = Act.NONE
        if beside:
            pieces.append(layer.up)
            act = about.act
        out = self._qkv[:, : sum(each.rows for each in pieces)]
        plan = self._plan(pieces, ROWS, layer.before_attention, y, before, act)
        new = self._product(plan, pieces, x, y, before, layer.before_attention, out, q + 2 * kv)
        middle = out[:, q + 2 * kv :] if beside else None
        return Entered(new, out[:, :q], out[:, q : q + kv], out[:, q + kv : q + 2 * kv], middle)

    def attend(self, entered: Entered, cache: SlotCache, index: int) -> Tensor:
        """Norm and rotate, store in the next column of `cache`, attend."""
        return self._attending.run(self._kernels, entered, cache, index)

    def out(self, attended: Tensor, index: int) -> Tensor:
        """Attention's output projection."""
        return self._plain(self._decoder.layers[index].o, attended)

    def middle(self, x: Tensor, y: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Add, norm, and the MLP's middle."""
        layer, about = self._decoder.layers[index], self._decoder
        assert layer.before_mlp is not None
        assert layer.gate is not None
        pieces = [layer.gate, layer.up]
        plan = self._plan(pieces, GATED, layer.before_mlp, y, layer.after_attention, about.act)
        new = self._product(
            plan, pieces, x, y, layer.after_attention, layer.before_mlp, self._gated
        )
        return new, self._gated

    def down(self, middle: Tensor, index: int) -> Tensor:
        """The MLP's output."""
        return self._plain(self._decoder.layers[index].down, middle)

    def join(self, attended: Tensor, middle: Tensor, index: int) -> Tensor:
        """Both outputs together."""
        layer = self._decoder.layers[index]
        pieces = [layer.o, layer.down]
        call = self._call(pieces, attended, self._y, layer.o.rows)
        call.more = middle.data_ptr()
        self._launch(self._pair_plan(layer.o, layer.down), call)
        return self._y

    def finish(self, x: Tensor, y: Tensor) -> Tensor:
        """Add, norm, head."""
        about = self._decoder
        before = about.layers[-1].after_mlp
        plan = self._plan([about.head], ROWS, about.last, y, before, Act.NONE)
        self._product(plan, [about.head], x, y, before, about.last, self._logits)
        return self._logits

    # ------------------------------------------------------------ plans

    def _plans(self) -> list[Plan]:
        """Every instance that a step needs."""
        found, about, some = [], self._decoder, torch.empty(0)
        for index, layer in enumerate(about.layers):
            before = about.layers[index - 1].after_mlp if index else None
            y = some if index else None
            if layer.before_mlp is None:
                pieces = [layer.q, layer.k, layer.v, layer.up]
                found.append(self._plan(pieces, ROWS, layer.before_attention, y, before, about.act))
                found.append(self._pair_plan(layer.o, layer.down))
                continue
            if layer.gate is None:
                raise Unsuited("an MLP of two matrices behind attention")
            pieces, after = [layer.q, layer.k, layer.v], layer.after_attention
            found.append(self._plan(pieces, ROWS, layer.before_attention, y, before, Act.NONE))
            gated = [layer.gate, layer.up]
            found.append(self._plan(gated, GATED, layer.before_mlp, some, after, about.act))
            found += [self._plan([each], ROWS, None, None, None) for each in (layer.o, layer.down)]
        last = about.layers[-1].after_mlp
        found.append(self._plan([about.head], ROWS, about.last, some, last, Act.NONE))
        return found

    def _plan(
        self,
        pieces: list[Matrix],
        shape: int,
        norm: Norm | None,
        y: Tensor | None,
        y_norm: Norm | None,
        act: Act = Act.NONE,
    ) -> Plan:
        kinds = {(each.nf4, each.columns) for each in pieces}
        if len(kinds) > 1:
            raise Unsuited("matrices of one input stored in different ways")
        nf4, columns = kinds.pop()
        if y_norm is not None and norm is not None and y_norm.kind is not norm.kind:
            raise Unsuited("norms of different kinds")
        slices = slices_of(columns)
        add = add_of(y, y_norm)
        kind = 0 if norm is None else int(norm.kind)
        plan = Plan(nf4, shape, len(pieces), columns, slices, 1, False, kind, add, int(act))
        return split_of(plan, sum(each.rows for each in pieces), self._card)

    def _pair_plan(self, first: Matrix, second: Matrix) -> Plan:
        columns = first.columns + second.columns
        if first.nf4 is not second.nf4:
            raise Unsuited("a pair stored in different ways")
        slices = slices_of_pair(first.columns, second.columns)
        plan = Plan(first.nf4, PAIR, 2, columns, slices, 1, False, 0, 0, 0)
        return split_of(plan, first.rows, self._card)

    # ------------------------------------------------------------ launches

    def _plain(self, matrix: Matrix, source: Tensor) -> Tensor:
        plan = self._plan([matrix], ROWS, None, None, None)
        self._launch(plan, self._call([matrix], source, self._y, matrix.rows))
        return self._y

    def _product(
        self,
        plan: Plan,
        pieces: list[Matrix],
        x: Tensor,
        y: Tensor | None,
        y_norm: Norm | None,
        norm: Norm,
        out: Tensor,
        active_from: int = 0,
    ) -> Tensor:
        rows = pieces[0].rows if plan.shape == GATED else sum(each.rows for each in pieces)
        call = self._call(pieces, x, out, rows)
        new = self._x[0] if x.data_ptr() != self._x[0].data_ptr() else self._x[1]
        call.input = filled(x, y, new, y_norm, norm)
        call.active_from = active_from
        self._launch(plan, call)
        return new

    def _call(self, pieces: list[Matrix], x: Tensor, out: Tensor, rows: int) -> Gemv:
        call = Gemv(out=out.data_ptr(), rows=rows)
        call.input.x = x.data_ptr()
        for place, each in enumerate(pieces):
            call.pieces[place] = piece(each)
        if pieces[0].nf4:
            call.codes, call.pairs = self._codes.data_ptr(), self._pairs.data_ptr()
        return call

    def _launch(self, plan: Plan, call: Gemv) -> None:
        blocks, shared = plan.split(call.rows, self._card)
        self._kernels.launch(plan.name, (blocks, 1, 1), plan.threads, [call], shared)
