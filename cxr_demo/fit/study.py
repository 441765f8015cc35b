"""What the study concluded about cards, beside what this program finds, with the reason."""

from collections.abc import Sequence

from cxr_demo.fit.answers import Answer, basis_words
from cxr_demo.fit.words import Sentence
from cxr_demo.records import Precision
from cxr_demo.units import format_bytes

_MODEL, _PRECISION, _CARD = "chexagent-2-3b", Precision.BF16, 16


def beside_study(answers: Sequence[Answer]) -> Sentence | None:
    """The study's conclusion and this program's figure for the same pair; None where it is not
    among `answers`, or where there is no GPU to speak of."""
    pair = (_MODEL, _PRECISION)
    ours = next((each for each in answers if (each.model, each.precision) == pair), None)
    if ours is None or ours.slow:
        return None
    words, size = basis_words(ours), ours.smallest
    en = (
        "The study: CheXagent 2 in bf16 needs a card of 16 GB; for 8 and 12 GB, MedGemma in 4 "
        f"bits. This program ({words.en}): {format_bytes(ours.need.peak)}"
    )
    pt = (
        "O estudo: CheXagent 2 em bf16 precisa de uma placa de 16 GB; para 8 e 12 GB, MedGemma em "
        f"4 bits. Este programa ({words.pt}): {format_bytes(ours.need.peak, 'pt')}"
    )
    if size is None or size >= _CARD:
        return Sentence(f"{en}, which agrees.", f"{pt}, o que concorda.")
    return Sentence(
        f"{en}, which a card of {size} GB holds: the study measured another program, whose "
        "settings are not published.",
        f"{pt}, o que cabe numa placa de {size} GB: o estudo mediu outro programa, cujas "
        "configurações não foram publicadas.",
    )
