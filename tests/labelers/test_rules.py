"""The rule labeler on sentences of our own: labels, evidence, and the shapes that models write."""

import time

import pytest

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers import rules
from cxr_demo.labelers.sentences import VIEW, heading, without_markup
from cxr_demo.models.cards import CARDS
from cxr_demo.phantoms.plan import plan, truth
from cxr_demo.phantoms.reports import write_report
from cxr_demo.records import PipelineKind

HEART = Finding.CARDIOMEGALY
MEDIASTINUM = Finding.ENLARGED_CARDIOMEDIASTINUM
EFFUSION = Finding.PLEURAL_EFFUSION
AIR = Finding.PNEUMOTHORAX
DEVICES = Finding.SUPPORT_DEVICES
YES, NO, MAYBE, SILENT = Label.POSITIVE, Label.NEGATIVE, Label.UNCERTAIN, Label.NOT_MENTIONED

SENTENCES = [
    # negation, forward, backward, in lists, and where it ends
    ("No effusion, pneumothorax, or fracture.", {EFFUSION: NO, AIR: NO, Finding.FRACTURE: NO}),
    ("There is neither air nor fluid: no pneumothorax or effusion.", {AIR: NO, EFFUSION: NO}),
    ("A pneumothorax is not identified.", {AIR: NO}),
    ("The chest is free of effusion; the heart is enlarged.", {EFFUSION: NO, HEART: YES}),
    ("No pneumothorax, but there is a small effusion.", {AIR: NO, EFFUSION: YES}),
    ("No effusion is seen and the heart is large.", {EFFUSION: NO, HEART: YES}),
    ("No consolidation, stable cardiomegaly.", {Finding.CONSOLIDATION: NO, HEART: YES}),
    ("Moderate effusion without pneumothorax.", {EFFUSION: YES, AIR: NO}),
    ("Cardiomegaly: present. Pneumothorax: none.", {HEART: YES, AIR: NO}),
    ("No acute displaced fracture of a rib.", {Finding.FRACTURE: NO}),
    # what looks like negation and is none
    ("No change in the right effusion.", {EFFUSION: YES}),
    ("Opacities have not significantly changed.", {Finding.LUNG_OPACITY: YES}),
    ("A nodule not seen on the prior exam has appeared.", {Finding.LUNG_LESION: YES}),
    # doubt
    ("Pneumonia cannot be excluded.", {Finding.PNEUMONIA: MAYBE}),
    ("There may be a small pneumothorax.", {AIR: MAYBE}),
    ("The heart may be mildly enlarged.", {HEART: MAYBE}),
    (
        "Basal opacity, atelectasis versus pneumonia.",
        {Finding.LUNG_OPACITY: YES, Finding.ATELECTASIS: MAYBE, Finding.PNEUMONIA: MAYBE},
    ),
    ("Effusion?", {EFFUSION: MAYBE}),
    # normality
    ("Heart size and mediastinal contours are normal.", {HEART: NO, MEDIASTINUM: NO}),
    ("Heart size, mediastinum and hila are within normal limits.", {HEART: NO, MEDIASTINUM: NO}),
    ("The heart is enlarged, the mediastinum is normal.", {HEART: YES, MEDIASTINUM: NO}),
    ("Enlarged heart with normal mediastinal contours.", {HEART: YES, MEDIASTINUM: NO}),
    ("The heart is top normal in size.", {HEART: NO}),
    ("The cardiomediastinal silhouette is stable.", {MEDIASTINUM: MAYBE, HEART: SILENT}),
    ("The cardiomediastinal silhouette is widened.", {MEDIASTINUM: YES}),
    ("Large left effusion obscuring the heart.", {HEART: SILENT, EFFUSION: YES}),
    ("Heart size normal and increased markings at the bases.", {HEART: NO}),
    ("Mildly prominent cardiac silhouette.", {HEART: YES}),
    ("**Heart** size is\nenlarged.", {HEART: YES}),
    ("A nodule lies behind the heart, stable in size.", {HEART: SILENT}),
    ("No abnormality is seen in the mediastinum.", {MEDIASTINUM: SILENT}),
    ("No mass is seen in the mediastinum.", {MEDIASTINUM: NO}),
    ("Soft tissue density in the anterior mediastinum.", {MEDIASTINUM: YES}),
    # prior, resolved, history
    ("The previously seen pneumothorax has resolved.", {AIR: NO}),
    ("Interval resolution of the left effusion.", {EFFUSION: NO}),
    ("Persistent left effusion.", {EFFUSION: YES}),
    ("History of pneumonia.", {Finding.PNEUMONIA: SILENT}),
    # devices
    ("Endotracheal tube and right PICC in place.", {DEVICES: YES}),
    ("Status post bypass with intact sternal wires.", {DEVICES: YES}),
    ("The chest tube has been removed.", {DEVICES: NO}),
    # words that mean something else
    ("Small pericardial effusion.", {EFFUSION: SILENT}),
    ("Portable AP view.", {DEVICES: SILENT}),
    ("Calcified nodules of old granulomatous disease.", {Finding.LUNG_LESION: SILENT}),
    ("Diffuse pulmonary fibrosis.", {Finding.PLEURAL_OTHER: YES}),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentence(text, expected):
    found = rules.label(text)
    assert {finding: found[finding].label for finding in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No acute cardiopulmonary abnormality.", YES),
        ("The heart is normal. No pneumothorax.", YES),
        ("Lungs are clear. A right chest port is in place.", YES),
        ("Lungs are clear. Possible small effusion.", NO),
        ("Lungs are clear. Degenerative changes of the spine.", NO),
        ("No pneumothorax.", SILENT),
        ("PA and lateral views of the chest.", SILENT),
        ("", SILENT),
    ],
)
def test_no_finding_needs_something_normal_and_nothing_abnormal(text, expected):
    assert rules.label(text)[Finding.NO_FINDING].label is expected


def test_evidence_is_the_clause_that_carries_the_label():
    text = "FINDINGS:\n- **Heart**: normal.\n- No pneumothorax, but a small *left* effusion.\n"
    found = rules.label(text)
    assert _evidence(text, found[EFFUSION]) == ["a small *left* effusion."]
    assert _evidence(text, found[AIR]) == ["No pneumothorax"]
    assert _evidence(text, found[HEART]) == ["Heart**: normal."]


def test_only_the_spans_of_the_winning_label_are_kept():
    text = "No effusion on the right. Small left effusion."
    assert _evidence(text, rules.label(text)[EFFUSION]) == ["Small left effusion."]


@pytest.mark.parametrize(
    "text",
    [
        "INDICATION: Fever, pneumonia?\nFINDINGS: The lungs are clear.",
        "History: pneumonia, heart failure.\n\nThe lungs are clear.",
        "Comparison: pneumonia on an older film. Findings: clear lungs.",
        "CLINICAL INFORMATION\nPneumonia.\nIMPRESSION\nClear lungs.",
    ],
)
def test_history_is_not_a_finding(text):
    found = rules.label(text)
    assert found[Finding.PNEUMONIA].label is SILENT
    assert found[Finding.NO_FINDING].label is YES


def test_markup_lists_and_wrapped_lines():
    text = (
        "**Lungs:** 1. [Left lower lobe: base] Patchy\nopacity.\n"
        "2) No pleural\neffusion.\n• Heart size is\nnormal"
    )
    found = rules.label(text)
    assert found[Finding.LUNG_OPACITY].label is YES
    assert found[EFFUSION].label is NO
    assert found[HEART].label is NO


def test_region_marks_are_not_evidence():
    assert rules.label("[Pleural effusion: left] The lungs are clear.")[EFFUSION].label is SILENT


def test_neither_a_heading_nor_what_is_said_of_the_view_is_a_finding():
    """A report in steps: only what stands under the anatomies and in the impression counts."""
    prompts = [each for about in CARDS.values() for each in about.prompts_of(PipelineKind.REPORT)]
    steps = [step for prompt in prompts for step in prompt.steps]
    assert {step.heading for step in steps if step.aside} == {VIEW}
    for step in steps:
        for title in (step.heading, step.text[:75].replace("\n", " ")):
            silent = rules.label(f"{heading(title)}\nAs before.\n\n{heading(title)}")
            assert {each.label for each in silent.labels} == {SILENT}, title
    view = f"{heading(VIEW)}\nLarge effusion. A **tube**.\n\n[x: y] No pneumothorax."
    text = (
        f"{view}\n\n{heading('Cardiac')}\nThe heart is enlarged.\n\n{heading('Impression')}\nEdema."
    )
    found = rules.label(text)
    assert {each.finding for each in found.labels if each.label is YES} == {HEART, Finding.EDEMA}
    assert (found[EFFUSION].label, found[AIR].label, found[DEVICES].label) == (SILENT,) * 3
    (span,) = found[HEART].spans
    assert text[span.start : span.end] == "The heart is enlarged."
    assert len(without_markup(text)) == len(text)
    assert rules.label(view)[EFFUSION].label is SILENT


@pytest.mark.parametrize("seed", range(0, 600, 3))
def test_a_phantoms_report_gives_its_truth_back(seed):
    drawn = plan(seed)
    facts, found = truth(drawn), rules.label(write_report(drawn))
    told = {each.finding: each.label in (YES, MAYBE) for each in found.labels}
    assert told == facts


def test_same_text_same_labels_in_the_order_of_findings():
    text = "Mild cardiomegaly. No effusion."
    first, again = rules.label(text), rules.label(text)
    assert first == again
    assert first.labeler == "rules"
    assert tuple(each.finding for each in first.labels) == FINDINGS


def test_thousand_reports_take_about_a_second():
    """The floor is 1,000 a second on a free core; half of that leaves room for a busy one."""
    reports = [write_report(plan(seed)) for seed in range(400)]
    began = time.process_time()
    for report in reports:
        rules.label(report)
    assert len(reports) / (time.process_time() - began) > 500


def _evidence(text, labelled):
    return [text[span.start : span.end] for span in labelled.spans]


def test_readings_are_spared_the_habits_of_chexbert():
    text = "Degenerative endplate changes. Lungs are clear."
    assert rules.label(text)[Finding.SUPPORT_DEVICES].label is Label.POSITIVE
    assert rules.label(text, habits=False)[Finding.SUPPORT_DEVICES].label is SILENT
