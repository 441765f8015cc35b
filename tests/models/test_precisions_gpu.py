"""Precisions on a real GPU: the same bits as on paper, one table, no peak that should not be."""

from statistics import mean

import pytest
import torch

from benchmarks import checkpoints
from cxr_demo import models
from cxr_demo.models import checkpoint, preparing, quantising, tables
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from cxr_demo.weights import prepared
from tests.models.families import FAMILIES, PROMPT, cosine, first_logits

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NO NVIDIA GPU HERE: precisions on it are untested"
)
GPU = torch.device("cuda", 0)
PAIRS = [(family, each) for family in FAMILIES for each in card(family.model).evaluated]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path))
    for family in FAMILIES:
        checkpoints.write(family.model, tmp_path / family.model, tiny=True)
    return tmp_path


def load(model, precision):
    return models.load(card(model), precision, "cuda:0")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].model}-{pair[1]}")
def test_every_precision_reads_on_the_gpu(pair, home):
    family, precision = pair
    model = load(family.model, precision)
    assert all(list(model.generate(family.seen(seed), PROMPT)) for seed in (1, 2))
    on_cpu = models.load(card(family.model), precision)
    here = [first_logits(model, each).cpu() for each in seen(family)]
    there = [first_logits(on_cpu, each) for each in seen(family)]
    assert mean(map(cosine, here, there)) > family.rounding - 0.01
    # Replies of a tiny model can agree for two images by chance, their logits cannot: an image is
    # nearer to itself on the other device than to any other image.
    for mine, same in zip(here, there, strict=True):
        assert all(cosine(mine, same) > cosine(mine, each) for each in there if each is not same)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].model}-{pair[1]}")
def test_captured_prefills_are_the_modules(pair, home):
    family, precision = pair
    if precision is Precision.BNB4_DEFAULT:
        pytest.skip("the library's own generate() has no prefill of ours")
    model = load(family.model, precision)
    model.settle()
    for seed in (1, 2, 3, 2):
        found = model.begin(family.seen(seed), PROMPT).logits
        eager = model.decoder.prefill(model.prefix(family.seen(seed), PROMPT), 0).logits
        assert cosine(found.float(), eager.float()) > 0.9999
    assert model._openings.reason is None
    assert model.decoder.opens(PROMPT)


def seen(family):
    return [family.seen(seed) for seed in range(4)]


def table_on(device, count=40_000, width=2560):
    values = torch.randn(count, width, generator=torch.Generator().manual_seed(5)).bfloat16()
    parts = (values[first : first + tables.SLICE] for first in range(0, count, tables.SLICE))
    return values, quantising.quantised(parts, (count, width), torch.bfloat16, device)


def test_the_head_multiplies_without_unpacking_the_table():
    values, table = table_on(GPU)
    head = tables.TableHead(table, torch.bfloat16)
    whole = tables.unpacked(table, 0, 40_000, torch.float32)
    for rows in (1, tables.FUSED_ROWS, 9):
        hidden = torch.randn(rows, 1, 2560, device=GPU).bfloat16()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        logits = head(hidden)
        peak = torch.cuda.max_memory_allocated() - before
        assert cosine(logits.float(), hidden.float() @ whole.T) > 0.9999
        slices = 0 if rows <= tables.FUSED_ROWS else 1.5 * tables.UNPACKED  # with its scales
        assert peak < 8 * logits.nbytes + slices + 2**20
    look = tables.TableLookUp(table, torch.bfloat16, 50.6)
    ids = torch.tensor([[0, 39_999, 17]], device=GPU)
    expected = whole[ids[0]].bfloat16() * 50.5
    assert torch.equal(look(ids)[0], expected)
    # In float64: sums of a hundred million terms in float32 have given a cosine of 1.02.
    assert 0.99 < cosine(whole.cpu().double(), values.double()) < 0.999


def test_a_table_is_quantised_without_being_held_whole():
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    _, table = table_on(GPU, count=200_000)
    peak = torch.cuda.max_memory_allocated() - before
    packed = 200_000 * 2560 // 2
    assert table.nbytes == packed
    assert peak < packed + 4 * tables.SLICE * 2560 * 2  # the table in bfloat16 would be 4 * packed


@pytest.mark.parametrize("precision", prepared.PRECISIONS)
def test_a_copy_made_on_the_gpu_is_bit_for_bit_what_it_makes_at_load(precision, home):
    family = FAMILIES[0]
    before = load(family.model, precision)
    made = preparing.prepare(family.model, precision)
    assert made.about.device == "cuda"
    assert checkpoint.find(card(family.model), precision, GPU).copied
    after = load(family.model, precision)
    first, second = (dict(each._native.state_dict()) for each in (before, after))
    assert set(first) == set(second)
    assert all(torch.equal(_bytes(each), _bytes(second[name])) for name, each in first.items())
    assert torch.equal(*(first_logits(each, family.seen(1)) for each in (before, after)))


def _bytes(tensor):
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
