"""What has not been shown on this machine, and so stands beside a model wherever it is offered."""

import time
from functools import lru_cache

from cxr_demo.models import confirmations
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import Precision
from cxr_demo.results import evidence
from cxr_demo.results.evidence import Paired
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import thousands
from cxr_demo.units import format_date


def is_confirmed(card: ModelCard) -> bool:
    """True if this port has met its real weights here and passed."""
    return card.hub is None or confirmations.of_card(card) is not None


def marks(card: ModelCard, precision: Precision, language: str) -> list[list[str]]:
    """Marks of one pair as (words, what to do about it or "", "open" or "measured")."""
    if card.phantoms_only:
        return []
    found = []
    if not is_confirmed(card):
        how = text("mark.confirm", language, id=card.id)
        found.append([text("mark.port", language), how, "open"])
    if precision is not Precision.BF16:
        measured = quality(card, precision, language)
        words = measured or text("mark.quality", language)
        found.append([words, "", "measured" if measured else "open"])
    return found


def confirmation(card: ModelCard, language: str) -> str | None:
    """How and when the port of `card` was confirmed with the weights that lie here."""
    found = confirmations.of_card(card)
    if found is None:
        return None
    return text(f"mark.confirmed.{found.how}", language, day=format_date(found.created, language))


def quality(card: ModelCard, precision: Precision, language: str) -> str | None:
    """What a paired evaluation here says of this model in 4 bits; None if there is none."""
    found = _paired(int(time.monotonic())).get(card.id)
    if found is None or found.precision is not precision:
        return None
    words = {
        "difference": _signed(found.difference, language),
        "images": thousands(found.images, language),
    }
    if found.low is None or found.high is None:
        return text("mark.paired.computing", language, **words)
    interval = {"low": _signed(found.low, language), "high": _signed(found.high, language)}
    return text("mark.paired", language, **words, **interval)


@lru_cache(maxsize=1)
def _paired(second: int) -> dict[str, Paired | None]:
    """Of every real model; asked of the store once a second, for all pairs of a screen."""
    return {card.id: evidence.paired(card.id) for card in CARDS.values() if card.hub is not None}


def _signed(value: float, language: str) -> str:
    shown = f"{value:+.3f}".replace("-", "−")
    return shown.replace(".", ",") if language == "pt" else shown
