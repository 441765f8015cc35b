"""The twin of the compiled path against transformers' own modules, for all three wirings; and the
4-bit layout that the kernels read."""

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

from cxr_demo.decoding.fused import twin
from cxr_demo.decoding.fused.arguments import codes_of, pairs_of
from cxr_demo.decoding.fused.forward import FusedForward
from cxr_demo.decoding.fused.parts import Matrix
from cxr_demo.decoding.fused.plans import GATED, PAIR, ROWS, Card, Plan, slices_of, split_of
from cxr_demo.decoding.fused.twin import TwinOperations
from cxr_demo.decoding.step import Step, through
from cxr_demo.models import fusing
from cxr_demo.records import Prompt
from tests.models.families import FAMILIES

PROMPT = Prompt("test", "Write the findings section of a report for this chest X-ray.", 200)
STEPS = 200


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def reader(request, tmp_path_factory):
    """A family and its tiny model in float32."""
    torch.set_num_threads(1)
    family = request.param
    return family, family.fp32(family.write(tmp_path_factory.mktemp("checkpoints")))


def forced(model, forward, prefix, ids):
    """(n, V): logits after each of `ids`, forced one after the other through `forward`."""
    network = model._network
    step = Step(network, 1, prefix.valid.shape[1] + len(ids) + 1, forward)
    state = model.decoder.prefill(prefix, 0)
    step.admit(state.cache, torch.tensor([0]), [0])
    found = []
    for id in ids:
        step.ids.fill_(id)
        step.once()
        found.append(step.logits[0].clone())
    return torch.stack(found)


def test_every_step_equals_that_of_the_modules(reader):
    """Past the sliding window, over 200 forced tokens."""
    family, model = reader
    decoder = model._network.describe()
    ours = FusedForward(decoder, model._network.embed, TwinOperations(decoder))
    ids = torch.randint(5, 200, (STEPS,), generator=torch.Generator().manual_seed(1)).tolist()
    assert len(set(ids)) > 20
    prefix = model.prefix(family.seen(1), PROMPT)
    theirs = forced(model, through(model._network), prefix, ids)
    assert (forced(model, ours, prefix, ids) - theirs).abs().max() < 1e-4
    other = forced(model, ours, model.prefix(family.seen(2), PROMPT), ids[:2])
    assert (other - theirs[:2]).abs().max() > 1e-3


@pytest.fixture
def packed():
    """(128, 256) random weights as bitsandbytes stores them, and their values."""
    weight = torch.randn(128, 256, generator=torch.Generator().manual_seed(3)).to(torch.bfloat16)
    data, state = quantize_4bit(weight, compress_statistics=True, quant_type="nf4")
    parameter = torch.nn.Parameter(data, requires_grad=False)
    parameter.quant_state = state
    return fusing.nf4(parameter), dequantize_4bit(data, state)


def test_the_4_bit_layout_is_that_of_bitsandbytes(packed):
    found, values = packed
    assert torch.equal(twin.unpacked(Matrix(128, 256, found), torch.bfloat16), values)


def test_a_byte_stands_for_two_bfloat16_values(packed, reader):
    found, _ = packed
    decoder = reader[1]._network.describe()
    four = decoder.__class__(**{**vars(decoder), "head": Matrix(128, 256, found)})
    pairs = pairs_of(four)
    levels = found.levels.to(torch.bfloat16)
    for byte in (0x00, 0x1E, 0xF7, 0xFF):
        assert pairs[byte].view(1).view(torch.bfloat16).tolist() == [
            float(levels[byte >> 4]),
            float(levels[byte & 15]),
        ]
    assert torch.equal(codes_of(four), found.codes)


def test_other_4_bits_are_not_taken():
    weight = torch.randn(64, 128)
    data, state = quantize_4bit(weight, compress_statistics=False, quant_type="fp4")
    parameter = torch.nn.Parameter(data, requires_grad=False)
    parameter.quant_state = state
    with pytest.raises(fusing.NotFusable, match="fp4"):
        fusing.nf4(parameter)


@pytest.mark.parametrize(
    ("columns", "slices"), [(2048, 1), (2560, 1), (4096, 2), (10_240, 4), (14_336, 7)]
)
def test_columns_go_to_warps_in_equal_slices(columns, slices):
    assert slices_of(columns) == slices


H200 = Card(132, 228 * 1024, 64 * 1024)
SMALL = Card(28, 100 * 1024, 32 * 1024)
"""As an RTX 3060: fewer multiprocessors, and less than half the shared memory on each."""


def plan(shape, columns, slices, norm=0, nf4=True):
    pieces = 1 if shape == ROWS else 2
    return Plan(nf4, shape, pieces, columns, slices, 1, False, norm, 0, 0)


PLANS = [
    (plan(ROWS, 2560, 1, norm=1), 4096),
    (plan(ROWS, 2048, 1), 2560),
    (plan(GATED, 2560, 1, norm=1), 10_240),
    (plan(ROWS, 10_240, 4), 2560),
    (plan(PAIR, 12_800, 5), 2560),
    (plan(ROWS, 14_336, 7), 4096),
    (plan(ROWS, 2560, 1, norm=1, nf4=False), 262_208),
    (plan(ROWS, 2560, 1, norm=1, nf4=False), 262_207),
]


@pytest.mark.parametrize("card", [H200, SMALL], ids=["large", "small"])
@pytest.mark.parametrize(("plan", "rows"), PLANS)
def test_blocks_cover_all_rows_evenly_and_have_room_for_their_sums(plan, rows, card):
    plan = split_of(plan, rows, card)
    blocks, shared = plan.split(rows, card)
    in_a_block = plan.groups * (2 if plan.twice else 1)
    at_a_time = blocks * in_a_block
    rounds = -(-rows // at_a_time)
    assert rounds * at_a_time - rows < (rounds + 1) * in_a_block
    table = card.table if plan.nf4 else 0
    streams = 2 if plan.twice or plan.shape == GATED else 1
    assert shared - table == rounds * plan.slices * plan.groups * streams * 8 * 4
    declared = 2 * plan.columns if plan.norm else 0
    at_once = 2 if plan.threads <= 320 else 1
    assert at_once * (shared + declared) <= card.shared
    assert plan.threads <= 512


def test_two_rows_at_once_only_where_they_share_the_work_as_evenly():
    """2,560 rows of 2,048 columns fill one round in pairs, two alone; of 10,240 columns pairs would
    take three rounds, which are as long as six."""
    assert split_of(plan(ROWS, 2048, 1), 2560, H200).twice
    assert not split_of(plan(ROWS, 10_240, 4), 2560, H200).twice
    assert not split_of(plan(ROWS, 2048, 1), 2559, H200).twice
    assert not split_of(plan(ROWS, 2048, 1, nf4=False), 2560, H200).twice
