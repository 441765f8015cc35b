"""Whether the chosen models fit this machine, said as the reading room's picker says it."""

from collections.abc import Sequence
from typing import Any

from cxr_demo.fit import Answer, Verdict
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.telemetry.capability import dotted
from cxr_demo.ui.bench.wish import Wish
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.picker_view import Offer
from cxr_demo.ui.strings import text

View = dict[str, Any]


def fit_view(wish: Wish, fitness: Fitness, language: str) -> View | None:
    """`{"title", "models"}`, each model with the chosen pairs as the picker has them, and `said`,
    what stands behind the verdict; None if nothing but the embedded model is chosen."""
    known = answers(wish, fitness)
    if not known:
        return None
    offer = Offer(known, language)
    models = [
        {
            "name": CARDS[model].name,
            "pairs": [_pair(offer, each) for each in known if each.model == model],
        }
        for model in dict.fromkeys(each.model for each in known)
    ]
    return {"title": text("bench.fit", language), "models": models}


def _pair(offer: Offer, answer: Answer) -> View:
    """The need of what fits; the whole sentence of what is tight, does not fit or is slow; what
    bars a precision stands once, beside the precisions."""
    pair = offer.pair(CARDS[answer.model], answer.precision)
    whole = answer.slow or answer.verdict is not Verdict.FITS
    said = pair["line"]["reason"] if whole else pair["need"]
    return {**pair, "said": "" if pair["barred"] else said}


def answers(wish: Wish, fitness: Fitness) -> list[Answer]:
    """Of every chosen pair that the model offers; none of the embedded model."""
    pairs = [
        fitness.answer(model, precision)
        for model in wish.models
        for precision in wish.precisions
        if precision in CARDS[model].evaluated
    ]
    return [each for each in pairs if each is not None]


def barred_reason(precision: Precision, fitness: Fitness, language: str) -> str:
    """Why this GPU cannot compute `precision`; "" if it can."""
    found = fitness.barred(precision)
    return "" if found is None else found.message(language)


def barred_words(precisions: Sequence[Precision], fitness: Fitness, language: str) -> str:
    """Which of `precisions` this GPU cannot compute, and what it would take; "" if it can all."""
    found = [each for each in map(fitness.barred, precisions) if each is not None]
    if not found:
        return ""
    return text(
        "bench.barred",
        language,
        found=dotted(found[0].found),
        least=dotted(max(each.least for each in found)),
        names="; ".join(text(f"precision.{each.precision}", language) for each in found),
    )


def hindrance(wish: Wish, fitness: Fitness, language: str) -> str | None:
    """What this GPU cannot compute of what is chosen, in one sentence; None if it can all."""
    found = [each for each in wish.precisions if fitness.barred(each) is not None]
    names = "; ".join(text(f"precision.{each}", language) for each in found)
    return text("bench.none.barred", language, names=names) if found else None


def unfit_words(wish: Wish, fitness: Fitness, language: str) -> str | None:
    """Which chosen pairs do not fit, in one line for the place beside the start; None if all do."""
    names = [
        f"{each.name} ({text(f'precision.{each.precision}', language)})"
        for each in _unfit(wish, fitness)
    ]
    return text("bench.unfit", language, names=", ".join(names)) if names else None


def warnings(wish: Wish, fitness: Fitness, language: str) -> list[str]:
    """One line for every chosen pair that does not fit; none if all do."""
    return [
        text(
            "bench.unfit.pair",
            language,
            name=each.name,
            precision=text(f"precision.{each.precision}", language),
            reason=each.reason.message(language),
        )
        for each in _unfit(wish, fitness)
    ]


def _unfit(wish: Wish, fitness: Fitness) -> list[Answer]:
    return [each for each in answers(wish, fitness) if not each.runs and each.barred is None]
