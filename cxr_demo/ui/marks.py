"""What has not been shown on this machine, and so stands beside a model wherever it is offered."""

from cxr_demo.models import confirmations
from cxr_demo.models.cards import ModelCard
from cxr_demo.records import Precision
from cxr_demo.ui.strings import text


def is_confirmed(card: ModelCard) -> bool:
    """True if this port has met its real weights here and passed."""
    return card.hub is None or confirmations.of_card(card) is not None


def marks(card: ModelCard, precision: Precision, language: str) -> list[list[str]]:
    """Marks of one pair as (words, what to do about it or "")."""
    if card.phantoms_only:
        return []
    found = []
    if not is_confirmed(card):
        how = text("mark.confirm", language, id=card.id)
        found.append([text("mark.port", language), how])
    if precision is not Precision.BF16:
        found.append([quality(card, language), ""])
    return found


def quality(card: ModelCard, language: str) -> str:
    """What is known here of the model's quality in 4 bits."""
    return text("mark.quality", language)
