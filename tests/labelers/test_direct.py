"""Answers to "which of these are present?" in the shapes that models give them."""

import pytest

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers.direct import parse
from cxr_demo.phantoms.plan import plan, truth
from cxr_demo.phantoms.reports import direct_answer

HEART, EDEMA, EFFUSION = Finding.CARDIOMEGALY, Finding.EDEMA, Finding.PLEURAL_EFFUSION
YES, NO, MAYBE, SILENT = Label.POSITIVE, Label.NEGATIVE, Label.UNCERTAIN, Label.NOT_MENTIONED


@pytest.mark.parametrize(
    "text",
    [
        "Cardiomegaly, Edema",
        "cardiomegaly and edema",
        "- Cardiomegaly\n- Edema\n",
        "1. Cardiomegaly\n2. Edema",
        "**Cardiomegaly**, **Edema**",
        '["Cardiomegaly", "Edema"]',
        '```json\n{"findings": ["Cardiomegaly", "Edema"]}\n```',
        '{"Cardiomegaly": true, "Edema": 1, "Fracture": false}',
        "Cardiomegaly: yes, Edema: yes, Fracture: no",
        "Cardiomegaly: Present\nEdema: Present\nPneumonia: Absent",
        "(B) Cardiomegaly\n(E) Edema",
        "(B), (E)",
        "B, E",
        "Edema, Cardiomegaly, Edema, Cardiomegaly, Edema",
        "The radiograph shows an enlarged heart and pulmonary oedema. There is no effusion.",
        "Yes, there is cardiomegaly with signs of heart failure.",
    ],
)
def test_shapes_of_the_same_answer(text):
    found = parse(text)
    assert _positive(found) == {HEART, EDEMA}
    assert all(each.label in (YES, NO) for each in found.labels)
    assert not found.unparsed
    assert found.labeler == "direct"


@pytest.mark.parametrize(
    "text",
    [
        "No Finding",
        "None",
        "none.",
        "None of the above.",
        "No findings.",
        "[]",
        '{"findings": []}',
        "The chest X-ray is normal.",
        "There is no acute cardiopulmonary abnormality.",
    ],
)
def test_none_denies_all(text):
    found = parse(text)
    assert _positive(found) == {Finding.NO_FINDING}
    assert {each.label for each in found.labels} == {YES, NO}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        "Chest chest chest chest",
        "I'm sorry, but I can't help with that.",
        "As an AI I cannot tell whether there is pneumonia or cardiomegaly.",
        "Options: " + ", ".join(FINDINGS),
    ],
)
def test_what_cannot_be_read_is_unparsed_and_never_negative(text):
    found = parse(text)
    assert found.unparsed
    assert {each.label for each in found.labels} == {SILENT}


def test_a_cut_answer_says_nothing_of_what_it_did_not_reach():
    found = parse("Cardiomegaly, Pleural Effusion, Lung Les", cut_off=True)
    assert _positive(found) == {HEART, EFFUSION}
    assert {found[each].label for each in FINDINGS if each not in (HEART, EFFUSION)} == {SILENT}
    assert parse("Pleural Eff", cut_off=True).unparsed


def test_an_answer_that_only_denies_leaves_the_others_open():
    found = parse("There is no pleural effusion.")
    assert found[EFFUSION].label is NO
    assert found[HEART].label is SILENT


def test_doubt_and_contradiction_are_kept():
    assert parse("Cardiomegaly, possible edema")[EDEMA].label is MAYBE
    assert _positive(parse("No Finding, Edema")) == {Finding.NO_FINDING, EDEMA}


def test_devices_do_not_contradict_no_finding():
    both = {Finding.NO_FINDING, Finding.SUPPORT_DEVICES}
    assert _positive(parse("No Finding, Support Devices")) == both


def test_letters_follow_the_order_of_the_options():
    assert _positive(parse("(A), (B)", options=(EDEMA, HEART))) == {EDEMA, HEART}
    assert parse("(C)", options=(EDEMA, HEART)).unparsed


def test_spans_mark_the_names():
    text = '{"findings": ["Pleural Effusion", "Edema"]}'
    spans = parse(text)[EFFUSION].spans
    assert [text[span.start : span.end] for span in spans] == ["Pleural Effusion"]


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_options_own_name_is_read(finding):
    assert _positive(parse(finding.value)) == {finding}


@pytest.mark.parametrize("seed", range(0, 200, 2))
def test_a_phantoms_answer_gives_its_truth_back(seed):
    drawn = plan(seed)
    facts = truth(drawn)
    assert _positive(parse(direct_answer(drawn))) == {each for each in FINDINGS if facts[each]}


def _positive(found):
    return {each.finding for each in found.labels if each.label is YES}
