"""What does not go together: within a set, between labelers, with the probabilities, and between
readings of one image. Each remark names the findings that it is about.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers.agreement import disagreements
from cxr_demo.records import FindingLabel, FindingSet, Probabilities
from cxr_demo.ui.readings import details, leading, state
from cxr_demo.ui.state import Run
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import finding_state, percent

SENTENCES = "chexbert_sentences"
"""CheXbert's labels of the single sentences: beside those of the whole, no labeler of its own."""

LIKELY, UNLIKELY = 0.8, 0.2
"""Calibrated probabilities from which on they contradict a report that says the opposite."""

_OPPOSITE = {Label.POSITIVE, Label.NEGATIVE}


@dataclass(frozen=True)
class Remark:
    """One sentence, and the findings that it is about."""

    findings: tuple[Finding, ...]
    words: str


def remarks(run: Run, runs: Sequence[Run], language: str) -> list[Remark]:
    """All contradictions of the finished reading of `run`, the gravest first."""
    if run.reading is None:
        return []
    sets = run.reading.findings
    return [
        *within(sets, language),
        *against_probabilities(leading(run), run.reading.probabilities, language),
        *between_readings(run, runs, language),
    ]


def within(sets: Sequence[FindingSet], language: str) -> list[Remark]:
    """What does not go together within the leading set, and between it and the other ones."""
    if not sets or sets[0].unparsed:
        return []
    found = list(_beside_no_finding(sets[0], language))
    for other in sets[1:]:
        if other.labeler == SENTENCES:
            found += _by_sentences(sets[0], other, language)
        elif not other.unparsed:
            found += _between_labelers(sets[0], other, language)
    return found


def against_probabilities(
    found: FindingSet | None, probabilities: Probabilities | None, language: str
) -> list[Remark]:
    """Findings that the text affirms or denies while the yes/no question says the opposite."""
    if found is None or probabilities is None:
        return []
    remarks = []
    for row in found.labels:
        value = probabilities[row.finding]
        if value is None or row.label not in _OPPOSITE:
            continue
        if value <= UNLIKELY if row.label is Label.POSITIVE else value >= LIKELY:
            words = text(
                "contradiction.probability",
                language,
                finding=row.finding.name_in(language),
                word=_word(row, language),
                percent=percent(value),
            )
            remarks.append(Remark((row.finding,), words))
    return remarks


def between_readings(run: Run, runs: Sequence[Run], language: str) -> list[Remark]:
    """One remark per finding that another complete reading of this image says the opposite of."""
    found = leading(run)
    remarks = []
    for other in runs:
        theirs = leading(other)
        if other is run or found is None or theirs is None or state(other) != "done":
            continue
        for row in found.labels:
            if {row.label, theirs[row.finding].label} == _OPPOSITE:
                words = text(
                    "contradiction.readings",
                    language,
                    finding=row.finding.name_in(language),
                    first=_word(row, language),
                    second=_word(theirs[row.finding], language),
                    other=details(other, language),
                )
                remarks.append(Remark((row.finding,), words))
    return remarks


def _beside_no_finding(first: FindingSet, language: str) -> Iterator[Remark]:
    # By CheXpert's definition a device is no finding against "No Finding".
    neutral = (Finding.NO_FINDING, Finding.SUPPORT_DEVICES)
    beside = [
        row.finding
        for row in first.labels
        if row.label is Label.POSITIVE and row.finding not in neutral
    ]
    if beside and first[Finding.NO_FINDING].label is Label.POSITIVE:
        named = _names(beside, language)
        words = text("contradiction.no_finding", language, findings=named)
        yield Remark((Finding.NO_FINDING, *beside), words)


def _between_labelers(first: FindingSet, other: FindingSet, language: str) -> Iterator[Remark]:
    for row in first.labels:
        theirs = other[row.finding].label
        if {row.label, theirs} == _OPPOSITE:
            words = text(
                "contradiction.labelers",
                language,
                finding=row.finding.name_in(language),
                first=_word(row, language),
                first_by=text(f"labeler.{first.labeler}", language),
                second=_word(other[row.finding], language),
                second_by=text(f"labeler.{other.labeler}", language),
            )
            yield Remark((row.finding,), words)


def _by_sentences(whole: FindingSet, parts: FindingSet, language: str) -> Iterator[Remark]:
    differing = disagreements(whole, parts)
    if differing:
        named = _names(differing, language)
        yield Remark(differing, text("contradiction.sentences", language, findings=named))


def _word(row: FindingLabel, language: str) -> str:
    return text(f"label.{finding_state(row, complete=True)}", language)


def _names(findings: Sequence[Finding], language: str) -> str:
    return ", ".join(each.name_in(language) for each in FINDINGS if each in findings)
