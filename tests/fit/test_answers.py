"""Verdicts, classes and advice for typed cards, this machine, and a machine without a GPU."""

import dataclasses

import pytest

from cxr_demo import fit
from cxr_demo.fit import measured
from cxr_demo.fit.answers import judge, smallest_class
from cxr_demo.fit.machine import held
from cxr_demo.records import GpuMemory, PipelineKind, Precision, Telemetry
from cxr_demo.results import evidence
from cxr_demo.units import GIB, MIB
from tests.results.conftest import POLICY, open_book

__all__ = ["open_book"]


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "none.json")


RULES = fit.Sentence("rules", "regras")


def figures(gpu="NVIDIA Test 8 GB", peak=5 * GIB, model="chexagent-2-3b"):
    need = fit.Need(load=peak - 2, prefill=peak - 1, decode=peak)
    return fit.Measured(
        model, Precision.NF4, gpu, need, 0.4, 0.02, 1064, 512, "plain", "2026-11-26", {"torch": "1"}
    )


@pytest.mark.parametrize(
    ("typed", "gib"), [("8", 8), ("8 GB", 8), ("8,5", 8.5), (12, 12), (" 24GiB ", 24), ("1", 1)]
)
def test_a_card_can_be_typed(typed, gib):
    card = fit.typed(typed)
    assert card.typed and card.total == gib * GIB and card.total - card.free == GIB * 6 // 10


@pytest.mark.parametrize("typed", ["", "eight", "0", "0.5", "-8", "8 TB", "9999", "8 8", "nan"])
def test_anything_else_is_refused_in_one_sentence(typed):
    with pytest.raises(fit.CardNotUnderstood) as error:
        fit.typed(typed)
    assert "type a number of GB" in error.value.message("en")
    assert "digite um número" in error.value.message("pt")


def test_verdicts_leave_room_for_the_estimates_error():
    assert judge(4 * GIB, 4 * GIB - 1) is fit.Verdict.NO
    assert judge(4 * GIB, 4 * GIB) is fit.Verdict.TIGHT
    assert judge(4 * GIB, 4 * GIB + 255 * MIB) is fit.Verdict.TIGHT
    assert judge(4 * GIB, 4 * GIB + 257 * MIB) is fit.Verdict.FITS
    assert judge(16 * GIB, 16 * GIB + 800 * MIB) is fit.Verdict.TIGHT
    assert [smallest_class(each * GIB) for each in (3, 7, 8, 16, 31, 32)] == [
        4,
        8,
        12,
        24,
        32,
        None,
    ]


def test_every_offered_pair_is_answered_and_the_embedded_model_never():
    found = fit.answers(fit.typed(8))
    assert {each.model for each in found} == {
        "medgemma-4b-it",
        "medgemma-1.5-4b-it",
        "chexagent-2-3b",
        "chexagent-8b",
    }
    assert Precision.NF4_FP32 not in {each.precision for each in found}
    by_pair = {(each.model, each.precision): each for each in found}
    assert by_pair["chexagent-8b", Precision.BF16].verdict is fit.Verdict.NO
    assert by_pair["chexagent-8b", Precision.BF16].smallest == 24
    assert by_pair["chexagent-2-3b", Precision.NF4].verdict is fit.Verdict.FITS
    assert all(each.basis is fit.Basis.ESTIMATE and each.ttft is None for each in found)
    assert all(each.need.load <= each.need.prefill <= each.need.decode for each in found)
    assert "8.0" not in by_pair["chexagent-2-3b", Precision.NF4].reason.en  # free, not total


def test_bf16_is_barred_on_old_cards_and_says_why():
    old = dataclasses.replace(fit.typed(16), capability=(7, 5))
    found = fit.answer("chexagent-2-3b", Precision.BF16, old)
    assert found.verdict is fit.Verdict.NO and "7.5" in found.barred.message("pt")
    assert fit.answer("chexagent-2-3b", Precision.NF4_FP32, old).barred is None
    wholly = fit.answers(dataclasses.replace(old, capability=(5, 0)))
    assert "too old" in fit.advice(wholly).sentence.en


def test_figures_of_this_gpu_replace_the_estimate_and_other_gpus_are_named():
    card = fit.Gpu("NVIDIA Test 8 GB", 8 * GIB, 7 * GIB)
    assert fit.answer("chexagent-2-3b", Precision.NF4, card).basis is fit.Basis.ESTIMATE
    measured.keep(figures())
    here = fit.answer("chexagent-2-3b", Precision.NF4, card)
    assert (here.basis, here.need.peak, here.tpot) == (fit.Basis.HERE, 5 * GIB, 0.02)
    assert here.estimate.peak != here.need.peak and here.measured_at == "2026-11-26"
    assert fit.basis_words(here).pt == "medido nesta GPU"
    typed = fit.answer("chexagent-2-3b", Precision.NF4, fit.typed(8))
    assert typed.basis is fit.Basis.ESTIMATE  # a card that nobody has measured
    measured.keep(figures(peak=6 * GIB))
    assert fit.answer("chexagent-2-3b", Precision.NF4, card).need.peak == 6 * GIB


def test_what_was_measured_here_holds_for_the_other_model_of_its_architecture():
    card = fit.Gpu("NVIDIA Test 8 GB", 8 * GIB, 7 * GIB)
    first = dataclasses.replace(figures(peak=4 * GIB), model="medgemma-1.5-4b-it")
    measured.keep(first)
    for model in ("medgemma-4b-it", "medgemma-1.5-4b-it"):
        found = fit.answer(model, Precision.NF4, card)
        assert (found.basis, found.need.peak) == (fit.Basis.HERE, 4 * GIB)
    measured.keep(dataclasses.replace(first, model="medgemma-4b-it", need=figures().need))
    assert fit.answer("medgemma-4b-it", Precision.NF4, card).need.peak == 5 * GIB  # its own first


def test_a_damaged_file_of_figures_is_no_file(tmp_path):
    (tmp_path / "fit.json").write_text('{"a": {"model": 1}}')
    assert measured.find("chexagent-2-3b", Precision.NF4, "X") is None
    measured.keep(figures())
    assert measured.find("chexagent-2-3b", Precision.NF4, "NVIDIA Test 8 GB") == figures()


def test_without_cuda_only_what_main_memory_holds_and_marked_slow():
    found = fit.answers(None, ram_free=6 * GIB)
    assert all(each.slow for each in found)
    runs = {(each.model, each.precision) for each in found if each.runs}
    assert ("chexagent-2-3b", Precision.NF4) in runs
    assert ("chexagent-2-3b", Precision.BF16) not in runs
    said = fit.advice(found).sentence
    assert "slowly" in said.en and "devagar" in said.pt


def test_advice_by_memory_says_so_and_prefers_the_published_precision():
    said = fit.advice(fit.answers(fit.typed(12)))
    assert (said.model, said.precision) == ("chexagent-2-3b", Precision.BF16)
    assert said.sentence.en.startswith("By memory only, quality not measured")
    assert said.sentence.pt.startswith("Só pela memória, qualidade não medida")


def test_advice_by_memory_stores_a_table_in_4_bits_only_where_it_must():
    assert fit.advice(fit.answers(fit.typed(8))).precision is Precision.NF4
    least = fit.advice(fit.answers(fit.typed(4)))
    assert least.precision is Precision.NF4_EMB


def test_advice_by_quality_names_figure_interval_and_data():
    known = [
        fit.Quality(
            *(model, precision, f1, f1 - 0.03, f1 + 0.03, "Set", 1234, PipelineKind.REPORT),
            labeler=RULES,
            recipe="preliminary",
        )
        for model, precision, f1 in (
            ("chexagent-8b", Precision.BF16, 0.9),  # the best, and too large
            ("chexagent-2-3b", Precision.NF4, 0.5),
            ("medgemma-4b-it", Precision.NF4, 0.4),
            ("embedded", Precision.BF16, 0.99),
        )
    ]
    said = fit.advice(fit.answers(fit.typed(8)), known)
    assert (said.model, said.precision) == ("chexagent-2-3b", Precision.NF4)
    assert "measured F1 (rules), 0.500 [0.470, 0.530], on 1,234 images of Set" in said.sentence.en
    assert "F1 medido (regras), 0,500 [0,470; 0,530], em 1.234 imagens de Set" in said.sentence.pt


def test_when_nothing_fits_the_advice_names_the_card_that_would():
    said = fit.advice(fit.answers(fit.typed(2)))
    assert said.model is None and "None fits now" in said.sentence.en and "GB" in said.sentence.pt


def test_what_our_own_worker_holds_counts_as_free():
    gpu = GpuMemory(0, "X", 8 * GIB, 5 * GIB, 3 * GIB)
    told = Telemetry(0.0, (gpu,), device_index=0, device_baseline=GIB)
    assert held(0, told) == 4 * GIB
    assert held(1, told) == 0 and held(0, None) == 0
    own = dataclasses.replace(gpu, process_used=2 * GIB)
    assert held(0, dataclasses.replace(told, gpus=(own,))) == 2 * GIB
    assert held(0, dataclasses.replace(told, device_baseline=None)) == 0


def test_this_machine_can_be_asked():
    found = fit.machine()
    assert 0 < found.ram_free <= found.ram_total
    assert found.first is None or found.first in found.gpus


def quality(model, f1, dataset="A", images=100, **other):
    alike = {"pipeline": PipelineKind.REPORT, "labeler": RULES, "recipe": "preliminary"}
    given = {"dataset": dataset, "images": images, **alike, **other}
    return fit.Quality(model, Precision.NF4, f1, None, None, **given)


@pytest.mark.parametrize(
    "other",
    [
        {"labeler": fit.Sentence("CheXbert", "CheXbert")},
        {"pipeline": PipelineKind.DIRECT},
        {"recipe": "aggregated"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_only_figures_that_were_measured_alike_are_compared(other):
    known = [
        quality("medgemma-4b-it", 0.9, **other),
        quality("chexagent-2-3b", 0.5),
        quality("medgemma-4b-it", 0.4),
    ]
    said = fit.advice(fit.answers(fit.typed(8)), known)
    assert said.model == "chexagent-2-3b"
    assert "F1 (rules), 0.500" in said.sentence.en
    assert "F1 medido (regras), 0,500" in said.sentence.pt


def test_figures_of_different_data_sets_are_not_compared():

    known = [
        quality("chexagent-2-3b", 0.5, "A"),
        quality("medgemma-4b-it", 0.4, "A"),
        quality("medgemma-4b-it", 0.9, "easy", images=9000),
    ]
    said = fit.advice(fit.answers(fit.typed(8)), known)
    assert said.model == "chexagent-2-3b"
    assert "0.500, on 100 images of A" in said.sentence.en  # no interval yet: none is shown


def test_what_was_measured_here_is_what_advice_names(open_book, monkeypatch):
    book = open_book(images=90)
    book.board("group0000000001", "chexbert", POLICY)
    assert book.wait(60)
    monkeypatch.setattr(evidence, "shared", lambda: book)
    found = fit.qualities()
    assert {each.model for each in found} == {"chexagent-2-3b", "medgemma-4b-it"}
    said = fit.advice(fit.answers(fit.typed(12)), found)
    best = max(found, key=lambda each: each.f1)
    assert (said.model, said.precision) == (best.model, best.precision)
    assert f"{best.f1:.3f} [{best.low:.3f}, {best.high:.3f}]" in said.sentence.en
    assert "(CheXbert)" in said.sentence.en
    assert best.dataset in said.sentence.en and best.dataset_pt in said.sentence.pt


def test_the_studys_conclusion_stands_beside_ours_with_the_reason():
    said = fit.beside_study(fit.answers(fit.typed(12)))
    assert "needs a card of 16 GB" in said.en and "estimate" in said.en
    assert "which a card of 8 GB holds: the study measured another program" in said.en
    assert "o estudo mediu outro programa" in said.pt
    assert fit.beside_study(fit.answers(None, ram_free=6 * GIB)) is None
    large = figures(peak=15 * GIB)
    measured.keep(dataclasses.replace(large, precision=Precision.BF16))
    agreeing = fit.beside_study(fit.answers(fit.Gpu(large.gpu, 24 * GIB, 23 * GIB)))
    assert "measured on this GPU" in agreeing.en and agreeing.en.endswith("which agrees.")
