"""Prepared copies (a model in 4 bits, written once) as the weights' box shows them."""

from typing import Any

from cxr_demo.models.cards import ModelCard
from cxr_demo.records import Precision
from cxr_demo.ui.strings import text
from cxr_demo.units import format_bytes
from cxr_demo.weights import prepared
from cxr_demo.weights.prepared import Prepared, Use

View = dict[str, Any]


def copies_view(card: ModelCard | None, language: str) -> str:
    """One line per copy: precision, size, and whether later loads use it, or that it is only begun;
    "" without any."""
    if card is None:
        return ""
    lines = [_line(each, language) for each in prepared.all_of(card)]
    lines += [_begun(each, size, language) for each, size in prepared.begun(card).items()]
    return "\n".join(lines)


def ready_copies(card: ModelCard | None, language: str) -> str:
    """ "prepared: 4 bits", naming the copies that later loads use; "" without any."""
    found = prepared.precisions(card) if card is not None else ()
    names = ", ".join(text(f"precision.{each}", language) for each in found)
    return text("weights.copies.ready", language, precisions=names) if found else ""


def copy_actions(
    card: ModelCard | None, precision: Precision | None, here: bool, language: str
) -> list[View]:
    """Buttons for the copy of `card` in `precision`, the chosen one: prepare it (if the published
    weights are `here`), delete it."""
    if card is None or precision not in prepared.PRECISIONS or precision not in card.precisions:
        return []
    words = text(f"precision.{precision}", language)
    found = next((e for e in prepared.all_of(card) if e.precision is precision), None)
    begun = prepared.unfinished(card, precision) is not None
    actions = []
    if here and (begun or found is None or found.use is not Use.READY):
        key = "weights.do.go_on" if begun else "weights.do.prepare"
        actions.append(_action("prepare", key, words, language))
    if begun or found is not None:
        actions.append(_action("delete_copy", "weights.do.delete_copy", words, language, True))
    return actions


def _line(copy: Prepared, language: str) -> str:
    precision = text(f"precision.{copy.precision}", language)
    size = format_bytes(copy.size, language)
    return text(f"weights.copy.{copy.use}", language, precision=precision, size=size)


def _begun(precision: Precision, size: int, language: str) -> str:
    words, shown = text(f"precision.{precision}", language), format_bytes(size, language)
    return text("weights.copy.unfinished", language, precision=words, size=shown)


def _action(id: str, key: str, precision: str, language: str, danger: bool = False) -> View:
    words = text(key, language, precision=precision)
    return {"id": id, "words": words, "primary": False, "danger": danger}
