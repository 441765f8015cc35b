"""How single facts are called, on the screen and in copied text alike."""

from cxr_demo.findings import Finding, Label
from cxr_demo.models.cards import CARDS
from cxr_demo.records import FindingLabel
from cxr_demo.ui.strings import STRINGS, text


def model_name(model: str, language: str) -> str:
    """The card's name, in Portuguese where it has one of its own there."""
    key = f"card.{model}"
    if key in STRINGS:
        return text(key, language)
    return CARDS[model].name if model in CARDS else model


def finding_state(row: FindingLabel | None, complete: bool) -> str:
    """The label's name, or "unassessed" (also for the silence of an incomplete report, which says
    nothing). "No Finding" is a statement and no finding: it applies ("clear") or not ("excluded").
    """
    if row is None or (row.label is Label.NOT_MENTIONED and not complete):
        return "unassessed"
    if row.finding is Finding.NO_FINDING:
        return {Label.POSITIVE: "clear", Label.NEGATIVE: "excluded"}.get(row.label, str(row.label))
    return str(row.label)


def evidence(row: FindingLabel, report: str) -> list[str]:
    """The report's own words that carry the label."""
    return [report[span.start : span.end].strip() for span in row.spans]
