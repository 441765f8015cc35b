"""Which models can be chosen: the cards, and whether each one's weights lie on this machine."""

from typing import Any

from cxr_demo import weights
from cxr_demo.errors import WeightsRefused
from cxr_demo.models import proofs
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import PipelineKind, Precision, Prompt
from cxr_demo.telemetry import capability
from cxr_demo.ui.state import Choice
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import image_use, model_name
from cxr_demo.weights import prepared

EMBEDDED = "embedded"
WAYS = ("whole", "steps")
"""How a report can be asked for: in one go, or step by step."""


def default_choice() -> Choice:
    """What is chosen when the app opens: the model that is always there, in the first precision
    that this GPU can compute."""
    found = capability.first_visible()
    precision = capability.first_fit(CARDS[EMBEDDED].precisions, found)
    return Choice(EMBEDDED, precision, PipelineKind.REPORT)


def is_installed(card: ModelCard) -> bool:
    """True if this version can run the model and a whole checkpoint of it, published or prepared,
    lies here."""
    return bool(available(card))


def available(card: ModelCard) -> tuple[Precision, ...]:
    """The precisions that can be loaded from what lies here."""
    try:
        return prepared.available(card) if card.ported else ()
    except WeightsRefused:
        return ()


def pipeline_choices(language: str) -> list[tuple[str, str]]:
    """(words, value) of both pipelines."""
    kinds = (PipelineKind.REPORT, PipelineKind.DIRECT)
    return [(text(f"pipeline.{each}", language), str(each)) for each in kinds]


def prompt_choices(choice: Choice, language: str) -> list[dict[str, Any]]:
    """What can be asked, where there is more than one way: `{"id", "words", "title", "chosen"}`."""
    if len(choice.prompts) < 2:
        return []
    return [
        {
            "id": each.id,
            "words": text(f"prompt.{way(each)}", language),
            "title": f"{each.id}:\n{each.text}",
            "chosen": each is choice.asked,
        }
        for each in choice.prompts
    ]


def way(prompt: Prompt) -> str:
    """How a prompt is asked: one of `WAYS`."""
    return WAYS[bool(prompt.steps)]


def remark(model: str, language: str) -> str:
    """One sentence on the chosen model, where there is something to know before Generate."""
    card, name = CARDS[model], model_name(model, language)
    if not card.ported:
        return text("model.not_ported", language, name=name)
    if not is_installed(card):
        return ""  # the picker says so, with the button that gets them
    # What else must be known of it stands in the picker (`picker_view`, `marks`).
    return " ".join(_image_use(card, language))


def _image_use(card: ModelCard, language: str) -> list[str]:
    """What the self-test found here, of models whose image use is not proven by this program's own
    tests."""
    if card.phantoms_only:
        return []
    return [
        f"{text('prov.image_use', language)}, {text(f'precision.{each.precision}', language)}: "
        f"{image_use(each, language)}."
        for each in proofs.latest(card.id)
    ]


def words(card: ModelCard, language: str) -> str:
    """The model's name, with what must be said with it."""
    name = model_name(card.id, language)
    if not card.ported:
        return text("not_ported", language, name=name)
    if not is_installed(card):
        return text("not_installed", language, name=name)
    return text("stand_in_name", language, name=name) if _is_stand_in(card) else name


def _is_stand_in(card: ModelCard) -> bool:
    copies = (each.folder for each in prepared.all_of(card))
    return any(weights.is_stand_in(each) for each in (weights.folder(card), *copies))
