"""One sentence that says what an F1 means, from the arm's own recall and precision."""

from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, said
from cxr_demo.results.scoring import recall_and_precision

_SENTENCE = (
    "Of the findings that are there it names {recall} in ten; of those that it names {precision} "
    "in ten are right.",
    "Dos achados que existem, ele cita {recall} em cada dez; dos que cita, {precision} em cada "
    "dez estão certos.",
)
_NOTHING_NAMED = (
    "It names none of the findings that are there.",
    "Não cita nenhum dos achados que existem.",
)
_HALVES = ("less than one", "menos de um")


def sentence(result: ArmResult, language: str) -> str | None:
    """As in "Of the findings that are there it names 6 in ten; of those that it names 5 in ten are
    right.", and how far the run is if it has not ended; None without figures or without a finding
    that is there."""
    if result.counts is None:
        return None
    recall, precision = recall_and_precision(result.counts)
    if recall is None:
        return None
    so_far = words.so_far(result, language)
    ending = "" if so_far is None else f" ({so_far})"
    if precision is None or recall == 0:
        return said(_NOTHING_NAMED, language) + ending
    told = said(_SENTENCE, language).format(
        recall=_in_ten(recall, language), precision=_in_ten(precision, language)
    )
    return told + ending


def _in_ten(share: float, language: str) -> str:
    """Whole numbers, as people say them; what rounds to 0 or 10 and is neither is said so."""
    tenths = round(10 * share)
    if tenths == 0 and share > 0:
        return said(_HALVES, language)
    if tenths == 10 and share < 1:
        return said(("more than nine", "mais de nove"), language)
    return str(tenths)
