"""What a model will need on a GPU, from its tensors and the work. No torch, nothing is run.

    device = context + reserved
    reserved = tensors + cache + activations + what the allocator keeps

Each phase has its own peak; what torch's allocator has once reserved stays, so no later peak is
smaller than an earlier one. The few numbers that cannot be counted stand in `Constants`, fitted on
measurements (`fit.judgement`).
"""

from dataclasses import dataclass

from cxr_demo.fit import storage as storages
from cxr_demo.fit.architectures import ARCHITECTURES, Architecture
from cxr_demo.fit.storage import STORAGES, Storage
from cxr_demo.models.cards import REPORT_TOKENS
from cxr_demo.records import Precision
from cxr_demo.units import MIB


@dataclass(frozen=True)
class Need:
    """Bytes of a GPU at the peak of each phase, less what was used before the process began; the
    driver's and the context's own share included."""

    load: int
    prefill: int
    decode: int

    @property
    def peak(self) -> int:
        """What must be free."""
        return max(self.load, self.prefill, self.decode)


@dataclass(frozen=True)
class Work:
    """`prompt` positions (image included; None: the report's prompt), room for `new` tokens, and
    `batch` radiographs at once."""

    prompt: int | None = None
    new: int = REPORT_TOKENS
    batch: int = 1


@dataclass(frozen=True)
class Constants:
    """Bytes that no shape gives. `bare`: CUDA's context before anything was computed; `context`:
    the same with all kernels and libraries that a reading brings in; `held`: what the allocator
    holds for them (cuBLAS's workspaces, captured graphs, scratch of the compiled path); `gaps`:
    what it reserves and cannot use."""

    bare: int
    context: int
    held: int
    gaps: int


FIRST = Constants(bare=619 * MIB, context=770 * MIB, held=110 * MIB, gaps=120 * MIB)
"""Where no measurement ships with the program: about what an NVIDIA H200 showed."""

GRAIN, SPARE, TOGETHER = 64, 2, 8
"""The engine's: columns by which room is made, columns beyond the longest sequence of a batch, and
images that are prefilled at once."""

PROGRAM = 1024 * MIB
"""Bytes of main memory that Python, torch and transformers take for themselves."""

_REPORT = Work()


def need(
    model: str, precision: Precision, work: Work = _REPORT, constants: Constants = FIRST
) -> Need:
    """The estimate. Raises KeyError for a model whose tensors are not described."""
    shape, storage = ARCHITECTURES[model], STORAGES[precision]
    load = storages.weights(shape, storage) + load_surplus(shape, storage) + constants.bare
    reading = constants.context + constants.held + constants.gaps
    prefill = max(load, reading + prefilling(shape, storage, work))
    return Need(load, prefill, max(prefill, reading + decoding(shape, storage, work)))


def prefilling(shape: Architecture, storage: Storage, work: Work) -> int:
    """Bytes of tensors at the peak of seeing and of the prompt's pass, `held` left out."""
    together = min(work.batch, TOGETHER)
    seeing = vision_activations(shape, storage, together)
    passing = prefill_cache(shape, storage, work, together)
    passing += prefill_activations(shape, storage, work, together)
    kept = storages.weights(shape, storage) + kept_cache(shape, storage, work)
    return kept + captured_head(shape, storage) + max(seeing, passing)


def decoding(shape: Architecture, storage: Storage, work: Work) -> int:
    """Bytes of tensors while tokens are decoded, `held` left out."""
    kept = storages.weights(shape, storage) + kept_cache(shape, storage, work)
    if work.batch > 1:
        kept += captured_head(shape, storage)
    return kept + decode_activations(shape, storage, work)


def load_surplus(shape: Architecture, storage: Storage) -> int:
    """Beyond the finished tensors: the one that is being packed, still whole in bfloat16; of a
    table one slice, and all of its scales before they are quantised."""
    if not storage.packed:
        return 0
    surplus = 2 * shape.largest_linear
    if storage.packs_table and shape.tied:
        elements = shape.text.vocabulary * shape.text.width
        scales = elements // storages.BLOCK * 4
        surplus = max(surplus, scales + 2 * storages.SLICE * shape.text.width)
    return surplus


def kept_cache(shape: Architecture, storage: Storage, work: Work) -> int:
    """Keys and values at fixed addresses, all room of all layers whatever their window: those of
    single readings, and beside them the table of a batch."""
    if work.batch == 1:
        return grained(positions(shape, work) + work.new + 1) * row(shape, storage)
    report = grained(positions(shape, work) + max(work.new, REPORT_TOKENS) + 1)
    table = work.batch * grained(positions(shape, work) + work.new + SPARE)
    return (report + table) * row(shape, storage)


def prefill_cache(shape: Architecture, storage: Storage, work: Work, together: int) -> int:
    """Keys and values of the rows that are prefilled `together`, before they join the table; a
    single reading is prefilled where it stays."""
    if work.batch == 1:
        return 0
    return together * positions(shape, work) * row(shape, storage)


def vision_activations(shape: Architecture, storage: Storage, together: int = 1) -> int:
    """Images in the tower: pixels on their way to the model's type, and the widest moment of a
    block or of the bridge behind it, where a function is applied or a packed layer multiplies."""
    seen, text = shape.vision, shape.text
    pixels = 3 * 3 * seen.side**2 * 4

    def moment(width: int, part: str | None = None) -> int:
        each = seen.positions * width * storage.active
        return together * each + (unpacked(shape, storage, part) if part else 0)

    return max(
        together * pixels + moment(2 * seen.width + 2 * seen.middle),
        together * pixels + moment(3 * seen.width + seen.middle, "vision"),
        moment(seen.width + 2 * seen.bridge),
        moment(seen.bridge + text.width, "resampler"),
    )


def prefill_activations(
    shape: Architecture, storage: Storage, work: Work, together: int = 1
) -> int:
    """All positions of the prompts in one block of the language model, where its function is
    applied or where a packed layer multiplies; and a row of logits each."""
    text = shape.text
    rows = together * positions(shape, work)
    widest = 3 * text.width + (3 if text.gated else 4) * text.middle
    narrow = 3 * text.width + 2 * text.middle
    logits = together * text.vocabulary * storage.active
    return max(
        rows * widest * storage.active,
        rows * narrow * storage.active + unpacked(shape, storage, "text"),
        3 * rows * text.width * storage.active + logits + table_slice(shape, storage, together),
    )


def decode_activations(shape: Architecture, storage: Storage, work: Work) -> int:
    """One position per row: keys and values of one layer as attention sees them, and logits. One
    row multiplies packed layers as they are, several unpack them."""
    text = shape.text
    attended = 2 * (positions(shape, work) + work.new) * text.heads * text.head_width
    whole = unpacked(shape, storage, "text") if work.batch > 1 else 0
    whole = max(whole, table_slice(shape, storage, work.batch))
    return work.batch * (attended + 3 * text.vocabulary) * storage.active + whole


def captured_head(shape: Architecture, storage: Storage) -> int:
    """What the captured step of a single reading keeps to unpack the table in, also while the next
    prompt passes or a batch is at work."""
    return table_slice(shape, storage, 1)


def positions(shape: Architecture, work: Work) -> int:
    """Positions of the prompt, image included."""
    return shape.prompt if work.prompt is None else work.prompt


def row(shape: Architecture, storage: Storage) -> int:
    """Bytes of the keys and values of one position in all layers."""
    text = shape.text
    return 2 * text.layers * text.kv_heads * text.head_width * storage.active


def grained(columns: int) -> int:
    """Columns as the engine makes room for them."""
    return -(-columns // GRAIN) * GRAIN


def unpacked(shape: Architecture, storage: Storage, part: str) -> int:
    """The largest 4-bit layer of `part` ("text", "vision" or "resampler") as many positions
    multiply it."""
    return storage.product * shape.largest(part) if storage.packed else 0


def table_slice(shape: Architecture, storage: Storage, rows: int) -> int:
    """The head's share of it."""
    stored_as_is = storage.fused is None or (storage.packs_table and not shape.tied)
    if stored_as_is or rows <= (storage.fused or 0):
        return 0
    return min(storages.UNPACKED, shape.text.vocabulary * shape.text.width * storage.active)


def host_need(model: str, precision: Precision) -> Need:
    """Bytes of main memory without a GPU: the same tensors, the program itself, and the layers that
    a processor has to unpack. Raises KeyError as `need` does."""
    counted = need(model, precision, constants=Constants(PROGRAM, PROGRAM, 0, 0))
    if not STORAGES[precision].packed:
        return counted
    odd = sum(
        2 * count * rows * columns
        for _, rows, columns, count in ARCHITECTURES[model].linears
        if columns % storages.BLOCK
    )
    return Need(counted.load + odd, counted.prefill + odd, counted.decode + odd)
