"""A report cut into sentences and clauses, every one with its exact place in the original text.

Models write bold, `[Region: part]`, lists, headings and wrapped lines. All of that is blanked with
as many spaces, so that an offset into the cleaned text is an offset into the report.
"""

import re
from collections.abc import Iterator

from cxr_demo.records import Span

_MARKUP = re.compile(
    r"\*+|__+|`+|<[a-zA-Z/]{1,4}>|\[[^\]\[\n]{0,80}\]|^[ \t]*#{1,6}(?=[ \t])", re.MULTILINE
)
VIEW = "View"
"""Heading of what a stepwise report says of the image itself; nothing there is a finding."""
_VIEW = re.compile(rf"^\[{VIEW}\]\n.*?(?=^\[[^\]\[\n]{{1,80}}\]$|\Z)", re.MULTILINE | re.DOTALL)
_LIST_MARK = re.compile(r"^[ \t]*(?:[-•·–—>]|\(?\d{1,2}[.)])(?=[ \t])", re.MULTILINE)
_HEADING = re.compile(
    r"(?:^|(?<=[.;:?!]))[ \t]*(?:"
    r"(?P<body>(?:chest |radiology |final )*(?:findings?|impressions?|conclusions?|opinion|summary|"
    r"reports?|interpretation|assessment)(?: and impression| section)?)|"
    r"(?P<aside>(?:(?:clinical|patient|brief|past|medical|surgical|relevant|reason for)[ \t]+)*"
    r"(?:history|indications?|information|context|details|comparisons?(?: stud(?:y|ies))?|"
    r"techniques?|exam(?:ination)?s?|the exam(?:ination)?|study|procedures?|recommendations?|"
    r"priors?(?: stud(?:y|ies))?))"
    r")[ \t]*(?::|\n)",
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_CONTENT = re.compile(r"\S")
_LINE_END = re.compile(r"\n")
_WORD = re.compile(r"[^\n]")
_END = re.compile(
    r"(?<!\d)[.!?]+(?=\s|$|[A-Z])"  # also "limits.The", which transcripts hold; never "1.5 cm"
    r"|(?<=\d)[.!?]+(?=\s|$)"
    r"|;"
    r"|\n[ \t]*\n"
    r"|\n(?=[ \t]*[A-Z(])"
)
_ABBREVIATION = re.compile(r"\b(?:dr|approx|vs|e\.g|i\.e|fig|st|cf|resp)$", re.IGNORECASE)
_BREAK = re.compile(
    r",?\s+\b(?:but|however|although|though|whereas|while|except|otherwise|nevertheless)\b"
    r"|,\s+(?=(?:and\s+)?there\s+(?:is|are|has|have)\b)"
    r"|\s+and\s+(?=there\s+(?:is|are|has|have)\b)",
    re.IGNORECASE,
)


def heading(title: str) -> str:
    """The line above a section of a stepwise report. It is markup: no labeler reads it."""
    return f"[{title}]"


def without_markup(report: str) -> str:
    """`report` with bold, `[Region: part]`, Markdown headings and the section on the view blanked,
    same length."""
    if f"[{VIEW}]" in report:
        report = _VIEW.sub(lambda match: _WORD.sub(" ", match[0]), report)
    return _MARKUP.sub(lambda match: " " * len(match[0]), report)


def items_apart(text: str) -> str:
    """`text` with every list mark turned into a semicolon, which ends a sentence; same length."""
    return _LIST_MARK.sub(lambda match: ";" + " " * (len(match[0]) - 1), text)


def clean(report: str) -> str:
    """`report` with markup and asides (history, technique, comparison) blanked, same length.

    An aside lasts until the next heading or the end of its paragraph; in a report of one paragraph,
    to the end of its line or sentence.
    """
    text = items_apart(without_markup(report))
    headings = list(_HEADING.finditer(text))
    pieces, done = [], 0
    for heading, following in zip(headings, [*headings[1:], None], strict=False):
        end = heading.end()
        if heading["aside"] is not None:
            end = _end_of_aside(text, heading, following)
        pieces += [text[done : heading.start()], ";" + " " * (end - heading.start() - 1)]
        done = end
    return "".join([*pieces, text[done:]])


def sentences(text: str) -> Iterator[Span]:
    """Sentences of a cleaned text in order, without white space and closing commas around them."""
    start = 0
    for end in [*_ends(text), len(text)]:
        span = _trimmed(text, start, end)
        if span.end > span.start:
            yield span
        start = end


def clauses(sentence: str) -> list[Span]:
    """Parts of a sentence that are denied or doubted on their own: "no effusion, but cardiomegaly"
    has two. Offsets into `sentence`."""
    cuts = [match.span() for match in _BREAK.finditer(sentence)]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(sentence)]
    spans = [_trimmed(sentence, *edges) for edges in zip(starts, ends, strict=True)]
    return [span for span in spans if span.end > span.start]


def _end_of_aside(text: str, heading: re.Match[str], following: re.Match[str] | None) -> int:
    limit = following.start() if following else len(text)
    content = _CONTENT.search(text, heading.end(), limit)
    if content is None:
        return limit
    for stop in (_PARAGRAPH, _LINE_END, _END):
        found = stop.search(text, content.start(), limit)
        if found or (following and stop is _PARAGRAPH):
            return found.start() if found else limit
    return limit


def _ends(text: str) -> Iterator[int]:
    for match in _END.finditer(text):
        if not (match[0] == "." and _abbreviated(text, match.start())):
            yield match.end()


def _abbreviated(text: str, end: int) -> bool:
    return _ABBREVIATION.search(text[max(0, end - 8) : end]) is not None


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip(" \t\r\n,;"))
    right = len(piece.rstrip(" \t\r\n,;"))
    return Span(start + left, start + max(left, right))
