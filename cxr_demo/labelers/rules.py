"""The rule labeler: 14 labels from an English report, with the clauses that carry them.

Deterministic, without dependencies, always there; its result is called rule-based and never
CheXbert. It follows CheXbert's conventions, since both are shown side by side, with one exception:
what a report denies is never positive (CheXbert reads "no displaced rib fracture" as a fracture).
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers.lexicon import (
    HABITS,
    MENTIONS,
    NORMAL,
    OTHER_ABNORMALITIES,
    SUGGESTED,
)
from cxr_demo.labelers.scope import Scopes, scopes
from cxr_demo.labelers.sentences import clauses, clean, sentences
from cxr_demo.labelers.silhouettes import silhouettes
from cxr_demo.records import FindingLabel, FindingSet, Span

_PRECEDENCE = (Label.POSITIVE, Label.UNCERTAIN, Label.NEGATIVE)


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_MENTIONS = {finding: _any(each) for finding, each in MENTIONS.items()}
_HABITS = {finding: _any(each) for finding, each in HABITS.items()}
_SUGGESTED = {finding: _any(each) for finding, each in SUGGESTED.items()}
_NORMAL = _any(NORMAL)
_OTHER = _any(OTHER_ABNORMALITIES)
_HISTORY = re.compile(r"\b(?:history of|status post|s/p|known)(?: \w+){0,3} $")
_ALTERNATIVE = re.compile(r"^\W*(?:and/or|or|versus|vs\.?|/)\b|^/")
_ALTERNATIVE_BEFORE = re.compile(r"(?:\b(?:and/or|or|versus|vs\.?)\s|/)(?:\w+ ){0,2}$")
_INTERPRETIVE = {
    Finding.EDEMA,
    Finding.CONSOLIDATION,
    Finding.PNEUMONIA,
    Finding.ATELECTASIS,
    Finding.PNEUMOTHORAX,
    Finding.PLEURAL_EFFUSION,
}
_DENIALS_OF_A_NORMAL_REPORT = 2  # "No pneumothorax." alone does not call a chest normal

Evidence = tuple[Finding, Label, Span]


def label(report: str, habits: bool = True) -> FindingSet:
    """All 14 labels of `report`; spans are offsets into `report` as given. `labeler` is "rules".

    With `habits` it reads as CheXbert does, also where that misreads ("endplate" as a support
    device): for tables that stand beside CheXbert's. Readings on the screen do without them.
    """
    found = evidence(clean(report), habits)
    return FindingSet("rules", tuple(_weigh(finding, found) for finding in FINDINGS))


def evidence(text: str, habits: bool = True) -> list[Evidence]:
    """What the clauses of a cleaned text say, in its order; CheXbert's `habits` or a plain reading.

    Under NO_FINDING, NEGATIVE stands for an abnormality that is none of the other 13, and POSITIVE
    for a normal statement.
    """
    return [
        (finding, said, Span(start + span.start, start + span.end))
        for start, sentence in (
            (each.start, text[each.start : each.end]) for each in sentences(text)
        )
        for finding, said, span in _read_sentence(sentence, habits)
    ]


@lru_cache(maxsize=16384)
def _read_sentence(sentence: str, habits: bool) -> tuple[Evidence, ...]:
    return tuple(
        item for span in clauses(sentence) for item in _read_clause(sentence, span, habits)
    )


def _read_clause(sentence: str, span: Span, habits: bool) -> Iterator[Evidence]:
    clause = " ".join(sentence[span.start : span.end].lower().split())
    where = scopes(clause)
    for finding, said, at in silhouettes(clause):
        yield finding, _qualified(said, at, where), span
    for finding, pattern in _MENTIONS.items():
        for match in pattern.finditer(clause):
            if not _HISTORY.search(clause, 0, match.start()):
                yield finding, _said(finding, match, clause, where), span
    for finding, pattern in _SUGGESTED.items():
        for match in pattern.finditer(clause):
            denied = where.denies(match.start())
            yield finding, Label.NEGATIVE if denied else Label.UNCERTAIN, span
    for finding, pattern in _HABITS.items() if habits else ():
        if pattern.search(clause):
            yield finding, Label.POSITIVE, span
    if any(not where.denies(match.start()) for match in _OTHER.finditer(clause)):
        yield Finding.NO_FINDING, Label.NEGATIVE, span
    if _NORMAL.search(clause):
        yield Finding.NO_FINDING, Label.POSITIVE, span


def _said(finding: Finding, match: re.Match[str], clause: str, where: Scopes) -> Label:
    said = _qualified(Label.POSITIVE, match.start(), where)
    if said is Label.POSITIVE and finding in _INTERPRETIVE and _is_alternative(match, clause):
        return Label.UNCERTAIN
    return said


def _qualified(said: Label, at: int, where: Scopes) -> Label:
    if said is not Label.POSITIVE:
        return said
    if where.denies(at):
        return Label.NEGATIVE
    return Label.UNCERTAIN if where.doubts(at) else Label.POSITIVE


def _is_alternative(match: re.Match[str], clause: str) -> bool:
    """Whether the mention is one side of "scarring or atelectasis", "edema versus pneumonia"."""
    before, after = clause[: match.start()], clause[match.end() :]
    return bool(_ALTERNATIVE.search(after) or _ALTERNATIVE_BEFORE.search(before))


def _weigh(finding: Finding, found: list[Evidence]) -> FindingLabel:
    if finding is Finding.NO_FINDING:
        return _no_finding(found)
    for said in _PRECEDENCE:
        spans = [span for name, what, span in found if name is finding and what is said]
        if spans:
            return FindingLabel(finding, said, tuple(dict.fromkeys(spans)))
    return FindingLabel(finding, Label.NOT_MENTIONED)


def _no_finding(found: list[Evidence]) -> FindingLabel:
    """Positive if the report says something normal and nothing abnormal; devices don't count."""
    against = [span for finding, said, span in found if _abnormal(finding, said)]
    if against:
        return FindingLabel(Finding.NO_FINDING, Label.NEGATIVE, tuple(dict.fromkeys(against)))
    normal = [
        (finding, span) for finding, _, span in found if finding is not Finding.SUPPORT_DEVICES
    ]
    named = {finding for finding, _ in normal}
    if Finding.NO_FINDING not in named and len(named) < _DENIALS_OF_A_NORMAL_REPORT:
        return FindingLabel(Finding.NO_FINDING, Label.NOT_MENTIONED)
    spans = tuple(dict.fromkeys(span for _, span in normal))
    return FindingLabel(Finding.NO_FINDING, Label.POSITIVE, spans)


def _abnormal(finding: Finding, said: Label) -> bool:
    if finding is Finding.NO_FINDING:
        return said is Label.NEGATIVE
    return finding is not Finding.SUPPORT_DEVICES and said is not Label.NEGATIVE
