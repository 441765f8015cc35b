"""What "Will it fit?" and the picker say, on machines with a GPU, an old one, and none."""

import pytest

from cxr_demo import fit
from cxr_demo.fit import Basis, Gpu, Machine, Measured, Need, measured
from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results import evidence
from cxr_demo.ui import fit_view, marks, picker_view
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.state import Choice
from cxr_demo.units import GIB

MODERN = Gpu("NVIDIA RTX 4070", 12 * GIB, 11 * GIB, (8, 9), 0)
OLD = Gpu("Tesla T4", 16 * GIB, 15 * GIB, (7, 5), 0)


def machine(*gpus):
    return Machine(gpus, 32 * GIB, 20 * GIB, visible=0 if gpus else None)


def rows(gpu, language="en"):
    answers = fit.answers(gpu, 20 * GIB)
    scale = fit_view.scale_of(answers)
    return {(a.model, a.precision): fit_view.row_view(a, scale, language) for a in answers}


def test_an_estimate_is_marked_in_every_number(monkeypatch, tmp_path):
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "none.json")
    row = rows(MODERN)["chexagent-8b", Precision.NF4]
    assert row["estimated"] and row["basis"] == "estimate"
    assert all(row[each].startswith("≈") for each in ("load", "prefill", "decode"))
    assert (row["verdict"], row["icon"], row["verdict_words"]) == ("fits", "✓", "fits")


def test_a_measurement_replaces_it_and_names_its_gpu():
    need = Need(5 * GIB, 6 * GIB, 6 * GIB)
    found = Measured(
        "chexagent-8b", Precision.NF4, MODERN.name, need, 0.5, 0.02, 200, 512, "x",
        "2026-11-26T04:00:00Z", {},
    )  # fmt: skip
    measured.keep(found)
    (answer,) = [
        e for e in fit.answers(MODERN) if (e.model, e.precision) == ("chexagent-8b", "nf4")
    ]
    row = fit_view.row_view(answer, 10 * GIB, "en")
    assert (row["load"], row["prefill"], row["basis"]) == ("5.0", "6.0", "measured here")
    facts = dict(fit_view.pair_view(answer, {}, "pt")["facts"])
    assert facts["Origem"] == "medido nesta GPU, 26/11/2026"
    assert facts["Por token"] == "20 ms" and "Estimativa era" in facts


@pytest.mark.parametrize("card", [fit.typed(12), MODERN], ids=["typed", "other"])
def test_times_of_another_gpu_are_never_this_cards(card):
    answer = fit.answer("chexagent-2-3b", Precision.NF4, card)
    assert answer.basis is Basis.ELSEWHERE and answer.ttft and answer.tpot  # shipped: of an H200
    shown = fit_view.pair_view(answer, {}, "en")
    assert not {"First token", "Per token"} & dict(shown["facts"]).keys()
    assert shown["elsewhere"].startswith("Time: not measured on this card. On NVIDIA H200: first")
    assert " ms, then " in shown["elsewhere"]
    barred = fit.answer("chexagent-2-3b", Precision.NF4, OLD)
    assert fit.times_elsewhere(barred) is None
    own = fit.answer("chexagent-2-3b", Precision.NF4, Gpu("NVIDIA H200", 141 * GIB, 140 * GIB))
    shown = fit_view.pair_view(own, {}, "pt")
    assert shown["elsewhere"] is None and "Por token" in dict(shown["facts"])


def test_what_does_not_fit_says_why_in_numbers():
    row = rows(MODERN)["chexagent-8b", Precision.BF16]
    assert (row["verdict"], row["icon"], row["verdict_words"]) == ("no", "✕", "does not fit")
    assert "11.0 GiB" in row["reason"] and row["smallest"] == "24 GB"


def test_the_axis_starts_at_zero_and_is_shared():
    answers = fit.answers(MODERN)
    scale = fit_view.scale_of(answers)
    assert scale >= max(each.need.peak for each in answers)
    for each in answers:
        assert fit_view.row_view(each, scale, "en")["share"] == round(each.need.peak / scale, 4)
    axis = fit_view.axis_view(answers, "en")
    assert axis["free"] == round(MODERN.free / scale, 4)
    large = fit.answers(Gpu("NVIDIA H200", 141 * GIB, 140 * GIB, (9, 0), 0))
    assert fit_view.axis_view(large, "en")["free"] is None  # beyond the axis' end
    assert fit_view.scale_of(large) < 40 * GIB


def test_a_typed_card_is_no_card_of_this_machine():
    card = fit.typed("8,5")
    shown = fit_view.targets_view(machine(MODERN), card, "en")
    assert [each["selected"] for each in shown] == [False]
    words = fit_view.memory_view(machine(MODERN), card, "en")["words"]
    assert words.startswith("8.5 GiB card, 7.9 GiB left beside driver and desktop; taken as of")
    heads = {each["id"]: each["words"] for each in fit_view.columns_view(card, "pt")}
    assert heads["verdict"] == "Nessa placa"  # nothing of it is here
    measure = fit_view.measure_view(fit.answers(card)[0], card, machine(MODERN), None, "en")
    assert not measure["can"] and "in this machine" in measure["why"]


def test_without_a_gpu_it_is_said_and_marked_slow():
    shown = fit_view.memory_view(machine(), None, "pt")
    assert "Sem GPU NVIDIA" in shown["note"] and "lento" in shown["note"]
    assert fit_view.targets_view(machine(), None, "pt")[0]["words"] == "Processador · lento"
    answers = fit.answers(None, 20 * GIB)
    assert all(each.slow for each in answers)
    assert "Lento" in fit_view.row_view(answers[0], 40 * GIB, "pt")["reason"]


def picked(gpu, model="medgemma-4b-it", precision=Precision.BF16, language="en"):
    answers = fit.answers(gpu, 20 * GIB)
    shown = picker_view.picker_view(Choice(model, precision), answers, language)
    return shown, {each["id"]: each for each in shown["models"]}


def test_the_picker_greys_what_an_old_gpu_cannot_compute():
    _, models = picked(OLD)
    pairs = {each["precision"]: each for each in models["medgemma-4b-it"]["pairs"]}
    assert pairs["bf16"]["barred"] and "8.0" in pairs["bf16"]["line"]["reason"]
    assert pairs["bf16"]["verdict"] == "barred" and pairs["bf16"]["need"] == "not on this GPU"
    assert not pairs["nf4_fp32"]["barred"] and pairs["nf4_fp32"]["verdict"] == "fits"
    embedded = {each["precision"]: each["barred"] for each in models["embedded"]["pairs"]}
    assert embedded == {"bf16": True, "nf4": True, "nf4_fp32": False}
    _, modern = picked(MODERN)
    assert "nf4_fp32" not in {each["precision"] for each in modern["medgemma-4b-it"]["pairs"]}


def test_without_a_gpu_the_picker_marks_every_real_model_slow():
    _, models = picked(None, language="pt")
    needs = {pair["need"] for each in models.values() for pair in each["pairs"] if pair["need"]}
    assert needs and all(each.endswith(" GiB · lento") for each in needs)
    _, models = picked(MODERN)
    assert not any("slow" in pair["need"] for each in models.values() for pair in each["pairs"])


def test_the_librarys_default_is_never_offered():
    for gpu in (MODERN, OLD, None):
        _, models = picked(gpu)
        offered = {each["precision"] for model in models.values() for each in model["pairs"]}
        assert "bnb4_default" not in offered
        assert "bnb4_default" not in {str(precision) for _, precision in rows(gpu)}


@pytest.mark.parametrize("language", ["en", "pt"])
def test_marks_stand_until_something_was_shown_here(language):
    shown, _ = picked(MODERN, precision=Precision.NF4, language=language)
    words = [words for words, _, _ in shown["marks"]]
    assert any(("not confirmed" if language == "en" else "não confirmada") in e for e in words)
    assert any(("not measured here" if language == "en" else "não medida") in e for e in words)
    assert len(picked(MODERN)[0]["marks"]) == 1  # as published: only the port
    embedded, _ = picked(MODERN, "embedded", Precision.NF4)
    assert embedded["marks"] == [] and "never a patient" in embedded["line"]["words"]


def test_a_model_that_is_not_here_leads_to_its_weights():
    shown, models = picked(MODERN)
    assert "not on this machine" in shown["missing"]
    assert not models["chexagent-2-3b"]["here"] and "get it" in models["chexagent-2-3b"]["missing"]
    assert next(iter(models)) == "embedded"  # what can be used comes first


class Measuring:
    def __init__(self):
        self.progress, self.done, self.stopped = None, False, False

    def result(self, timeout=None):
        raise fit.MeasuringStopped()

    def stop(self):
        self.stopped = self.done = True


class Worker:
    def __init__(self):
        self.asked = []

    def measure_fit(self, model, precision):
        self.asked.append((model, precision))
        return Measuring()


def test_one_measurement_goes_on_at_a_time_and_can_be_stopped():
    worker = Worker()
    fitness = Fitness(lambda: None, worker)
    fitness.measure("chexagent-8b", Precision.NF4)
    fitness.measure("medgemma-4b-it", Precision.NF4)
    assert worker.asked == [("chexagent-8b", Precision.NF4)]
    answers = {(e.model, e.precision): e for e in fit.answers(MODERN)}
    here = machine(MODERN)

    def shown(model):
        answer = answers[model, Precision.NF4]
        return fit_view.measure_view(answer, MODERN, here, fitness.task, "en")

    assert shown("chexagent-8b")["going"] == "Waiting for the GPU"
    other = shown("medgemma-4b-it")
    assert not other["can"] and "CheXagent 8B" in other["why"]
    fitness.stop_measuring()
    ended = shown("chexagent-8b")
    assert ended["going"] is None and ended["can"] and "stopped" in ended["error"]


def test_every_model_says_one_thing_on_both_screens():
    fitness = Fitness(lambda: None, Worker())
    fitness._machine, fitness._asked = machine(MODERN), float("inf")
    for answer in fitness.answers():
        assert fitness.answer(answer.model, answer.precision) == answer
        assert answer.model in CARDS and answer.basis is not Basis.HERE
    assert fitness.answer("embedded", Precision.BF16) is None


@pytest.mark.parametrize(
    ("low", "words"),
    [(-0.03, "F1 −0.013 [−0.030; +0.004], n = 1,234"), (None, "interval to come")],
)
def test_a_paired_run_replaces_the_mark_of_its_precision(monkeypatch, low, words):
    high = None if low is None else 0.004
    paired = evidence.Paired(
        "medgemma-4b-it", Precision.NF4, PipelineKind.REPORT, "chexbert", 1234, -0.013, low, high,
        0.02, None, "preliminary", "chexpert expert",
    )  # fmt: skip
    monkeypatch.setattr(marks, "_paired", lambda second: {"medgemma-4b-it": paired})
    card = CARDS["medgemma-4b-it"]
    said = marks.quality(card, Precision.NF4, "en")
    assert words in said and said.startswith("4 bits less bf16")
    assert marks.quality(card, Precision.NF4_EMB, "en") is None
    assert [each[2] for each in marks.marks(card, Precision.NF4, "en")] == ["open", "measured"]
    assert "not measured here" in marks.marks(card, Precision.NF4_EMB, "en")[1][0]
    assert "−0,013" in marks.quality(card, Precision.NF4, "pt")
