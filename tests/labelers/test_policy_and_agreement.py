"""Policies turn labels into counts; agreement compares two labelers."""

import pytest

from cxr_demo.findings import FINDINGS, Finding, Label, UncertaintyPolicy
from cxr_demo.labelers import rules
from cxr_demo.labelers.agreement import agreement, disagreements
from cxr_demo.labelers.policy import apply, counted

DOUBT = "Possible pneumonia. Moderate cardiomegaly. No effusion."


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, 1),
        (UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE, 0),
        (UncertaintyPolicy.UNCERTAIN_IGNORED, None),
    ],
)
def test_only_the_uncertain_depend_on_the_policy(policy, expected):
    numbers = apply(rules.label(DOUBT), policy)
    assert numbers[Finding.PNEUMONIA] == expected
    assert numbers[Finding.CARDIOMEGALY] == 1
    assert numbers[Finding.PLEURAL_EFFUSION] == 0
    assert numbers[Finding.FRACTURE] == 0
    assert tuple(numbers) == FINDINGS
    assert counted(Label.NOT_MENTIONED, policy) == 0


def test_agreement_counts_equal_and_opposed_labels():
    first = [rules.label(text) for text in ("Cardiomegaly.", "Cardiomegaly.", "Clear lungs.")]
    second = [rules.label(text) for text in ("Cardiomegaly.", "Normal heart.", "Clear lungs.")]
    heart = agreement(first, second)[Finding.CARDIOMEGALY]
    assert (heart.reports, heart.same, heart.opposed) == (3, 2, 1)
    assert heart.share == pytest.approx(2 / 3)
    # chance: positive 2/3 * 1/3, negative 0 * 1/3, silent 1/3 * 1/3 = 3/9; (6/9 - 3/9) / (6/9)
    assert heart.kappa == pytest.approx(0.5)


def test_kappa_is_undefined_where_nothing_varies():
    sets = [rules.label("Clear lungs.")] * 3
    edema = agreement(sets, sets)[Finding.EDEMA]
    assert edema.share == 1
    assert edema.kappa is None
    assert agreement([], [])[Finding.EDEMA].share is None


def test_sets_must_belong_together():
    with pytest.raises(ValueError, match="1 sets against 0"):
        agreement([rules.label("Clear lungs.")], [])


def test_disagreements_are_named():
    first, second = rules.label("Edema."), rules.label("Possible edema.")
    assert disagreements(first, second) == (Finding.EDEMA,)
