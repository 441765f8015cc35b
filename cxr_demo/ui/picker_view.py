"""The reading room's picker as plain JSON: every model and precision, whether it fits, and why."""

from collections.abc import Sequence
from typing import Any

from cxr_demo import fit
from cxr_demo.fit import Answer
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import Precision
from cxr_demo.ui import catalogue
from cxr_demo.ui.fit_view import ICONS, basis_short, gib, reason
from cxr_demo.ui.marks import marks
from cxr_demo.ui.state import Choice
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import model_name

View = dict[str, Any]


def picker_view(choice: Choice, answers: Sequence[Answer], language: str) -> View:
    """`{"chosen", "name", "line", "marks", "models"}`; a model is offered only if its weights are
    here, and one that is not leads to the screen that gets them."""
    known = {(each.model, each.precision): each for each in answers}
    card = CARDS[choice.model]
    cards = sorted(CARDS.values(), key=lambda each: not catalogue.is_installed(each))
    return {
        "language": language,
        "chosen": [choice.model, str(choice.precision)],
        "name": catalogue.words(card, language),
        "open": text("picker.open", language),
        "label": text("model", language),
        "precision_label": text("precision", language),
        "line": _line(card, known.get((choice.model, choice.precision)), language),
        "marks": marks(card, choice.precision, language),
        "missing": _missing(card, language),
        "models": [_model(each, known, language) for each in cards],
    }


def _missing(card: ModelCard, language: str) -> str | None:
    """What to say where the chosen model's weights are not here (any more)."""
    if catalogue.is_installed(card):
        return None
    return text("room.missing", language, name=model_name(card.id, language))


def _model(card: ModelCard, known: dict[tuple[str, Precision], Answer], language: str) -> View:
    here = catalogue.is_installed(card)
    pairs = [
        _pair(card, each, known.get((card.id, each)), language)
        for each in card.precisions
        # An old card's precision is offered where the answers name it.
        if card.hub is None or (card.id, each) in known
    ]
    return {
        "id": card.id,
        "name": catalogue.words(card, language) if here else model_name(card.id, language),
        "here": here,
        "missing": "" if here else text("picker.missing", language),
        "pairs": pairs,
    }


def _pair(card: ModelCard, precision: Precision, answer: Answer | None, language: str) -> View:
    """One chip: its fit as sign, word and sentence. `barred`: this GPU cannot compute it."""
    found = {
        "precision": str(precision),
        "words": text(f"precision.{precision}", language),
        "verdict": "",
        "icon": "",
        "need": "",
        "barred": False,
        "line": _line(card, answer, language),
        "marks": marks(card, precision, language),
    }
    if answer is None:
        return found
    sign = "≈\u2009" if answer.basis is fit.Basis.ESTIMATE else ""
    return found | {
        "verdict": str(answer.verdict),
        "icon": ICONS[answer.verdict],
        "need": "" if answer.barred else f"{sign}{gib(answer.need.peak, language)} GiB",
        "barred": answer.barred is not None,
    }


def _line(card: ModelCard, answer: Answer | None, language: str) -> View:
    """Whether the pair fits, in one line: `{"verdict", "icon", "words", "reason"}`."""
    if answer is None:
        words = text("model.phantoms_only", language) if card.phantoms_only else ""
        return {"verdict": "", "icon": "", "words": words, "reason": ""}
    return {
        "verdict": str(answer.verdict),
        "icon": ICONS[answer.verdict],
        "words": fit.verdict_word(answer.verdict).message(language),
        "reason": f"{reason(answer, language)} ({basis_short(answer, language)})",
    }
