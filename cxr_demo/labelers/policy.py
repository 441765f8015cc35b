"""Uncertainty policies: from labels to what a score counts.

Stored labels keep all four values; the policy is chosen when figures are shown, and is the same for
targets and predictions. NOT_MENTIONED counts as absent.
"""

from cxr_demo.findings import FINDINGS, Finding, Label, UncertaintyPolicy
from cxr_demo.records import FindingSet

_UNCERTAIN: dict[UncertaintyPolicy, int | None] = {
    UncertaintyPolicy.UNCERTAIN_AS_POSITIVE: 1,
    UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE: 0,
    UncertaintyPolicy.UNCERTAIN_IGNORED: None,
}


def counted(label: Label, policy: UncertaintyPolicy) -> int | None:
    """1 for present, 0 for absent, None for a label that the score leaves out."""
    if label is Label.UNCERTAIN:
        return _UNCERTAIN[policy]
    return int(label is Label.POSITIVE)


def apply(findings: FindingSet, policy: UncertaintyPolicy) -> dict[Finding, int | None]:
    """`counted` for all 14 of a set, in the order of `FINDINGS`. An unparsed answer counts as 14
    absences; who wants the figure over parsed answers filters by `FindingSet.unparsed`."""
    return {finding: counted(findings[finding].label, policy) for finding in FINDINGS}
