"""How single facts are called, on the screen and in copied text alike."""

from cxr_demo import reading_notices
from cxr_demo.findings import Finding, Label
from cxr_demo.models.cards import CARDS
from cxr_demo.records import FindingLabel, ImageUse, Notice
from cxr_demo.studies import notices as study_notices
from cxr_demo.ui.strings import STRINGS, text
from cxr_demo.units import format_date


def model_name(model: str, language: str) -> str:
    """The card's name, in Portuguese where it has one of its own there."""
    key = f"card.{model}"
    if key in STRINGS:
        return text(key, language)
    return CARDS[model].name if model in CARDS else model


def finding_state(row: FindingLabel | None, complete: bool, labeler: str = "") -> str:
    """The label's name, or "unassessed" (also for the silence of an incomplete report, which says
    nothing). "No Finding" is a statement and no finding: it applies ("clear") or not ("excluded").
    A finding that a direct answer leaves out counts as absent in scores, but nobody denied it: here
    it is "unnamed".
    """
    if row is None or (row.label is Label.NOT_MENTIONED and not complete):
        return "unassessed"
    if row.finding is Finding.NO_FINDING:
        return {Label.POSITIVE: "clear", Label.NEGATIVE: "excluded"}.get(row.label, str(row.label))
    if labeler == "direct" and row.label is Label.NEGATIVE and not row.spans:
        return "unnamed"
    return str(row.label)


def evidence(row: FindingLabel, report: str) -> list[str]:
    """The report's own words that carry the label."""
    return [report[span.start : span.end].strip() for span in row.spans]


def notice_text(notice: Notice, language: str) -> str:
    """The sentence of a notice of a file or of a reading."""
    if notice.code in study_notices.NOTICES:
        return study_notices.sentence(notice, language)
    return reading_notices.sentence(notice, language)


def percent(share: float) -> str:
    """A share in 0..1 as whole percent; never 0 or 100, which no measurement supports."""
    if share < 0.01:
        return "<\u202f1\u202f%"
    if share > 0.99:
        return ">\u202f99\u202f%"
    return f"{share * 100:.0f}\u202f%"


def thousands(count: int, language: str) -> str:
    """A count with the language's mark between thousands."""
    return f"{count:,}".replace(",", "." if language == "pt" else ",")


def image_use(found: ImageUse, language: str) -> str:
    """What the self-test found on this machine, when, and with which figures."""
    key = "use.proven" if found.passed else "use.refuted"
    figures = {"movement": f"{found.movement:.2f}", "floor": f"{found.floor:.4f}"}
    if found.floor < 0.0001:
        figures["floor"] = "< 0.0001"
    if language == "pt":
        figures = {name: value.replace(".", ",") for name, value in figures.items()}
    day = format_date(found.created, language)
    return text(key, language, day=day, movement=figures["movement"], noise=figures["floor"])
