"""What can be chosen for an evaluation, in the page's language, and why it cannot start yet."""

from dataclasses import replace
from typing import Any

from benchmarks.aggregated import SIZE
from cxr_demo import weights
from cxr_demo.datasets.base import PartStock
from cxr_demo.datasets.draw import Mix, Views
from cxr_demo.datasets.recipe import MOST_FAILED
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results import words
from cxr_demo.ui import catalogue
from cxr_demo.ui.bench import fitting
from cxr_demo.ui.bench.folders import Checked, Folders
from cxr_demo.ui.bench.wish import EMBEDDED, EVALUATIONS, MOST_PHANTOMS, PHANTOMS, Wish
from cxr_demo.ui.catalogue import WAYS
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import model_name, thousands
from cxr_demo.units import format_seconds

View = dict[str, Any]

WHOLE = "all"
"""The part of a data set that has only one: its name says nothing to anybody."""

_BOTH = [str(PipelineKind.DIRECT), str(PipelineKind.REPORT)]


def setup_view(
    wish: Wish, folders: Folders, fitness: Fitness, language: str, chexbert: bool
) -> View:
    """The form as JSON."""
    return {
        "wish": wish.to_dict(),
        "evaluations": [_evaluation(each, language) for each in EVALUATIONS],
        "models": [_model(each, wish, language) for each in CARDS.values()],
        "unable": _unable(wish, language),
        "precisions": [
            {
                "id": str(each),
                "words": text(f"precision.{each}", language),
                "barred": fitting.barred_reason(each, fitness, language),
            }
            for each in offered_precisions(wish)
        ],
        "barred": fitting.barred_words(offered_precisions(wish), fitness, language),
        "fit": fitting.fit_view(wish, fitness, language),
        "unfit": fitting.unfit_words(wish, fitness, language),
        "pipelines": [
            {"id": each, "words": text(f"bench.pipeline.{each}", language)} for each in _BOTH
        ],
        "ways": _ways(wish, language),
        "folders": [_folder(dataset, part, folders, language) for dataset, part in wish.sources],
        "labeler": text(f"bench.labeler.{'both' if chexbert else 'rules'}", language),
        "arms": _arms(wish, language),
        "start": text(
            "bench.start" if wish.evaluation == "phantoms" else "bench.estimate_start", language
        ),
        "estimate": wish.evaluation == "phantoms",
        "ready": hindrance(wish, folders, fitness, language),
    }


def offered_precisions(wish: Wish) -> list[Precision]:
    """Those that at least one of the chosen models offers, in their own order."""
    cards = [CARDS[each] for each in wish.models] or list(CARDS.values())
    return [each for each in Precision if any(each in card.evaluated for card in cards)]


def able(card: ModelCard, wish: Wish) -> bool:
    """True if this model can be part of this evaluation on this machine."""
    return catalogue.is_installed(card) and (
        wish.evaluation == "phantoms" or not card.phantoms_only
    )


def real_models() -> int:
    """How many models for patients' radiographs are installed."""
    cards = [each for each in CARDS.values() if not each.phantoms_only]
    return sum(catalogue.is_installed(each) for each in cards)


def narrowed(wish: Wish) -> Wish:
    """Without models that cannot take part (they were chosen for another evaluation), and without
    precisions and ways to ask that none of the others offers."""
    left = replace(wish, models=tuple(each for each in wish.models if able(CARDS[each], wish)))
    offered = offered_precisions(left)
    left = replace(left, precisions=tuple(each for each in left.precisions if each in offered))
    return left if len(left.offered_ways) > 1 else replace(left, ways=WAYS[:1])


def hindrance(wish: Wish, folders: Folders, fitness: Fitness, language: str) -> str | None:
    """Why this cannot be started, in one sentence; None if it can."""
    for name in ("models", "precisions", "pipelines", "ways"):
        if not getattr(wish, name):
            return text(f"bench.none.{name}", language)
    unfit = [
        model_name(each, language)
        for each in wish.models
        if not set(wish.precisions) <= set(CARDS[each].evaluated)
    ]
    if unfit:
        return text("bench.none.precision_of", language, name=", ".join(unfit))
    barred = fitting.hindrance(wish, fitness, language)
    if barred:
        return barred
    waiting = [
        _title(dataset, language)
        for dataset, part in wish.sources
        if not is_there(folders.known(dataset), part)
    ]
    if waiting:
        return text("bench.none.folder", language, names=", ".join(waiting))
    return None


def is_there(checked: Checked | None, part: str) -> bool:
    """True if a check has found this part, with images that lie where its table says."""
    stock = _part(checked, part)
    return stock is not None and stock.images > stock.absent


def _part(checked: Checked | None, part: str) -> PartStock | None:
    found = checked.found if checked else None
    return next((each for each in found.parts if each.part == part), None) if found else None


# ---------------------------------------------------------------- evaluations and models


def _evaluation(name: str, language: str) -> View:
    return {
        "id": name,
        "title": text(f"bench.evaluation.{name}", language),
        "text": text(f"bench.evaluation.{name}.text", language, size=thousands(SIZE, language)),
        "options": _options(name, language),
        "defaults": _defaults(name),
    }


def _defaults(name: str) -> View:
    """What a change to this evaluation brings along."""
    installed = [each.id for each in CARDS.values() if catalogue.is_installed(each)]
    real = [each for each in installed if not CARDS[each].phantoms_only]
    pipelines = [str(PipelineKind.REPORT)] if name == "aggregated" else _BOTH
    return {
        "models": [EMBEDDED] if name == "phantoms" else real,
        "pipelines": pipelines,
        "size": SIZE if name == "aggregated" else None,
        "count": PHANTOMS,
    }


def _options(name: str, language: str) -> list[View]:
    if name == "preliminary":
        return []
    if name == "phantoms":
        count = _count("count", MOST_PHANTOMS, language)
        return [_choices("course", EVALUATIONS[:2], language), count]
    size = _count("size", None, language)
    if name == "local":
        return [size]
    return [_choices("mix", list(Mix), language), _choices("views", list(Views), language), size]


def _choices(name: str, values: Any, language: str) -> View:
    words = [{"id": str(v), "words": text(f"bench.{name}.{v}", language)} for v in values]
    return {
        "name": name,
        "kind": "choice",
        "label": text(f"bench.{name}", language),
        "choices": words,
    }


def _count(name: str, most: int | None, language: str) -> View:
    return {"name": name, "kind": "count", "label": text(f"bench.{name}", language), "most": most}


def _model(card: ModelCard, wish: Wish, language: str) -> View:
    return {
        "id": card.id,
        "name": model_name(card.id, language),
        "able": able(card, wish),
        "note": _model_note(card, wish, language),
    }


def _unable(wish: Wish, language: str) -> list[str]:
    """Models that cannot take part, by the reason."""
    found: dict[str, list[str]] = {}
    for card in CARDS.values():
        if not able(card, wish):
            note = _model_note(card, wish, language) or ""
            found.setdefault(note, []).append(model_name(card.id, language))
    return [
        text("bench.unable", language, why=why, names=", ".join(names))
        for why, names in found.items()
    ]


def _model_note(card: ModelCard, wish: Wish, language: str) -> str | None:
    if not card.ported:
        return text("bench.model.not_ported", language)
    if not catalogue.is_installed(card):
        return text("bench.model.not_installed", language)
    if card.phantoms_only and wish.evaluation != "phantoms":
        return text("bench.model.phantoms_only", language)
    if weights.is_stand_in(weights.folder(card)):
        return text("bench.model.stand_in", language)
    return None


# ---------------------------------------------------------------- data and arms


def _title(dataset: str, language: str) -> str:
    title = words.dataset(dataset, language)
    return title[0].upper() + title[1:]


def _folder(dataset: str, part: str, folders: Folders, language: str) -> View:
    checked = folders.known(dataset)
    kept = str(folders.paths().get(dataset, ""))
    return {
        "dataset": dataset,
        "title": _title(dataset, language),
        "folder": checked.folder if checked else kept,
        "busy": checked.busy if checked else False,
        "error": checked.error.message(language) if checked and checked.error else None,
        "mark": _mark(checked, language),
        "facts": _facts(checked, part, language),
        "missing": _missing(checked, part, language),
    }


def _mark(checked: Checked | None, language: str) -> str | None:
    drawn = checked is not None and checked.found is not None and checked.found.synthetic
    return text("bench.synthetic", language) if drawn else None


def _facts(checked: Checked | None, part: str, language: str) -> list[str]:
    found = checked.found if checked else None
    if checked is None or found is None:
        return []
    lines = [
        text(
            ("bench.part" if each.images > each.absent else "bench.part_bare")
            if each.part == part
            else "bench.part_unused",
            language,
            part="" if each.part == WHOLE else f"{each.part}: ",
            images=thousands(each.images, language),
            patients=thousands(each.patients, language),
        )
        for each in sorted(found.parts, key=lambda each: each.part != part)
    ]
    took = text("bench.checked_in", language, seconds=format_seconds(checked.seconds, language))
    return [*lines, took]


def _missing(checked: Checked | None, part: str, language: str) -> list[str]:
    found = checked.found if checked else None
    if found is None:
        return []
    lines = []
    stock = _part(checked, part)
    if stock is None:
        tables = ", ".join(found.missing_tables)
        lines.append(text("bench.part_missing", language, part=part, tables=tables))
    elif stock.images == 0:
        lines.append(text("bench.part_empty", language))
    elif stock.images == stock.absent:
        lines.append(text("bench.images_none", language))
    elif stock.absent:
        many = stock.absent > MOST_FAILED * stock.images
        key = "bench.images_absent_many" if many else "bench.images_absent"
        absent, share = thousands(stock.absent, language), f"{100 * MOST_FAILED:g} %"
        lines.append(text(key, language, absent=absent, share=share))
    if stock is not None and stock.images and not stock.says_present:
        lines.append(text("bench.nothing_present", language))
    if stock is not None and stock.unlabelled:
        unlabelled = thousands(stock.unlabelled, language)
        lines.append(text("bench.images_unlabelled", language, unlabelled=unlabelled))
    return lines


def _ways(wish: Wish, language: str) -> list[View]:
    if len(wish.offered_ways) < 2:
        return []
    return [{"id": each, "words": text(f"prompt.{each}", language)} for each in wish.offered_ways]


def _arms(wish: Wish, language: str) -> str:
    key = "bench.arms_ways" if wish.prompts else "bench.arms"
    return text(
        key if wish.arms != 1 else "bench.arms_one",
        language,
        arms=wish.arms,
        models=len(wish.models),
        precisions=len(wish.precisions),
        pipelines=len(wish.pipelines),
    )
