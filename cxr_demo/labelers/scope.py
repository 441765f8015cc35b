"""Which words of a clause are denied and which are doubted.

Negation and doubt reach forward from a cue ("no effusion or pneumothorax") or back ("effusion is
not seen", "pneumonia cannot be excluded"), until a word that begins an assertion of its own. All
texts here are lower case.
"""

import re
from dataclasses import dataclass

from cxr_demo.records import Span

_SEEN = (
    r"(?:seen|identified|present|evident|visuali[sz]ed|demonstrated|noted|appreciated|detected|"
    r"observed|found|apparent|visible|suspected|shown|recognized|discernible)"
)
_OPENING = (
    r"(?:an?|the|this|there|mild\w*|minimal\w*|moderate\w*|severe\w*|marked\w*|stable|unchanged|"
    r"persistent|low|normal|heart|cardiac|cardio\w+|mediastin\w+|lungs?|tortuous|degenerative|"
    r"calcifi\w+|old|chronic|prior|status|bilateral|bibasilar|increased|prominent|it|which|"
    r"redemonstrat\w+|again|healed|multiple|several)\b"
)

_NO_NEGATION = re.compile(
    r"\b(?:no|without)(?: \w+){0,3} (?:change|interval change|increase|difference)s?\b(?: in)?|"
    r"\bnot (?:\w+ ){0,2}(?:changed|different|only|seen (?:on|in) (?:the )?(?:\w+ )?(?:prior|"
    r"previous|exam|comparison)\w*)|"
    r"\bnot (?:\w+ )?well.(?:\w+)(?: \w+)? on (?:the )?(?:lateral|frontal|ap|pa)\b|"
    r"\bnot? (?:definitely |entirely |completely )?(?:been )?(?:excluded|ruled out)|"
    r"\bcan ?not\b|\bno doubt\b"
)
_DENY_AHEAD = re.compile(
    r"\b(?:no|without|negative for|free (?:of|from)|clear of|clear(?= (?:focal |acute )?air)|"
    r"absence of|absent|denies|lack of|"
    r"resolution of|clearing of|removal of|removed|rather than|neither|nor|"
    r"no longer|previously (?:seen|noted|present|described|visualized)"
    r"(?=.*\b(?:resolved|cleared|no longer|not))|"
    r"not(?!(?: \w+){0,2} (?:well.)?" + _SEEN + r"))\b"
)
_DENY_BACK = re.compile(
    r"\b(?:not|no longer|never)(?: \w+){0,2}?[ -]"
    + _SEEN
    + r"\b(?! (?:on|in) (?:the )?(?:\w+ )?pr)"
    r"|\b(?:is|are|was|were) (?:absent|negative|excluded)\b"
    r"|\b(?:has|have) (?:\w+ )?(?:resolved|cleared|disappeared|been (?:removed|excluded))\b"
    r"|(?<!not )(?<!be )\bruled out\b|\bunlikely\b"
    r"|(?::|\s[-–]|\?)\s*(?:no(?:ne)?(?:\s(?:seen|identified|present|noted))?|absent|negative|false|0)[.!]?$"
)
_END_OF_DENIAL = re.compile(
    r",\s*(?:and\s+)?(?=" + _OPENING + r")|\s(?:and|with)\s+(?=" + _OPENING + r")"
    r"|\b(?:is|are|was|were) (?:\w+ )?" + _SEEN + r"\b(?! to (?:suggest|indicate))"
    r"|,?\s(?:which|secondary to|due to|because of)\b|:"
)

_DOUBT_AHEAD = re.compile(
    r"\b(?:may|might|could|can)\b(?! not)|\bpossibl[ey]\b|\bpossibility of|\bquestion\w*|"
    r"\bsuspicious for|\bconcern(?:ing)? (?:for|of)|\bworrisome for|\bsuspect\w*|"
    r"\bcan ?not (?:\w+ ){0,2}(?:exclude|rule out)|\bequivocal|\bdifferential\b|"
    r"\b(?:to )?rule out\b|\b(?:evaluate|correlate|assess) for\b|\bconsider(?!ing)\w*|"
    r"\bpotential\w*|\bprobable\b|\beither\b|\bperhaps\b|\bmaybe\b|\bnot? (?:entirely )?exclude\b|"
    r"\bdifficult to exclude"
)
_DOUBT_BACK = re.compile(
    r"\b(?:can ?not|could not|may not|not)(?: \w+){0,2} (?:excluded|ruled out)"
    r"|\b(?:is|are|remains?) (?:possible|question\w*|suspected|equivocal|a possibility|considered)"
    r"|(?<!un)\b(?:possible|uncertain|unclear)[.!]?$|\?$"
)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|with)\b")


@dataclass(frozen=True)
class Scopes:
    """Ranges of a clause; a mention belongs to a range if it begins in it."""

    denied: tuple[Span, ...]
    doubted: tuple[Span, ...]

    def denies(self, at: int) -> bool:
        """Whether the word that begins at `at` is denied."""
        return any(span.start <= at < span.end for span in self.denied)

    def doubts(self, at: int) -> bool:
        """Whether the word that begins at `at` is doubted."""
        return any(span.start <= at < span.end for span in self.doubted)


def scopes(clause: str) -> Scopes:
    """What a lower-case clause denies and doubts. Offsets into `clause`."""
    masked = _NO_NEGATION.sub(lambda match: "~" * len(match[0]), clause)
    denied = [_ahead(masked, cue) for cue in _DENY_AHEAD.finditer(masked)]
    denied += [_back(masked, cue) for cue in _DENY_BACK.finditer(masked)]
    doubted = [Span(cue.end(), len(clause)) for cue in _DOUBT_AHEAD.finditer(clause)]
    doubted += [_back(clause, cue) for cue in _DOUBT_BACK.finditer(clause)]
    return Scopes(tuple(denied), tuple(doubted))


def _ahead(clause: str, cue: re.Match[str]) -> Span:
    end = _END_OF_DENIAL.search(clause, cue.end())
    return Span(cue.end(), end.start() if end else len(clause))


def _back(clause: str, cue: re.Match[str]) -> Span:
    """From the subject of the cue's own assertion to the cue: in "a nodule is seen and effusion is
    not present" the nodule stays."""
    verb = _VERB.search(clause, 0, cue.start())
    joint = clause.find(" and ", verb.end(), cue.start()) if verb else -1
    return Span(max(0, joint), cue.start())
