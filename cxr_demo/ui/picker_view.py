"""The reading room's picker as plain JSON: every model and precision, whether it fits, and why."""

from collections.abc import Sequence
from typing import Any

from cxr_demo import fit
from cxr_demo.fit import Answer
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import Precision
from cxr_demo.ui import catalogue
from cxr_demo.ui.fit_view import gib, reason, verdict_view
from cxr_demo.ui.marks import marks
from cxr_demo.ui.state import Choice
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import model_name
from cxr_demo.weights import shelf
from cxr_demo.weights.shelf import Stock
from cxr_demo.weights.sources import PACKAGES

View = dict[str, Any]


def picker_view(choice: Choice, answers: Sequence[Answer], language: str) -> View:
    """`{"chosen", "name", "line", "marks", "missing", "models"}`; a model is offered only if its
    weights are here, and one that is not leads to the screen that gets them."""
    offer = Offer(answers, language)
    card = CARDS[choice.model]
    cards = sorted(CARDS.values(), key=lambda each: not catalogue.is_installed(each))
    return {
        "language": language,
        "chosen": [choice.model, str(choice.precision)],
        "name": catalogue.words(card, language),
        "open": text("picker.open", language),
        "label": text("model", language),
        "precision_label": text("precision", language),
        "line": offer.line(card, choice.precision),
        "marks": marks(card, choice.precision, language),
        "missing": _missing(card, language),
        "models": [offer.model(each) for each in cards],
    }


class Offer:
    """What can be chosen on this machine, in one language; the Benchmarks screen asks it too."""

    def __init__(self, answers: Sequence[Answer], language: str) -> None:
        self._language = language
        self._known = {(each.model, each.precision): each for each in answers}
        self._barred = {each.precision: each.barred for each in answers}

    def model(self, card: ModelCard) -> View:
        """One line of the list: `{"id", "name", "here", "missing", "pairs"}`."""
        here, language = catalogue.is_installed(card), self._language
        loadable = catalogue.available(card)
        return {
            "id": card.id,
            "name": catalogue.words(card, language) if here else model_name(card.id, language),
            "here": here,
            "missing": _way(card, here, language),
            # A precision that is meant for old cards is offered on those only.
            "pairs": [
                self.pair(card, each) | {"here": each in loadable}
                for each in card.precisions
                if each in self._barred
            ],
        }

    def line(self, card: ModelCard, precision: Precision) -> View:
        """Whether the pair fits, in one line: `{"verdict", "icon", "words", "reason"}`."""
        answer, barred = self._known.get((card.id, precision)), self._barred.get(precision)
        if answer is not None:
            source = "" if barred else f" ({fit.basis_words(answer).message(self._language)})"
            return verdict_view(answer, self._language) | {
                "reason": reason(answer, self._language) + source
            }
        words = text("model.phantoms_only", self._language) if card.phantoms_only else ""
        if barred is not None:  # the embedded model needs next to nothing, but not every GPU does
            words = barred.message(self._language)
        return {"verdict": "", "icon": "", "words": words, "reason": ""}

    def pair(self, card: ModelCard, precision: Precision) -> View:
        """One chip: its fit as sign, word and sentence. `barred`: this GPU cannot compute it."""
        answer, language = self._known.get((card.id, precision)), self._language
        line, barred = self.line(card, precision), self._barred[precision] is not None
        need = "" if answer is None else _need(answer, language)
        return {
            "precision": str(precision),
            "words": text(f"precision.{precision}", language),
            "verdict": "barred" if barred else line["verdict"],
            "icon": line["icon"],
            "need": text("fit.barred", language) if barred else need,
            "barred": barred,
            "line": line,
            "marks": marks(card, precision, language),
        }


def _need(answer: Answer, language: str) -> str:
    sign = "≈\u2009" if answer.basis is fit.Basis.ESTIMATE else ""
    slow = f" · {text('picker.slow', language)}" if answer.slow else ""
    return f"{sign}{gib(answer.need.peak, language)} GiB{slow}"


def _missing(card: ModelCard, language: str) -> str | None:
    """What to say where the chosen model's weights are not here (any more)."""
    if catalogue.is_installed(card):
        return None
    return text("room.missing", language, name=model_name(card.id, language))


def _way(card: ModelCard, here: bool, language: str) -> str:
    """The words of the link to the screen that gets or mends the weights; "" if they are right."""
    if card.hub is None:
        return ""
    state = shelf.look(PACKAGES[card.id]).state
    if state in (Stock.ALTERED, Stock.BROKEN):
        return text("picker.altered", language)
    if here:
        return ""
    return text("picker.partial" if state is Stock.PARTIAL else "picker.missing", language)
