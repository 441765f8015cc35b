"""What the findings pane shows: 14 rows, the words that carry them, and what contradicts them."""

from collections.abc import Sequence
from typing import Any

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.records import FindingSet, StopReason
from cxr_demo.ui.readings import details, leading, state
from cxr_demo.ui.state import Run
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import evidence, finding_state

View = dict[str, Any]

ICONS = {
    "positive": "+",
    "negative": "−",
    "uncertain": "?",
    "not_mentioned": "·",
    "unassessed": "",
    "clear": "✓",
    "excluded": "−",
}
"""One sign per state, so that colour never stands alone."""

_OPPOSITE = {Label.POSITIVE, Label.NEGATIVE}


def findings_view(run: Run | None, language: str, runs: Sequence[Run] = ()) -> View:
    """The 14 rows, in a state of their own until something was assessed, and what does not go
    together: within the set, between the labelers, and with the other `runs` of the image."""
    found = leading(run)
    complete = run is not None and run.reading is not None and run.reading.stop is StopReason.END
    rows = [finding_row(each, found, complete, run, language) for each in FINDINGS]
    unparsed = bool(run and run.reading and run.reading.findings and found is None)
    remarks = contradictions(run.reading.findings if run and run.reading else (), language)
    if unparsed:
        remarks = [text("unparsed", language)]
    elif found is not None and not complete:
        remarks = [text("incomplete_findings", language), *remarks]
    if run is not None:
        remarks += opposed_readings(run, runs, language)
    return {
        "run": run.id if run else None,
        "labeler": text(f"labeler.{found.labeler}", language) if found else None,
        "rows": rows,
        "remarks": remarks,
    }


def finding_row(
    finding: Finding, found: FindingSet | None, complete: bool, run: Run | None, language: str
) -> View:
    """One finding: its state as sign and word, and the sentences that carry it."""
    row = found[finding] if found else None
    shown = finding_state(row, complete)
    return {
        "finding": str(finding),
        "name": finding.name_in(language),
        "state": shown,
        "icon": ICONS[shown],
        "word": text(f"label.{shown}", language),
        "evidence": evidence(row, run.report) if row and run else [],
        "others": _other_labelers(finding, run, complete, language),
    }


def _other_labelers(finding: Finding, run: Run | None, complete: bool, language: str) -> list[str]:
    """What every further labeler says of this finding."""
    sets = run.reading.findings[1:] if run and run.reading else ()
    return [
        text(
            "labeler.says",
            language,
            labeler=text(f"labeler.{each.labeler}", language),
            word=text(f"label.{finding_state(each[finding], complete)}", language),
        )
        for each in sets
        if not each.unparsed
    ]


def contradictions(sets: Sequence[FindingSet], language: str) -> list[str]:
    """Sentences on what does not go together, within the leading set and between the sets."""
    if not sets or sets[0].unparsed:
        return []
    first = sets[0]
    beside = [
        row.finding.name_in(language)
        for row in first.labels
        if row.label is Label.POSITIVE
        # By CheXpert's definition a device is no finding against "No Finding".
        and row.finding not in (Finding.NO_FINDING, Finding.SUPPORT_DEVICES)
    ]
    remarks = []
    if beside and first[Finding.NO_FINDING].label is Label.POSITIVE:
        remarks.append(text("contradiction.no_finding", language, findings=", ".join(beside)))
    for other in sets[1:]:
        remarks += [] if other.unparsed else _disagreements(first, other, language)
    return remarks


def _disagreements(first: FindingSet, other: FindingSet, language: str) -> list[str]:
    return [
        text(
            "contradiction.labelers",
            language,
            finding=row.finding.name_in(language),
            first=text(f"label.{row.label}", language),
            first_by=text(f"labeler.{first.labeler}", language),
            second=text(f"label.{other[row.finding].label}", language),
            second_by=text(f"labeler.{other.labeler}", language),
        )
        for row in first.labels
        if {row.label, other[row.finding].label} == _OPPOSITE
    ]


def opposed_readings(run: Run, runs: Sequence[Run], language: str) -> list[str]:
    """One sentence per finding that another complete reading of this image says the opposite of."""
    found = leading(run)
    remarks = []
    for other in runs:
        theirs = leading(other)
        if other is run or found is None or theirs is None or state(other) != "done":
            continue
        for row in found.labels:
            if {row.label, theirs[row.finding].label} == _OPPOSITE:
                remarks.append(
                    text(
                        "contradiction.readings",
                        language,
                        finding=row.finding.name_in(language),
                        first=text(f"label.{row.label}", language),
                        second=text(f"label.{theirs[row.finding].label}", language),
                        other=details(other, language),
                    )
                )
    return remarks
