"""Two labelers, uncertainty as a switch, calibrated probabilities, and what contradicts what."""

import dataclasses

import pytest

from cxr_demo.findings import FINDINGS, Finding, Label, UncertaintyPolicy
from cxr_demo.records import FindingSet, ImageUse, Precision, Probabilities, StopReason
from cxr_demo.ui import about, contradictions
from cxr_demo.ui.findings_pane import findings_view
from cxr_demo.ui.stamp import clipboard, stamp
from cxr_demo.ui.wording import image_use, percent
from cxr_demo.worker.faults import ReadingStopped
from tests.ui.build import labels, reading, run

DOUBT = labels("chexbert", EDEMA=Label.UNCERTAIN, CARDIOMEGALY=Label.POSITIVE)


def row(view, finding):
    return next(each for each in view["rows"] if each["finding"] == str(finding))


@pytest.mark.parametrize(
    ("policy", "present", "en", "pt"),
    [
        (UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, 2, "counted as present", "conta como presente"),
        (UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE, 1, "counted as absent", "conta como ausente"),
        (UncertaintyPolicy.UNCERTAIN_IGNORED, 1, "left out of counts", "fora da conta"),
    ],
)
def test_the_policy_counts_anew_and_the_label_stays_uncertain(policy, present, en, pt):
    done = run(reading=reading(findings=(DOUBT,)))
    for language, words in (("en", en), ("pt", pt)):
        view = findings_view(done, language, (), policy)
        assert row(view, Finding.EDEMA)["state"] == "uncertain"
        assert row(view, Finding.EDEMA)["counted"] == words
        assert row(view, Finding.CARDIOMEGALY)["counted"] is None
        assert view["policy"]["summary"].startswith(f"{present} ")
        assert [each["selected"] for each in view["policy"]["options"]].count(True) == 1
    assert findings_view(run(), "en")["policy"] is None


def test_no_finding_is_no_finding_that_counts():
    normal = run(reading=reading(findings=(labels(NO_FINDING=Label.POSITIVE),)))
    assert findings_view(normal, "en")["policy"]["summary"] == "0 present"


def test_agreement_is_counted_and_what_differs_stands_in_its_row():
    rules = labels("rules", EDEMA=Label.NEGATIVE, CARDIOMEGALY=Label.POSITIVE)
    sentences = FindingSet(
        "chexbert_sentences", labels(FRACTURE=Label.POSITIVE, CARDIOMEGALY=Label.POSITIVE).labels
    )
    done = run(reading=reading(findings=(DOUBT, rules, sentences)))
    view = findings_view(done, "en")
    assert view["agreement"] == "rule-based: 13 of 14 equal"
    assert row(view, Finding.EDEMA)["differing"] == ["rule-based: absent"]
    assert row(view, Finding.CARDIOMEGALY)["differing"] == []
    assert row(view, Finding.CARDIOMEGALY)["others"] == ["rule-based labels: present"]
    assert "sentence by sentence: present" in row(view, Finding.FRACTURE)["others"][-1]
    assert view["remarks"] == [
        "CheXbert labels the whole report otherwise than its single sentences: Edema, Fracture."
    ]
    copied = clipboard(done, "pt")
    assert copied.count("Cardiomegalia: presente") == 2  # once per labeler, not for the sentences
    assert "CheXbert, frase por frase" in copied


def with_probabilities(found, **values):
    chances = tuple(values.get(each.name) for each in FINDINGS)
    known = Probabilities(chances, "yesno-1", 1000, True, "2026-11-23")
    return run(reading=dataclasses.replace(reading(findings=(found,)), probabilities=known))


def test_a_probability_comes_with_what_it_rests_on():
    done = with_probabilities(labels("rules"), EDEMA=0.731, FRACTURE=0.001)
    view = findings_view(done, "pt")
    assert row(view, Finding.EDEMA)["chance"]["percent"] == "73\u202f%"
    assert "1.000 imagens sintéticas (23/11/2026)" in row(view, Finding.EDEMA)["chance"]["title"]
    assert view["calibrated"] == "% calibrada em 1.000 imagens sintéticas"
    assert row(view, Finding.PNEUMONIA)["chance"] is None
    assert "73\u202f%" in clipboard(done, "pt")
    silent = findings_view(run(reading=reading()), "en")
    assert silent["calibrated"] is None
    assert all(each["chance"] is None for each in silent["rows"])
    assert (percent(0), percent(1), percent(0.5)) == (
        "<\u202f1\u202f%",
        ">\u202f99\u202f%",
        "50\u202f%",
    )


def test_a_denied_finding_that_the_model_answers_yes_to_is_a_contradiction():
    found = labels("rules", PLEURAL_EFFUSION=Label.NEGATIVE, EDEMA=Label.POSITIVE)
    loud = with_probabilities(found, PLEURAL_EFFUSION=0.93, EDEMA=0.05, FRACTURE=0.95)
    view = findings_view(loud, "en")
    assert [each.split(":")[0] for each in view["remarks"]] == ["Edema", "Pleural Effusion"]
    assert "93" in view["remarks"][1] and "absent in the text" in view["remarks"][1]
    assert len(row(view, Finding.PLEURAL_EFFUSION)["contested"]) == 1
    assert row(view, Finding.FRACTURE)["contested"] == []
    calm = with_probabilities(found, PLEURAL_EFFUSION=0.5, EDEMA=0.5)
    assert findings_view(calm, "en")["remarks"] == []


def test_no_finding_is_told_in_its_own_words():
    sets = (
        labels("chexbert", NO_FINDING=Label.POSITIVE),
        labels("rules", NO_FINDING=Label.NEGATIVE),
    )
    (remark,) = contradictions.within(sets, "en")
    assert "applies by CheXbert" in remark.words and "does not apply by rule-based" in remark.words


USE = ImageUse(
    "embedded", Precision.NF4, 1.043, 1.3e-6, 1.5, 0.5, 32, True, "2026-11-23T08:00:00+00:00"
)


def test_the_use_of_the_image_is_told_in_the_provenance():
    done = reading()
    proven = dataclasses.replace(done.provenance, image_use=USE)
    told = dict(stamp(run(reading=dataclasses.replace(done, provenance=proven)), "pt"))
    assert told["Uso da imagem"] == "provado aqui em 23/11/2026 (movimento 1,04, ruído < 0,0001)"
    assert dict(stamp(run(reading=done), "en"))["Image use"] == "not tested here yet"
    refuted = image_use(dataclasses.replace(USE, passed=False, floor=0.2), "en")
    assert refuted == "NOT USED, found here on 2026-11-23 (movement 1.04, noise 0.2000)"


def test_the_self_test_answers_in_both_languages_also_if_it_fails():
    said = about.self_test_html(lambda: USE)
    assert "proven here" in said and "provado aqui" in said and said.count("<p") == 2

    def fail():
        raise ReadingStopped()

    said = about.self_test_html(fail)
    assert "stopped" in said and "parada" in said


def test_an_incomplete_report_still_counts_what_it_says():
    half = run(reading=reading(stop=StopReason.STOPPED, findings=(DOUBT,)))
    assert findings_view(half, "en")["policy"]["summary"] == "2 present"
