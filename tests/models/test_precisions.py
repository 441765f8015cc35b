"""Every family in every precision: which layers are 4 bits, by name, and what they compute."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Params4bit

from benchmarks import checkpoints
from cxr_demo import models
from cxr_demo.models import (
    chexagent2,
    chexagent8b,
    cpu_nf4,
    gemma,
    quantising,
    stock,
    streaming,
    tables,
)
from cxr_demo.models.base import Item
from cxr_demo.models.cards import CARDS, card
from cxr_demo.models.loading import load_native, quantized_modules
from cxr_demo.paths import assets_dir
from cxr_demo.records import BatchUse, Precision, StopReason
from cxr_demo.weights import Installed
from tests.models.families import (
    CPU,
    FAMILIES,
    PROMPT,
    batched,
    cosine,
    first_logits,
    followed,
    silent,
    unpacked,
)
from tests.stand_ins import adapted, noise

BF16, NF4, NF4_EMB = Precision.BF16, Precision.NF4, Precision.NF4_EMB
NF4_FP32, BNB4 = Precision.NF4_FP32, Precision.BNB4_DEFAULT
PAIRS = [(family, each) for family in FAMILIES for each in card(family.model).evaluated]
IDS = torch.arange(300, 1500, 60)[None]
BUILT = {"medgemma-4b-it": gemma, "chexagent-2-3b": chexagent2, "chexagent-8b": chexagent8b}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("precisions")


@pytest.fixture(scope="module")
def loaded(root):
    """Loads a family in a precision as the app does, once."""
    known = {}

    def load(family, precision):
        if (family, precision) not in known:
            family.write(root)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CXR_DEMO_MODELS", str(root))
                known[family, precision] = models.load(card(family.model), precision)
        return known[family, precision]

    return load


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].model}-{pair[1]}")
def pair(request):
    return request.param


@pytest.fixture
def model(pair, loaded):
    return loaded(*pair)


def in_4_bits(family, precision):
    """Names of what must be 4 bits."""
    if precision is BF16:
        return []
    return sorted(family.linears + (family.tables if precision is NF4_EMB else []))


def test_the_cards_offer_what_is_tested_here():
    assert [each for each, about in CARDS.items() if NF4_EMB in about.precisions] == [
        "medgemma-4b-it",
        "medgemma-1.5-4b-it",
    ]
    assert not any(BNB4 in about.precisions for about in CARDS.values())
    assert all(BNB4 in about.evaluated for about in CARDS.values() if about.hub)


def test_the_layers_in_4_bits_by_name(pair, model):
    assert quantized_modules(model._native) == in_4_bits(*pair)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_the_layers_in_4_bits_at_true_size(family, tmp_path):
    about = card(family.model)
    checkpoints._write_json(tmp_path / "config.json", checkpoints.layout(family.model).config)
    native = BUILT[family.model].build(about, tmp_path)
    linears = {n for n, each in native.named_modules() if type(each) is torch.nn.Linear}
    shared = streaming.prepare(native, about, NF4_EMB)
    tiny = {_without_number(each) for each in family.linears + family.tables}
    found = set(quantized_modules(native))
    assert {_without_number(each) for each in found} == tiny
    assert found == linears | set(family.tables)
    assert len(shared) == (family.model == "medgemma-4b-it")  # the tied table, and nothing else


def test_a_layer_whose_weight_another_reads_directly_stays_as_it_is():
    pool = torch.nn.MultiheadAttention(64, 2)  # as in SigLIP's head, which breaks in 4 bits
    holder = torch.nn.ModuleDict({"pool": pool, "plain": torch.nn.Linear(64, 64)})
    streaming.prepare(holder, card("chexagent-2-3b"), NF4)
    assert quantized_modules(holder) == ["plain"]


def test_the_cache_changes_nothing(pair, model):
    family, _ = pair
    prefix = model.prefix(family.seen(1), PROMPT)
    forced = model.decoder.force(model.decoder.prefill(prefix, IDS.shape[1]), IDS)
    for count in (0, 1, 7, IDS.shape[1]):
        longer = followed(model, prefix, IDS[0, :count].tolist())
        anew = model.decoder.prefill(longer, 0).logits
        assert cosine(forced[:, count].float(), anew.float()) > family.rounding
    assert cosine(forced[:, 7].float(), forced[:, 6].float()) < 0.9


def test_a_batch_equals_its_rows(pair, model):
    family, _ = pair
    prefixes = [model.prefix(family.seen(at), PROMPT) for at in range(2)]
    prefixes[1] = followed(model, prefixes[1], [301, 302])
    rows = IDS.expand(2, -1)
    both = model.decoder.force(model.decoder.prefill(batched(prefixes), IDS.shape[1]), rows)
    for row, prefix in enumerate(prefixes):
        alone = model.decoder.force(model.decoder.prefill(prefix, IDS.shape[1]), IDS)
        assert cosine(both[row].float(), alone[0].float()) > family.rounding


def test_another_image_gives_other_logits(pair, model):
    family, _ = pair
    one, other = (first_logits(model, family.seen(seed)) for seed in (1, 2))
    assert torch.equal(one, first_logits(model, family.seen(1)))
    assert (one - other).abs().max() > 1e-2


def test_it_computes_what_its_values_say(pair, model, root, record_property):
    family, precision = pair
    twin = family.fp32(root / family.model)
    before = first_logits(twin, family.seen(1))
    assert unpacked(model._native, twin._native) == len(in_4_bits(*pair))
    seen = [family.seen(seed) for seed in range(4)]
    near = [cosine(*(first_logits(each, image) for each in (model, twin))) for image in seen]
    assert sum(near) / 4 > (0.999999 if precision is NF4_FP32 else family.rounding)
    unquantised = cosine(first_logits(model, family.seen(1)), before)
    record_property("cosine_to_unquantised", unquantised)
    if precision is not BF16:
        assert unquantised < 0.9999  # or nothing was quantised


# ---------------------------------------------------------------- NF4_EMB


@pytest.fixture
def medgemma(loaded):
    return loaded(FAMILIES[0], NF4_EMB)


def test_look_up_and_head_are_one_table(medgemma, loaded):
    look, head = medgemma._network._body.embed_tokens, medgemma._network._head
    assert head.weight is look.weight
    assert isinstance(head.weight, Params4bit) and head.weight.dtype is torch.bfloat16
    assert medgemma._network.dtype is torch.bfloat16
    count = 2048 * 64
    others = [p for p in medgemma._native.parameters() if p is not head.weight]
    buffers = list(medgemma._native.buffers())
    assert not any(each.numel() == count for each in [*others, *buffers])  # no second copy
    plain = loaded(FAMILIES[0], NF4)._network._head.weight
    assert head.weight.nbytes * 4 == plain.nbytes


def test_the_look_up_is_scaled_and_takes_any_rows(medgemma, loaded):
    ids = torch.tensor([[5, 2047, 0], [5, 1, 9]])
    found = medgemma._network.embed(ids)
    weight = medgemma._network._head.weight
    table = tables.unpacked(weight, 0, 2048, torch.bfloat16)
    assert torch.equal(found, table[ids] * 8.0)
    near = loaded(FAMILIES[0], NF4)._network.embed(ids)
    assert 0.99 < cosine(found.float(), near.float()) < 1.0


def test_the_head_is_the_product_with_the_same_table(medgemma):
    weight = medgemma._network._head.weight
    hidden = torch.randn(2, 3, 64, dtype=torch.bfloat16)
    table = tables.unpacked(weight, 0, 2048, torch.bfloat16)
    assert torch.equal(medgemma._network.head(hidden), hidden @ table.T)


def test_a_table_by_parts_is_bit_for_bit_that_of_the_library(monkeypatch):
    table = torch.randn(1000, 128, generator=torch.Generator().manual_seed(1)).bfloat16()
    whole = Params4bit(table, quant_type="nf4", quant_storage=torch.bfloat16).to("cpu")
    parts = (table[first : first + 96] for first in range(0, 1000, 96))
    mine = quantising.quantised(parts, (1000, 128), torch.bfloat16, CPU)
    assert torch.equal(mine.data.view(torch.uint8), whole.data.view(torch.uint8))
    ours, theirs = mine.quant_state, whole.quant_state
    assert torch.equal(ours.absmax, theirs.absmax) and ours.offset == theirs.offset
    assert torch.equal(ours.state2.absmax, theirs.state2.absmax)
    monkeypatch.setattr(tables, "UNPACKED", 96 * 128 * 4)
    slices = tables.slices(mine, torch.float32)
    assert [last - first for first, last in slices] == [96] * 10 + [40]
    everything = torch.cat([tables.unpacked(mine, *each, torch.float32) for each in slices])
    picked = torch.tensor([999, 0, 500])
    assert torch.equal(tables.rows(mine, picked, torch.float32), everything[picked])
    assert 0.07 < (everything - table.float()).norm() / table.float().norm() < 0.12


@pytest.mark.parametrize(("shape", "parts"), [((96, 4304), 26), ((128, 320), 3), ((24, 100), 0)])
def test_a_layer_by_parts_on_a_processor_is_that_of_the_library(shape, parts, monkeypatch):
    """Also where a block goes on in the next row; not where the last block is not whole."""
    monkeypatch.setattr(quantising, "PART", 256 * quantising.BLOCK)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(2)).bfloat16()
    made, calls = quantising.quantised, []
    monkeypatch.setattr(quantising, "quantised", lambda *each: calls.append(each) or made(*each))
    empty = {"quant_type": "nf4", "quant_storage": torch.bfloat16}
    owner = torch.nn.Module()
    for dtype in (torch.bfloat16, torch.float32):
        owner.weight = Params4bit(torch.empty(shape, device="meta"), **empty)
        streaming.place(owner, "weight", None, drawn, dtype)
        theirs = Params4bit(drawn.to(dtype), **empty).to("cpu")
        assert torch.equal(owner.weight.data.view(torch.uint8), theirs.data.view(torch.uint8))
        ours = owner.weight.quant_state.as_dict(packed=True)
        expected = theirs.quant_state.as_dict(packed=True)
        assert ours.keys() == expected.keys()
        assert all(torch.equal(ours[each], expected[each]) for each in ours)
    assert len(calls) == (2 if parts else 0)
    assert -(-drawn.numel() // quantising.PART) == max(parts, 1)


def test_the_change_in_logits_against_nf4(loaded, record_property):
    """On a tiny random model, where nothing is redundant, and on the embedded one, whose weights
    are trained."""
    emb, nf4 = (loaded(FAMILIES[0], each) for each in (NF4_EMB, NF4))
    tiny = cosine(*(first_logits(each, FAMILIES[0].seen(1)) for each in (emb, nf4)))
    embedded, native = card("embedded"), []
    folder = assets_dir() / "embedded"
    installed = Installed(folder, tuple(folder.glob("*.safetensors")), 0)
    for precision in (NF4, NF4_EMB):
        model = gemma.build(embedded, folder)
        where = gemma.places(model)
        streaming.fill(model, where, embedded, installed, precision, CPU, silent)
        native.append(adapted(model, folder))
    trained = cosine(*(first_logits(each, noise(1, each.side)) for each in native))
    record_property("tiny", tiny)
    record_property("embedded", trained)
    print(f"NF4_EMB against NF4, cosine of logits: tiny {tiny:.4f}, embedded {trained:.4f}")
    assert 0.5 < tiny < 0.9999
    assert 0.98 < trained < 0.99999


# ---------------------------------------------------------------- NF4_FP32


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_fp32_has_the_4_bits_of_nf4_and_activations_in_fp32(family, root, monkeypatch):
    monkeypatch.setattr(cpu_nf4, "SMALL", 0)  # so that the layers stay packed
    monkeypatch.setenv("CXR_DEMO_MODELS", str(root))
    family.write(root)
    one, other = (models.load(card(family.model), each) for each in (NF4, NF4_FP32))
    theirs = dict(other._native.named_modules())
    compared = 0
    for name, layer in one._native.named_modules():
        if isinstance(layer, Linear4bit):
            mine, wide = (
                each.weight.data.view(torch.uint8).flatten() for each in (layer, theirs[name])
            )
            assert torch.equal(mine, wide)
            assert theirs[name].compute_dtype is torch.float32
            compared += 1
    assert compared > 10
    assert other._network.dtype is torch.float32
    prefix = other.prefix(family.seen(1), PROMPT)
    state = other.decoder.prefill(prefix, 1)
    kinds = {each.dtype for each in (prefix.embeddings, state.logits, state.cache.keys[0])}
    assert kinds == {torch.float32}


def test_fp32_keeps_tables_as_published_and_the_rest_widened(loaded):
    for family in FAMILIES:
        for name, each in loaded(family, NF4_FP32)._native.named_parameters():
            table = name.removesuffix(".weight") in family.tables
            assert each.dtype is (torch.bfloat16 if table else torch.float32), name


# ---------------------------------------------------------------- BNB4_DEFAULT


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_the_library_default_is_fp4_in_fp32(family, root, monkeypatch):
    monkeypatch.setattr(cpu_nf4, "SMALL", 0)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(root))
    family.write(root)
    native = models.load(card(family.model), BNB4)._native
    layers = [each for each in native.modules() if isinstance(each, Linear4bit)]
    assert layers
    assert {each.weight.quant_state.quant_type for each in layers} == {"fp4"}
    assert {each.compute_dtype for each in layers} == {torch.float32}
    assert not any(each.weight.compress_statistics for each in layers)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_stock_generate_streams_what_generate_returns(family, loaded):
    model = loaded(family, BNB4)
    assert model.engine == "stock" and model.precision is BNB4
    generator, inputs = model.stock_inputs(family.seen(1), PROMPT)
    whole = generator.generate(**inputs, do_sample=False, max_new_tokens=PROMPT.max_new_tokens)
    expected = whole[0, inputs["input_ids"].shape[1] if "input_ids" in inputs else 0 :].tolist()
    generation = model.generate(family.seen(1), PROMPT)
    streamed = [token.id for token in generation]
    ended = generation.stop is StopReason.END
    assert streamed == (expected[:-1] if ended else expected)
    assert len(set(streamed)) > 2
    assert generation.prompt_tokens == len(model.prompt_ids(PROMPT))
    assert generation.prefill_seconds > 0
    assert [each.ids for each in model.generate_many([Item("a", family.seen(1), PROMPT)], 4)] == [
        tuple(streamed)
    ]


def test_stock_generate_equals_the_plain_path_on_the_same_weights(loaded):
    for family in FAMILIES:
        model = loaded(family, BNB4)
        own = [token.id for token in model._inner.generate(family.seen(1), PROMPT)]
        stocks = [token.id for token in model.generate(family.seen(1), PROMPT)]
        assert own[:3] == stocks[:3]  # rounding in bfloat16 may part them later


def test_stock_replies_of_forced_length_and_an_end_of_their_own(loaded):
    model = loaded(FAMILIES[0], BNB4)
    seen = FAMILIES[0].seen(1)
    (plain,) = model.generate_many([Item("a", seen, PROMPT)], 1)
    inner = model._inner
    before, inner.stop_ids = inner.stop_ids, frozenset([plain.ids[5]])
    try:
        model._native.generation_config.eos_token_id = plain.ids[5]
        items = [Item("b", seen, PROMPT), Item("c", seen, PROMPT, force=40)]
        ended, forced = model.generate_many(items, 1)
    finally:
        inner.stop_ids = before
        model._native.generation_config.eos_token_id = sorted(before)
    assert (ended.ids, ended.stop) == (plain.ids[:5], StopReason.END)
    assert len(forced.ids) == 40 and forced.stop is StopReason.LENGTH
    assert model.batch_use == BatchUse(1, 45, 0)


def test_a_stock_reply_can_be_stopped_and_left(loaded):
    model = loaded(FAMILIES[0], BNB4)
    wanted = []
    generation = model.generate(FAMILIES[0].seen(1), PROMPT, lambda: bool(wanted))
    next(generation)
    wanted.append(True)
    assert len(list(generation)) < PROMPT.max_new_tokens - 2
    assert generation.stop is StopReason.STOPPED
    left = stock.tokens(*model.stock_inputs(FAMILIES[0].seen(1), PROMPT), 400)
    next(left)
    left.close()  # waits for the thread, which ends soon


def test_an_error_inside_generate_is_raised_outside(loaded):
    model = loaded(FAMILIES[0], BNB4)
    with pytest.raises(AttributeError, match="shape"):
        list(stock.tokens(model._native, {"input_ids": "no tensor"}, 4))


# ---------------------------------------------------------------- two loaders


@pytest.mark.parametrize("precision", [BF16, NF4])
def test_our_loader_and_the_librarys_agree_bit_for_bit(precision, loaded, root):
    ours = loaded(FAMILIES[0], precision)
    folder = root / "medgemma-4b-it"
    kind = type(ours._native)
    installed = Installed(folder, tuple(folder.glob("*.safetensors")), 0)
    theirs = load_native(kind, ours.card, installed, precision, CPU, silent)
    assert quantized_modules(theirs) == quantized_modules(ours._native)
    mine, others = (
        dict([*each.named_parameters(), *each.named_buffers()]) for each in (ours._native, theirs)
    )
    assert set(mine) == set(others)
    assert all(torch.equal(each, others[name]) for name, each in mine.items())
    assert theirs.generation_config.eos_token_id == ours._native.generation_config.eos_token_id


def _without_number(name):
    if "attn_pool" in name:
        return name
    return ".".join("N" if part.isdecimal() else part for part in name.split("."))
