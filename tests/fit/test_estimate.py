"""The estimate against measured figures, and what it must do when the work changes."""

import json

import pytest

from benchmarks import fit_judgement, report
from cxr_demo.decoding import captured, many
from cxr_demo.fit import estimate, judgement, storage
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.estimate import CONSTANTS, Constants, Work, host_need, need
from cxr_demo.models import batching, tables
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.units import GIB

PAIRS = [
    (model, precision)
    for model in ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
    for precision in Precision
]


def test_the_engines_own_numbers_are_the_estimates():
    assert estimate.GRAIN == captured.GRAIN == batching.GRAIN
    assert (estimate.SPARE, estimate.TOGETHER) == (many.SPARE, batching.TOGETHER)
    assert storage.SLICE == tables.SLICE and storage.BLOCK == tables.BLOCK


@pytest.mark.parametrize("index", [0, 1])
def test_medgemma_as_measured_through_the_plain_engine(index):
    reading = report.read(report.RESULTS / "medgemma_full_size.json")["readings"][index]
    memory = reading["first_reading"]["memory"]
    measured = memory["vram_device_peak"] - memory["vram_device_baseline"]
    precision = Precision(reading["precision"])
    assert need("medgemma-4b-it", precision).peak == pytest.approx(measured, rel=0.05)


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
    assert tensors + CONSTANTS.context < peaks[0] < tensors + 3 * GIB


def test_four_bits_need_less_and_the_packed_table_less_still():
    peaks = [
        need("medgemma-4b-it", each).peak
        for each in (Precision.NF4_EMB, Precision.NF4, Precision.BF16)
    ]
    assert peaks == sorted(peaks) and peaks[0] < 0.8 * peaks[1] < 0.5 * peaks[2]


def test_main_memory_counts_layers_that_a_processor_unpacks():
    with_odd = host_need("medgemma-4b-it", Precision.NF4).peak  # 4304 is no multiple of 64
    plain = need("medgemma-4b-it", Precision.NF4, constants=Constants(estimate.PROGRAM, 0)).peak
    assert with_odd - plain == 27 * 1152 * 4304 * 2
    assert host_need("chexagent-8b", Precision.BF16).peak > 2 * CARDS["chexagent-8b"].parameters


# ---------------------------------------------------------------- the judgement


def pair(model, precision, context, slack, off=1.0):
    """A pair as if measured on a GPU with these constants, `off` times what was counted."""
    hidden = Constants(context, slack)
    work = Work(ARCHITECTURES[model].prompt)
    counted = need(model, precision, work, hidden)

    def phase(size):
        size = round(size * off)
        return {"device": size, "reserved": size - context}

    batch = Work(ARCHITECTURES[model].prompt, 64, 8)
    return {
        "model": model,
        "precision": precision.value,
        "work": {"prompt": work.prompt, "new": 512, "batch": 1},
        "load": phase(counted.load),
        "prefill": phase(counted.prefill),
        "decode": phase(counted.decode),
        "unseen": [
            {
                "work": {"prompt": batch.prompt, "new": 64, "batch": 8},
                "device": round(off * need(model, precision, batch, hidden).peak),
            }
        ],
    }


def made_up(off=1.0):
    return [
        pair(model, precision, 700_000_000, 90_000_000, off if model == "chexagent-8b" else 1.0)
        for model in ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
        for precision in (Precision.BF16, Precision.NF4)
    ]


def test_constants_are_found_again_and_a_perfect_estimate_is_judged_perfect():
    assert judgement.fit(made_up()) == Constants(700_000_000, 90_000_000)
    rows = judgement.judge(made_up())
    assert len(rows) == 6 * 5 and max(abs(row.error) for row in rows) < 1e-6
    assert fit_judgement.wrong(rows) == []


def test_a_model_is_judged_by_the_others_and_found_out():
    rows = judgement.judge(made_up(off=1.2))
    bad = fit_judgement.wrong(rows)
    errors = [row.error for row in bad if row.model == "chexagent-8b" and row.phase == "peak"]
    assert errors == pytest.approx([1 / 1.2 - 1] * 2)  # its own figures fit nothing for it


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


@pytest.mark.skipif(not fit_judgement.MEASURED.exists(), reason="not measured yet")
def test_the_committed_measurements_bear_the_estimate_out():
    pairs = json.loads(fit_judgement.MEASURED.read_text())["results"]["pairs"]
    rows = judgement.judge(pairs)
    assert fit_judgement.wrong(rows) == []
    assert judgement.fit(pairs) == CONSTANTS
