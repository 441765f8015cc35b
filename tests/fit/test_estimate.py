"""The estimate against measured figures, and what it must do when the work changes."""

import json

import pytest

from benchmarks import fit_judgement, report
from cxr_demo.decoding import many, slots
from cxr_demo.fit import calibrated, estimate, judgement, measured, storage
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.estimate import FIRST, Constants, Work, host_need, need
from cxr_demo.models import batching, quantising, tables
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.units import GIB, MIB

PAIRS = [
    (model, precision)
    for model in ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
    for precision in Precision
]


def test_the_engines_own_numbers_are_the_estimates():
    assert estimate.GRAIN == slots.GRAIN
    assert (estimate.SPARE, estimate.TOGETHER) == (many.SPARE, batching.TOGETHER)
    assert storage.SLICE == tables.SLICE and storage.UNPACKED == tables.UNPACKED
    assert storage.BLOCK == quantising.BLOCK


@pytest.mark.parametrize("index", [0, 1])
def test_tensors_and_activations_alone_are_what_torch_allocated(index):
    """Of the plain engine, which keeps no graphs and no scratch: nothing here is fitted."""
    reading = report.read(report.RESULTS / "medgemma_full_size.json")["readings"][index]
    stored = storage.STORAGES[Precision(reading["precision"])]
    counted = estimate.prefilling(ARCHITECTURES["medgemma-4b-it"], stored, Work())
    allocated = reading["first_reading"]["memory"]["vram_allocated_peak"]
    assert counted == pytest.approx(allocated, rel=0.02)


def test_published_prompts_are_counted_as_the_reading_counted_them():
    reading = report.read(report.RESULTS / "medgemma_full_size.json")["readings"][0]
    shape = ARCHITECTURES["medgemma-4b-it"]
    assert reading["first_reading"]["prompt_tokens"] == shape.prompt
    assert all(each.prompt > each.image_tokens for each in ARCHITECTURES.values())


@pytest.mark.parametrize(("model", "precision"), PAIRS)
def test_more_work_never_needs_less(model, precision):
    shape = ARCHITECTURES[model]
    peaks = [
        need(model, precision, Work(prompt, new, batch)).peak
        for prompt, new, batch in (
            (shape.image_tokens, 64, 1),
            (None, 64, 1),
            (None, 512, 1),
            (None, 512, 2),
            (None, 512, 8),
            (None, 512, 16),
        )
    ]
    assert peaks == sorted(peaks) and peaks[0] < peaks[-1]
    tensors = storage.weights(shape, storage.STORAGES[precision])
    assert tensors + FIRST.context < peaks[0] < tensors + 3 * GIB


def test_four_bits_need_less_and_the_packed_table_less_still():
    peaks = [
        need("medgemma-4b-it", each).peak
        for each in (Precision.NF4_EMB, Precision.NF4, Precision.BF16)
    ]
    assert peaks == sorted(peaks) and peaks[0] < 0.8 * peaks[1] < 0.5 * peaks[2]


def test_main_memory_counts_layers_that_a_processor_unpacks():
    with_odd = host_need("medgemma-4b-it", Precision.NF4).peak  # 4304 is no multiple of 64
    plain = need(
        "medgemma-4b-it",
        Precision.NF4,
        constants=Constants(estimate.PROGRAM, estimate.PROGRAM, 0, 0),
    ).peak
    assert with_odd - plain == 27 * 1152 * 4304 * 2
    assert host_need("chexagent-8b", Precision.BF16).peak > 2 * CARDS["chexagent-8b"].parameters


# ---------------------------------------------------------------- the judgement


def pair(model, precision, hidden, off=1.0):
    """A pair as if measured on a GPU with these constants, `off` times what was counted."""
    work = Work(ARCHITECTURES[model].prompt)
    counted = need(model, precision, work, hidden)
    stored = storage.STORAGES[precision]
    decoding = estimate.decoding(ARCHITECTURES[model], stored, work) + hidden.held

    def phase(size, context, gaps):
        size = round(size * off)
        return {"device": size, "reserved": size - context, "allocated": size - context - gaps}

    batch = Work(ARCHITECTURES[model].prompt, 64, 8)
    prefill = phase(counted.prefill, hidden.context, hidden.gaps)
    return {
        "model": model,
        "precision": precision.value,
        "work": {"prompt": work.prompt, "new": 512, "batch": 1},
        "load": phase(counted.load, hidden.bare, 0),
        "warm_up": prefill,
        "prefill": prefill,
        "decode": phase(counted.decode, hidden.context, hidden.gaps) | {"allocated": decoding},
        "unseen": [
            {
                "work": {"prompt": batch.prompt, "new": 64, "batch": 8},
                "device": round(off * need(model, precision, batch, hidden).peak),
            }
        ],
    }


HIDDEN = Constants(bare=600_000_000, context=700_000_000, held=95_000_000, gaps=90_000_000)


def made_up(off=1.0):
    return [
        pair(model, precision, HIDDEN, off if model == "chexagent-8b" else 1.0)
        for model in ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
        for precision in (Precision.BF16, Precision.NF4)
    ]


def test_constants_are_found_again_and_a_perfect_estimate_is_judged_perfect():
    assert judgement.fit(made_up()) == HIDDEN
    rows = judgement.judge(made_up())
    assert len(rows) == 6 * 5 and max(abs(row.error) for row in rows) < 1e-6
    assert fit_judgement.wrong(rows) == []


def test_a_warm_up_that_takes_more_than_the_reading_is_the_peak():
    found = pair("chexagent-8b", Precision.NF4_FP32, HIDDEN)
    found["warm_up"] = {"device": found["prefill"]["device"] + 5}
    assert measured.need_of(found).peak == found["prefill"]["device"] + 5


def test_what_is_captured_while_warming_up_is_no_gap_afterwards():
    pairs = made_up()
    for each in pairs:
        for later in ("prefill", "decode"):
            captured = each[later]["allocated"] - 150 * MIB
            each[later] = each[later] | {"allocated": captured}
    assert judgement.fit(pairs) == HIDDEN


def test_a_model_is_judged_by_the_others_and_found_out():
    rows = judgement.judge(made_up(off=1.2))
    bad = fit_judgement.wrong(rows)
    assert {"chexagent-8b"} <= {row.model for row in bad}
    assert all(row.error < -0.1 for row in bad if row.model == "chexagent-8b")


def test_one_model_alone_cannot_be_judged():
    with pytest.raises(ValueError, match="no pair"):
        judgement.judge(made_up()[:2])


def test_pairs_without_a_gpu_do_not_count():
    blind = made_up()[0] | {"decode": {"device": None, "reserved": None}}
    failed = {"model": "chexagent-2-3b", "precision": "nf4", "failed": "crash"}
    assert judgement.usable([blind, failed]) == []


def test_the_command_fails_where_the_estimate_is_off(tmp_path, capsys):
    for off, status in ((1.0, 0), (1.2, 1)):
        path = tmp_path / "memory.json"
        report.write(path, "w", "c", {"pairs": made_up(off)}, ["GPU"])
        assert fit_judgement.main([str(path)]) == status
        assert ("OFF: chexagent-8b" in capsys.readouterr().out) == bool(status)


def test_the_committed_measurements_bear_the_estimate_out():
    pairs = json.loads(fit_judgement.MEASURED.read_text())["results"]["pairs"]
    assert fit_judgement.wrong(judgement.judge(pairs)) == []
    assert {each["model"] for each in pairs} == {"medgemma-4b-it", "chexagent-2-3b", "chexagent-8b"}
    assert calibrated.constants() == judgement.fit(pairs)


def test_constants_come_from_the_shipped_file(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "memory.json")
    assert calibrated.constants() == FIRST
    other = tmp_path / "other.json"
    report.write(other, "w", "c", {"pairs": made_up()}, ["GPU"])
    monkeypatch.setattr(measured, "SHIPPED", other)
    assert calibrated.constants() == HIDDEN
    assert calibrated.need("chexagent-8b", Precision.NF4).load > HIDDEN.bare
