"""What is shown of a reading in each of its states, in both languages."""

import json
from dataclasses import replace

import pytest

from cxr_demo.errors import PhantomsOnly
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers import direct
from cxr_demo.models.cards import CARDS
from cxr_demo.records import (
    FailedEvent,
    FindingSet,
    Notice,
    Phase,
    PhaseEvent,
    PipelineKind,
    StopReason,
    Token,
    TokenEvent,
)
from cxr_demo.ui import contradictions, findings_pane, present
from cxr_demo.ui.readings import state
from cxr_demo.ui.stamp import clipboard
from cxr_demo.ui.state import Choice, Image
from cxr_demo.ui.wording import finding_state
from cxr_demo.worker.faults import ReadingStopped
from tests.ui.build import REPORT, labels, radiograph, reading, run, study


def states(shown):
    return {row["finding"]: row["state"] for row in shown["rows"]}


def test_nothing_is_assessed_before_a_reading():
    shown = findings_pane.findings_view(None, "en")
    assert set(states(shown).values()) == {"unassessed"}
    assert [row["word"] for row in shown["rows"]] == ["not assessed"] * 14


def test_nothing_is_assessed_while_the_model_writes():
    going = run()
    going.apply(TokenEvent(Token(0, 5, "No pleural effusion.", 0.2)))
    assert state(going) == "writing"
    assert set(states(findings_pane.findings_view(going, "en")).values()) == {"unassessed"}


def test_a_complete_report_tells_silence_from_denial():
    shown = states(findings_pane.findings_view(run(reading=reading()), "en"))
    assert shown["Cardiomegaly"] == "positive"
    assert shown["Pleural Effusion"] == "negative"
    assert shown["Atelectasis"] == "uncertain"
    assert shown["Fracture"] == "not_mentioned"


@pytest.mark.parametrize("stop", [StopReason.STOPPED, StopReason.LENGTH])
def test_an_incomplete_report_looks_incomplete_and_its_silence_says_nothing(stop):
    half = run(reading=reading("The heart is enlarged. No pleural", stop))
    view = present.report_view(half, study(), "", "en")
    assert "incomplete" in view["words"]
    assert view["state"] in {"stopped", "cut"}
    steps = CARDS["chexagent-8b"].prompt(PipelineKind.REPORT, "chexagent-8b-steps-1")
    asked = replace(half.reading, provenance=replace(half.reading.provenance, prompt=steps))
    words = present.report_view(run(reading=asked), study(), "", "en")["words"]
    assert ("a step" in words) is (stop is StopReason.LENGTH)
    shown = findings_pane.findings_view(half, "en")
    assert "not_mentioned" not in states(shown).values()
    assert states(shown)["Cardiomegaly"] == "positive"
    assert any("incomplete" in each for each in shown["remarks"])
    assert "incomplete" in (clipboard(half, "en") or "")


def test_a_failed_reading_says_why_and_shows_no_finding():
    failed = run()
    failed.apply(FailedEvent(PhantomsOnly(model="embedded").to_dict(), "The hea"))
    view = present.report_view(failed, study(), "", "pt")
    assert view["state"] == "failed"
    assert "amostras sintéticas" in view["error"]
    assert view["clipboard"] is None
    assert set(states(findings_pane.findings_view(failed, "pt")).values()) == {"unassessed"}


def test_stopping_before_the_first_token_is_a_stop_and_no_failure():
    stopped = run(error=ReadingStopped())
    assert present.report_view(stopped, study(), "", "en")["state"] == "stopped"


def test_loading_shows_its_progress():
    loading = run()
    loading.apply(PhaseEvent(Phase.LOADING, 0.4))
    assert present.report_view(loading, study(), "", "en")["fraction"] == 0.4


def test_an_answer_that_cannot_be_parsed_is_never_negative():
    unparsed = FindingSet("direct", labels().labels, unparsed=True)
    shown = findings_pane.findings_view(run(reading=reading(findings=(unparsed,))), "en")
    assert set(states(shown).values()) == {"unassessed"}
    assert shown["remarks"] == [
        "No finding could be read from the model's answer: nothing is assessed."
    ]


def test_the_pieces_of_a_report_are_the_report_and_carry_their_findings():
    done = run(reading=reading())
    pieces = present.segments(done)
    assert "".join(each["text"] for each in pieces) == REPORT
    against = next(each for each in pieces if each["text"].startswith("Possible"))
    assert against["label"] == "uncertain", "and not the denial of 'No Finding'"
    carried = {finding: each["text"] for each in pieces for finding in each["findings"]}
    assert "heart is enlarged" in carried["Cardiomegaly"]
    assert "effusion" in carried["Pleural Effusion"]
    rows = {row["finding"]: row for row in findings_pane.findings_view(done, "en")["rows"]}
    assert "heart is enlarged" in rows["Cardiomegaly"]["evidence"][0]


def test_no_finding_beside_a_finding_is_a_contradiction_and_a_device_is_none():
    both = labels("rules", NO_FINDING=Label.POSITIVE, EDEMA=Label.POSITIVE)
    assert "Edema" in contradictions.within((both,), "pt")[0].words
    device = labels("rules", NO_FINDING=Label.POSITIVE, SUPPORT_DEVICES=Label.POSITIVE)
    assert contradictions.within((device,), "en") == []


def test_labelers_that_disagree_are_pointed_out():
    first = labels("rules", PNEUMOTHORAX=Label.NEGATIVE)
    second = labels("direct", PNEUMOTHORAX=Label.POSITIVE, EDEMA=Label.POSITIVE)
    remarks = contradictions.within((first, second), "en")
    assert len(remarks) == 1
    assert "Pneumothorax" in remarks[0].words
    assert remarks[0].findings == (Finding.PNEUMOTHORAX,)


def test_a_direct_answer_that_opposes_the_report_is_pointed_out():
    report = run(reading=reading("No pleural effusion. The heart is enlarged."))
    direct = run(
        reading=reading("Pleural Effusion", findings=(labels(PLEURAL_EFFUSION=Label.POSITIVE),))
    )
    remarks = findings_pane.findings_view(report, "en", [report, direct])["remarks"]
    assert remarks == ["Pleural Effusion: absent here, present in the reading 4 bits · 07:00:00."]
    half = run(reading=reading(stop=StopReason.STOPPED, findings=direct.reading.findings))
    assert findings_pane.findings_view(report, "en", [report, half])["remarks"] == []


def test_every_labeler_that_ran_is_heard():
    both = (labels("rules", EDEMA=Label.POSITIVE), labels("chexbert", EDEMA=Label.UNCERTAIN))
    rows = findings_pane.findings_view(run(reading=reading(findings=both)), "en")["rows"]
    edema = next(row for row in rows if row["finding"] == "Edema")
    assert edema["word"] == "present"
    assert edema["differing"] == ["CheXbert: uncertain"]
    assert edema["others"] == []
    fracture = next(row for row in rows if row["finding"] == "Fracture")
    assert fracture["others"] == ["CheXbert labels: not mentioned"]
    assert fracture["differing"] == []


def test_what_a_direct_answer_leaves_out_is_not_called_absent():
    found = direct.parse("Cardiomegaly, Edema")
    shown = {row.finding: finding_state(row, True, found.labeler) for row in found.labels}
    assert shown[Finding.CARDIOMEGALY] == "positive"
    assert shown[Finding.FRACTURE] == "unnamed"
    assert shown[Finding.NO_FINDING] == "excluded"


def test_no_finding_applies_or_not_and_is_never_called_absent():
    normal = run(reading=reading(findings=(labels(NO_FINDING=Label.POSITIVE),)))
    assert states(findings_pane.findings_view(normal, "en"))["No Finding"] == "clear"
    ill = run(reading=reading(findings=(labels(NO_FINDING=Label.NEGATIVE),)))
    row = findings_pane.findings_view(ill, "pt")["rows"][-1]
    assert (row["name"], row["word"]) == ("Nenhum destes achados", "não se aplica")


def test_no_row_relies_on_colour_alone():
    words = {state: word for state, word in findings_pane.ICONS.items() if state != "unassessed"}
    assert len(set(words)) == len(words)
    done = findings_pane.findings_view(run(reading=reading()), "pt")
    assert all(row["word"] for row in done["rows"])


def test_portuguese_says_that_the_report_is_english_and_names_the_findings():
    view = present.report_view(run(reading=reading()), study(), "", "pt")
    assert "inglês" in view["language_note"]
    assert view["label"] == "Saída do modelo, não verificada"
    names = [row["name"] for row in findings_pane.findings_view(None, "pt")["rows"]]
    assert names == [finding.pt for finding in FINDINGS]
    assert present.report_view(run(reading=reading()), study(), "", "en")["language_note"] is None


def test_the_clipboard_carries_text_findings_provenance_and_the_disclaimer():
    copied = clipboard(run(reading=reading()), "en")
    assert REPORT in copied
    assert "Cardiomegaly: present — “The heart is enlarged" in copied
    assert "Fracture: not mentioned" in copied
    assert "ab" * 32 in copied
    assert "gemma-report-1" in copied
    assert copied.startswith("CXR Demo · Research use only · not a medical device")
    assert copied.endswith("not a medical device")
    assert "não é dispositivo médico" in clipboard(run(reading=reading()), "pt")


@pytest.mark.parametrize(("language", "warned"), [("en", "Lateral view"), ("pt", "em perfil")])
def test_what_must_be_known_of_the_radiograph_leaves_with_the_report(language, warned):
    marked = Image("image-2", radiograph(notices=(Notice("lateral"),)))
    repeated = run(marked, reading=reading(notices=(Notice("lateral"),)))
    assert clipboard(repeated, language).count(warned) == 1


def test_random_weights_are_called_so_beside_their_text():
    view = present.report_view(run(reading=reading(stand_in=True)), study(), "", "en")
    assert "STAND-IN" in view["warning"]


def test_a_notice_of_the_radiograph_stands_with_it_once():
    marked = radiograph(notices=(Notice("lateral"),))
    image = Image("image-2", marked)
    shown = present.study_view(study(image), "pt")
    assert shown["notices"] == [
        "Incidência em perfil: os modelos são feitos para a frontal; espere um laudo pior."
    ]
    repeated = run(image, reading=reading(notices=(Notice("lateral"),)))
    assert present.report_view(repeated, study(image), "", "pt")["notices"] == []


def test_timings_are_live_and_then_measured():
    going = run()
    for index in range(5):
        going.apply(TokenEvent(Token(index, index, "a", 1 + index * 0.5)))
    live = {key: value for key, _, value, _ in present.timings_view(going, "en")}
    assert live["tele.rate"] == "2.0"
    done = {key: value for key, _, value, _ in present.timings_view(run(reading=reading()), "pt")}
    assert done["tele.ttft"] == "500 ms"
    assert done["tele.total"] == "2,5 s"
    assert done["tele.rate"] == "10,0"


def test_a_view_is_plain_json():
    view = present.report_view(run(reading=reading()), study(), "", "en")
    shown = present.study_view(study(), "en")
    assert json.loads(json.dumps([view, shown, findings_pane.findings_view(None, "en")]))
    assert shown["title"].startswith("DICOM · PA · 100 × 120")
    assert Finding.EDEMA in {
        row["finding"] for row in findings_pane.findings_view(None, "en")["rows"]
    }


@pytest.mark.parametrize(("language", "mark"), [("en", "not confirmed"), ("pt", "não confirmada")])
def test_an_unconfirmed_port_is_named_on_the_report_and_in_what_is_copied(language, mark):
    made = reading()
    own = run(reading=made)
    assert mark not in present.report_view(own, study(own.image), "", language)["label"]
    real = replace(own, choice=Choice("medgemma-4b-it"))
    assert mark in present.report_view(real, study(real.image), "", language)["label"]
    assert mark in clipboard(real, language).splitlines()[1]
    going = replace(real, reading=None, pieces=["The heart"])
    assert mark in present.report_view(going, study(real.image), "", language)["label"]
    proven = replace(made, provenance=replace(made.provenance, confirmed=True))
    confirmed = replace(real, reading=proven)
    assert mark not in present.report_view(confirmed, study(real.image), "", language)["label"]
