"""How the work of a matrix-vector product is shared out: columns among warps, rows among blocks."""

from dataclasses import dataclass, replace

from cxr_demo.decoding.fused.arguments import Unsuited

ROWS, GATED, PAIR = 0, 1, 2  # cuda/common.cu: enum Shape
LONGEST_SLICE = 2560
"""Columns whose input a warp holds in registers."""
_LANES = 256  # columns that a warp reads at a time
_DECLARED = 3 * 1024
"""Bytes of shared memory that a block has beside the input: codes of scales, sums, the driver's."""
_LEAST_ROUNDS = 4
"""Whose sums are kept, even if fewer blocks are at work at once then."""


@dataclass(frozen=True)
class Card:
    """What of a GPU decides how work is shared out. `shared`: bytes of shared memory of one
    multiprocessor; `table`: of those, what the 4-bit pairs take in each block."""

    multiprocessors: int
    shared: int
    table: int


@dataclass(frozen=True)
class Plan:
    """Which instance of `gemv` computes a group of `pieces` matrices. Columns are split among
    `slices` warps; `groups` units are at work in a block, each a row, or two of them (`twice`)."""

    nf4: bool
    shape: int
    pieces: int
    columns: int
    slices: int
    groups: int
    twice: bool
    norm: int
    add: int
    act: int

    @property
    def name(self) -> str:
        """The template instance."""
        matrices = (int(self.nf4), self.shape, self.pieces, self.columns)
        split = (self.slices, self.groups, int(self.twice))
        return f"gemv<{','.join(map(str, (*matrices, *split, self.norm, self.add, self.act)))}>"

    @property
    def threads(self) -> int:
        """Of a block."""
        return 32 * self.slices * self.groups

    def rounds(self, rows: int, card: Card) -> int:
        """How often all of `card` is at work until `rows` are done."""
        return -(
            -self._units(rows) // (card.multiprocessors * resident(self.threads) * self.groups)
        )

    def split(self, rows: int, card: Card) -> tuple[int, int]:
        """Blocks, and the dynamic shared memory of each in bytes: as many blocks as share `rows`
        evenly and are all at work at once, or several times as many, one after the other, where
        there is no room for the sums of all their rounds."""
        rounds = self.rounds(rows, card)
        table = card.table if self.nf4 else 0
        declared = _DECLARED + (2 * self.columns if self.norm else 0)
        room = card.shared // resident(self.threads) - declared - table
        rounds = -(-rounds // -(-rounds // max(_LEAST_ROUNDS, room // self._kept)))
        return -(-self._units(rows) // (rounds * self.groups)), table + rounds * self._kept

    def _units(self, rows: int) -> int:
        return rows // 2 if self.twice else rows

    @property
    def _kept(self) -> int:
        """Bytes of a round's sums: eight numbers of a warp for each row."""
        return 32 * (2 if self.twice or self.shape == GATED else 1) * self.slices * self.groups


def slices_of(columns: int) -> int:
    """Into how many equal slices of at most `LONGEST_SLICE` columns. Raises Unsuited."""
    for count in range(1, 9):
        if columns % (count * _LANES) == 0 and columns // count <= LONGEST_SLICE:
            return count
    raise Unsuited(f"{columns} columns")


def slices_of_pair(first: int, second: int) -> int:
    """As `slices_of`, where the first slice is one matrix and the others are the second. Raises
    Unsuited."""
    slices = 1 + second // first
    if second % first or first > LONGEST_SLICE or first % _LANES or slices > 8:
        raise Unsuited(f"a pair of {first} and {second} columns")
    return slices


def split_of(plan: Plan, rows: int, card: Card) -> Plan:
    """`plan` for `rows`, with the units that were fastest (benchmarks/LOG.md, "What 4 bits wait
    for"): blocks of about 8 warps; in 4 bits, where each block spreads a table first, one of 16
    rather than two of 8 if there is a norm to compute as well, and else two rows at once, which
    keep more weights on their way, if they share the work as evenly as single ones."""
    plan = replace(plan, groups=max(1, 8 // plan.slices))
    if not plan.nf4 or plan.shape == GATED:
        return plan
    if plan.shape == ROWS and plan.norm:
        return replace(plan, groups=max(1, 16 // plan.slices))
    two = replace(plan, twice=True)
    if (
        plan.shape == ROWS
        and rows % 2 == 0
        and 2 * two.rounds(rows, card) <= plan.rounds(rows, card)
    ):
        return two
    return replace(plan, groups=2) if plan.slices > 4 else plan


def resident(threads: int) -> int:
    """Blocks at work on a multiprocessor at once (cuda/product.cu: resident)."""
    return 512 // threads if threads <= 256 else 2 if threads <= 320 else 1
