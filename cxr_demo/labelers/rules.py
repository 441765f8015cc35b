"""The rule labeler: 14 labels from an English report, with the clauses that carry them.

Deterministic, without dependencies, always there; its result is called rule-based and never
CheXbert. Where CheXbert's habits and a radiologist's reading part ways, the reading wins.
"""

import re
from collections.abc import Iterator
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
_MENTIONS = {
    finding: re.compile(f"{pattern}|{HABITS[finding]}" if finding in HABITS else pattern)
    for finding, pattern in MENTIONS.items()
}
_NORMAL = re.compile(NORMAL)
_SUGGESTED = {finding: re.compile(pattern) for finding, pattern in SUGGESTED.items()}
_OTHER = re.compile(OTHER_ABNORMALITIES)
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

Evidence = tuple[Finding, Label, Span]


def label(report: str) -> FindingSet:
    """All 14 labels of `report`; spans are offsets into `report` as given. `labeler` is "rules"."""
    text = clean(report)
    evidence = [
        (finding, said, Span(start + span.start, start + span.end))
        for start, sentence in (
            (each.start, text[each.start : each.end]) for each in sentences(text)
        )
        for finding, said, span in _read_sentence(sentence)
    ]
    return FindingSet("rules", tuple(_weigh(finding, evidence) for finding in FINDINGS))


@lru_cache(maxsize=16384)
def _read_sentence(sentence: str) -> tuple[Evidence, ...]:
    return tuple(item for clause in clauses(sentence) for item in _read_clause(sentence, clause))


def _read_clause(sentence: str, span: Span) -> Iterator[Evidence]:
    clause = sentence[span.start : span.end].lower()
    where = scopes(clause)
    for finding, said, at in silhouettes(clause):
        if said is Label.POSITIVE and where.denies(at):
            said = Label.NEGATIVE
        yield finding, said, span
    for finding, pattern in _MENTIONS.items():
        for match in pattern.finditer(clause):
            if not _HISTORY.search(clause, 0, match.start()):
                yield finding, _said(finding, match, clause, where), span
    for finding, pattern in _SUGGESTED.items():
        for match in pattern.finditer(clause):
            denied = where.denies(match.start())
            yield finding, Label.NEGATIVE if denied else Label.UNCERTAIN, span
    for match in _OTHER.finditer(clause):
        if not where.denies(match.start()):
            yield Finding.NO_FINDING, Label.NEGATIVE, span
    if _NORMAL.search(clause):
        yield Finding.NO_FINDING, Label.POSITIVE, span


def _said(finding: Finding, match: re.Match[str], clause: str, where: Scopes) -> Label:
    if where.denies(match.start()):
        return Label.NEGATIVE
    if where.doubts(match.start()):
        return Label.UNCERTAIN
    if finding in _INTERPRETIVE and (
        _ALTERNATIVE.search(clause[match.end() :])
        or _ALTERNATIVE_BEFORE.search(clause[: match.start()])
    ):
        return Label.UNCERTAIN
    return Label.POSITIVE


def _weigh(finding: Finding, evidence: list[Evidence]) -> FindingLabel:
    if finding is Finding.NO_FINDING:
        return _no_finding(evidence)
    for said in _PRECEDENCE:
        spans = [span for name, what, span in evidence if name is finding and what is said]
        if spans:
            return FindingLabel(finding, said, tuple(dict.fromkeys(spans)))
    return FindingLabel(finding, Label.NOT_MENTIONED)


def _no_finding(evidence: list[Evidence]) -> FindingLabel:
    """Positive if the report says something normal and nothing abnormal; devices don't count."""
    against = [span for finding, said, span in evidence if _abnormal(finding, said)]
    if against:
        return FindingLabel(Finding.NO_FINDING, Label.NEGATIVE, tuple(dict.fromkeys(against)))
    normal = [
        span
        for finding, said, span in evidence
        if said is Label.NEGATIVE or finding is Finding.NO_FINDING
    ]
    said = Label.POSITIVE if normal else Label.NOT_MENTIONED
    return FindingLabel(Finding.NO_FINDING, said, tuple(dict.fromkeys(normal)))


def _abnormal(finding: Finding, said: Label) -> bool:
    if finding is Finding.NO_FINDING:
        return said is Label.NEGATIVE
    return finding is not Finding.SUPPORT_DEVICES and said is not Label.NEGATIVE
