"""Direct identification: from an answer to "which of these 14 are present?" to 14 labels.

What an answer means:
- A finding it names as present is positive, one it denies negative, one it doubts uncertain.
- Where it names at least one as present, or says that there is none, the others are negative: that
  was the question. An answer that only denies some leaves the others not mentioned.
- A cut-off answer leaves them not mentioned too, and what stands after its last complete name does
  not count.
- Where nothing can be read from it (a refusal, an echo of all options, something else altogether),
  it is `unparsed` and all 14 are not mentioned; never silently negative.
"""

import re
from collections.abc import Sequence

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers.rules import evidence
from cxr_demo.labelers.sentences import clean, sentences
from cxr_demo.records import FindingLabel, FindingSet, Span

_VALUE = (
    r"(?:yes|no|none|present|absent|true|false|positive|negative|possible|uncertain|unclear|[01])"
)
_PAIR_END = re.compile(rf"(?<=[:\-–])(\s*{_VALUE}\s*)[,}}]", re.IGNORECASE)
_SCOPED = re.compile(
    r"\b(?:no|not|without|free|negative|neither|nor|or|may|might|possib\w+|cannot|absen\w+)\b",
    re.IGNORECASE,
)
"""A text with such a word may deny or doubt a list as a whole, so its commas stay commas."""
_JSON = re.compile(r"^\s*(?:```(?:json)?\s*)?[\[{]")
_JSON_MARKS = str.maketrans(dict.fromkeys("[]{}\"'`", " "))
_EMPTY_LIST = re.compile(r"\[\s*\]")
_PLEURAL_OTHER = re.compile(r"\b(?:pleural other|other pleural\b[ \w]*)", re.IGNORECASE)
_OPTION_NONE = re.compile(
    r"\bno finding\b|\bno findings\b(?! (?:of|to|that|suggest\w*))", re.IGNORECASE
)
_NONE = re.compile(
    r"^\W*(?:none|nothing|nil|normal)(?: (?:seen|present|identified|detected|found|visible))?\W*$"
    r"|\bnone of the(?:se| above| listed| given| options| following)"
    r"|\bno (?:(?:acute|significant|obvious|visible|apparent|active|definite|cardiopulmonary|"
    r"radiographic|evident) )*(?:abnormalit(?:y|ies)|diseases?|patholog(?:y|ies))\b"
    r"|\b(?:is|appears|looks) (?:(?:completely|entirely|within|essentially) )*normal\W*$"
    r"|\bnormal (?:chest|study|radiograph|x-?ray|cxr)",
    re.IGNORECASE | re.MULTILINE,
)
_NOT_NONE = re.compile(r"\bno findings?\s*[:\-–]\s*(?:no|false|absent|0)\b", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:can ?not|can't|unable to|not able to|won't|will not|am not (?:qualified|allowed))\b"
    r"[^.]{0,60}\b(?:assist|help|provide|interpret|diagnos\w+|analy\w+|determine|answer|identify|see|"
    r"view|assess|comply)|\bas an ai\b|\bi'?m sorry\b|\bconsult (?:a|your) \w+",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\(([A-N])\)|^\s*([A-N])[).:](?=\s|$)", re.MULTILINE)
_ONLY_LETTERS = re.compile(r"\W*(?:and\W+)?[A-N](?:(?:\W+and)?\W+[A-N])*\W*")

_Found = dict[Finding, tuple[Label, tuple[Span, ...]]]


def parse(text: str, cut_off: bool = False, options: Sequence[Finding] = FINDINGS) -> FindingSet:
    """All 14 labels of an answer; `labeler` is "direct", spans are offsets into `text`.

    `cut_off`: the answer ended at its token limit. `options`: the order in which the prompt gave
    the options, for answers that are letters only ("(A), (C)").
    """
    readable = _before_the_cut(text) if cut_off else text
    found = _named(readable) or _lettered(readable, options)
    if not found or _is_echo(found):
        return _labelled({}, Label.NOT_MENTIONED, unparsed=True)
    complete = any(label is not Label.NEGATIVE for label, _ in found.values()) and not cut_off
    return _labelled(found, Label.NEGATIVE if complete else Label.NOT_MENTIONED)


def _labelled(found: _Found, others: Label, unparsed: bool = False) -> FindingSet:
    labels = (FindingLabel(each, *found.get(each, (others, ()))) for each in FINDINGS)
    return FindingSet("direct", tuple(labels), unparsed)


def _before_the_cut(text: str) -> str:
    """What stands before the last separator: the rest may be half a name, or half its denial."""
    last = max(text.rfind(mark) for mark in ",.;\n")
    return text[: last + 1]


def _named(text: str) -> _Found:
    plain = _plain(text)
    said: dict[Finding, list[tuple[Label, Span]]] = {}
    for finding, label, span in evidence(_OPTION_NONE.sub(_blank, plain), habits=False):
        if finding is not Finding.NO_FINDING:
            said.setdefault(finding, []).append((label, span))
    if Finding.PLEURAL_OTHER not in said:
        for match in _PLEURAL_OTHER.finditer(plain):
            item = (Label.POSITIVE, Span(*match.span()))
            said.setdefault(Finding.PLEURAL_OTHER, []).append(item)
    found = {finding: _strongest(items) for finding, items in said.items()}
    return found | _none(text, plain, found)


def _plain(text: str) -> str:
    """`text` as sentences of the same length: markup, JSON and refusals blanked, items apart."""
    plain = text.translate(_JSON_MARKS) if _JSON.search(text) else text
    plain = clean(_PAIR_END.sub(lambda match: match[1] + ";", plain))
    for span in list(sentences(plain)):
        if _REFUSAL.search(plain, span.start, span.end):
            plain = plain[: span.start] + " " * (span.end - span.start) + plain[span.end :]
    return plain if _SCOPED.search(_OPTION_NONE.sub(_blank, plain)) else plain.replace(",", ";")


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _strongest(items: list[tuple[Label, Span]]) -> tuple[Label, tuple[Span, ...]]:
    for label in (Label.POSITIVE, Label.UNCERTAIN, Label.NEGATIVE):
        spans = tuple(dict.fromkeys(span for said, span in items if said is label))
        if spans:
            return label, spans
    raise AssertionError("every item has one of the three labels")


def _none(text: str, plain: str, found: _Found) -> _Found:
    """No Finding, if the answer says it. A phrase that says it in passing ("otherwise no disease")
    counts only where no finding is named; the option's own name always does."""
    if _NOT_NONE.search(plain):
        return {Finding.NO_FINDING: (Label.NEGATIVE, ())}
    named = any(
        label is not Label.NEGATIVE
        for finding, (label, _) in found.items()
        if finding is not Finding.SUPPORT_DEVICES
    )
    said = _OPTION_NONE.search(plain) or (None if named else _NONE.search(plain))
    if said is None and not named and _JSON.search(text):
        said = _EMPTY_LIST.search(text)
    return {Finding.NO_FINDING: (Label.POSITIVE, (Span(*said.span()),))} if said else {}


def _lettered(text: str, options: Sequence[Finding]) -> _Found:
    pattern = re.compile(r"[A-N]") if _ONLY_LETTERS.fullmatch(text) else _LETTER
    found: _Found = {}
    for match in pattern.finditer(text):
        index = "ABCDEFGHIJKLMN".index(match[0].strip("(). :\n\t"))
        if index < len(options):
            _, spans = found.get(options[index], (None, ()))
            found[options[index]] = (Label.POSITIVE, (*spans, Span(*match.span())))
    return found


def _is_echo(found: _Found) -> bool:
    """Whether everything was named, No Finding too: the question came back, not an answer."""
    return sum(label is Label.POSITIVE for label, _ in found.values()) == len(FINDINGS)
