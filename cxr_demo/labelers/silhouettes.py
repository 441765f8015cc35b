"""Heart and mediastinum: a subject ("heart size") and its state ("within normal limits").

Reports speak of both mostly without naming a finding, so their labels come from the state that goes
with a subject: in the subject's own part of the clause, or, for a list of subjects ("heart size,
mediastinal contour and vascularity are normal"), in the part where the list ends or began.
CheXbert's convention for a silhouette that is only called stable is: uncertain.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from cxr_demo.findings import Finding, Label
from cxr_demo.records import Span

_SHAPE = r"(?: (?:silhouettes?|size|shadow|contours?|xxxx|width|structures|borders))*"
_SUBJECTS = {
    Finding.CARDIOMEGALY: re.compile(
        rf"\b(?:heart{_SHAPE}(?! (?:failure|valve|rate|disease))|"
        rf"(?:cardiac|cardiopericardial)(?: (?:and|silhouette|size|shadow|contours?|xxxx)\b)+|"
        rf"cardiac(?=, ))"
    ),
    Finding.ENLARGED_CARDIOMEDIASTINUM: re.compile(
        rf"\bcardi(?:o|a|ac)(?:\s|-|/|opulmonary |, | and )?\s?mediastin(?:um|al){_SHAPE}|"
        rf"\bmediastinum{_SHAPE}|"
        rf"\bmediastinal(?:(?: and|,) hilar)? (?:silhouettes?|size|contours?|shadow|width|xxxx)|"
        rf"\bcardiac contours?"
    ),
}
_ELSEWHERE = re.compile(
    r"\b(?:behind|over|overl\w+|posterior to|anterior to|superior to|beneath|below|above|"
    r"adjacent to|within|in|through|near|along|from|to|surrounding|left|right) (?:the )?"
    r"(?:(?:upper|superior|left|right|anterior|posterior) )*$"
)
_PART = re.compile(r", (?:and )?| with | and (?=(?:\w+ )?(?:increas|prominen|tortuous|dilat))")


class _State(IntEnum):
    """What is said of a size, by precedence where one part says more than one thing."""

    STABLE = 0
    NORMAL = 1
    BORDERLINE = 2
    UPPER = 3
    ENLARGED = 4


_STATES = re.compile(
    # CheXbert takes "is upper limits of normal" for enlarged, "at the upper limits" for normal
    r"(?P<UPPER>\b(?:is|appears) upper limits?(?: of)? normal)|"
    r"(?P<BORDERLINE>\bborderline\b|(?<!at )(?<!near )(?<!the )(?<!wards )\bupper limits?\b)|"
    r"(?P<NORMAL>\bnormal\w*|\bwithin (?:\w+ )?limits?|\bunremarkable|\bnon-?enlarged|"
    r"\b(?:no|not|without)(?: \w+){0,3} (?:enlarg\w*|widen\w*|abnormal\w*|remarkable)|"
    r"\btop (?:of |limits of )?normal|\blimits of normal)|"
    r"(?P<ENLARGED>\benlarg\w*|\bwiden\w*|"
    # "large" and its like are said of other things too, so they must touch a subject or its verb
    r"\b(?:(?<!there )is|are|appears?|remains?|size|heart|silhouette|mediastinum|contours?|\w+ly|"
    r"somewhat|xxxx) (?:larger?|big|prominent|increased|dilated)\b|"
    r"\b(?:larger?|big|prominent|increased) (?=heart|cardi|mediast|(?:upper|superior) mediast)|"
    r"\b(?:prominence|increase) (?:of|in) "
    r"(?=(?:size of )?(?:the )?(?:\w+ )?(?:heart|cardi|mediast)))|"
    r"(?P<STABLE>\bstable|\bunchanged|\bsimilar|\bno (?:\w+ ){0,2}change|\bnot (?:\w+ )?changed)"
)
_LABELS = {
    _State.STABLE: Label.UNCERTAIN,
    _State.NORMAL: Label.NEGATIVE,
    _State.BORDERLINE: Label.UNCERTAIN,
    _State.UPPER: Label.POSITIVE,
    _State.ENLARGED: Label.POSITIVE,
}


def silhouettes(clause: str) -> Iterator[tuple[Finding, Label, int]]:
    """Every heart or mediastinum with a state in a lower-case clause: the finding, the label and
    where the state stands in `clause`."""
    if not any(stem in clause for stem in ("heart", "cardi", "mediastin")):
        return
    states = [(_State[str(each.lastgroup)], each.start()) for each in _STATES.finditer(clause)]
    if not states:
        return
    parts = _parts(clause)
    for finding, subject in _SUBJECTS.items():
        for match in subject.finditer(clause):
            if not _ELSEWHERE.search(clause, 0, match.start()):
                state, at = _state_of(match.start(), parts, states)
                yield finding, _LABELS[state], at


def _parts(clause: str) -> list[Span]:
    edges = [0, *(match.start() for match in _PART.finditer(clause)), len(clause)]
    return [Span(edges[i], edges[i + 1]) for i in range(len(edges) - 1)]


def _state_of(
    subject: int, parts: list[Span], states: list[tuple[_State, int]]
) -> tuple[_State, int]:
    """The strongest state of the subject's part, else of the nearest part after it, else before."""
    own = next(i for i, part in enumerate(parts) if subject < part.end)
    for part in [*parts[own:], *reversed(parts[:own])]:
        said = [(state, at) for state, at in states if part.start <= at < part.end]
        if said:
            return max(said)
    raise AssertionError("the caller found a state in one of the parts")
