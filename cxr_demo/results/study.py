"""What the study published, word for word, and where it may stand. Nothing else of it may.

Dosso, do Carmo, Rittner: "Evaluation of quantized visual language models for deployment in
hospitals". Its text gives these figures only; its pictures are not read off.
"""

from collections.abc import Sequence

from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.records import ArmResult, Pair, Reference
from cxr_demo.units import GIB, format_bytes

CHEXBERT = "chexbert"
CHEXAGENT_2 = "chexagent-2-3b"
CARDS_GIB = (8, 12, 16)
"""Cards of 8, 12 and 16 GB have that many GiB."""

RESERVED = int(0.6 * GIB)
"""Of a card's memory, what driver and desktop hold before anything runs: the same share as in
`fit.typed`."""

UNKNOWN_SET: Pair = (
    "composition of the study's set unknown",
    "composição do conjunto do estudo desconhecida",
)

_PUBLISHED = {
    "preliminary": Reference(
        CHEXAGENT_2,
        PipelineKind.REPORT,
        0.553,
        (
            "Published by the study: CheXagent 2, report + CheXbert, F1 0.553",
            "Publicado pelo estudo: CheXagent 2, laudo + CheXbert, F1 0,553",
        ),
    ),
    "aggregated": Reference(
        CHEXAGENT_2,
        PipelineKind.REPORT,
        0.481,
        (
            "Published by the study: CheXagent 2, report + CheXbert, F1 0.481",
            "Publicado pelo estudo: CheXagent 2, laudo + CheXbert, F1 0,481",
        ),
        UNKNOWN_SET,
    ),
}

LOSS: Pair = (
    "The study on 4 bits: CheXagent loses about 3 points of F1, MedGemma very little.",
    "O estudo sobre 4 bits: o CheXagent perde cerca de 3 pontos de F1, o MedGemma muito pouco.",
)

TIME: Pair = (
    "The study on 4 bits (NVIDIA A100, 4-bit type and compute type not stated): CheXagent about 3 "
    "times slower, MedGemma about 6 times.",
    "O estudo sobre 4 bits (NVIDIA A100, tipo de 4 bits e de cálculo não informados): CheXagent "
    "cerca de 3 vezes mais lento, MedGemma cerca de 6 vezes.",
)

_FIT: Pair = (
    "The study concludes that CheXagent 2 in bf16 needs a 16 GB card. Measured here: {vram} on "
    "{gpu} (device peak less baseline, one image), which a {card} GB card holds. The reason for "
    "the difference is not published: the study gives what nvidia-smi showed on an A100, without "
    "its baseline and without how the weights were loaded.",
    "O estudo conclui que o CheXagent 2 em bf16 precisa de uma placa de 16 GB. Medido aqui: {vram} "
    "em {gpu} (pico do dispositivo menos a linha de base, uma imagem), o que cabe em uma placa de "
    "{card} GB. A razão da diferença não foi publicada: o estudo dá o que o nvidia-smi mostrou em "
    "uma A100, sem a linha de base e sem dizer como os pesos foram carregados.",
)


def references(recipe: str, labeler: str, synthetic: bool, frontal_only: bool) -> list[Reference]:
    """The published F1 that may stand beside results of `recipe`: only CheXbert's, never beside
    phantoms, nor beside a set of frontal views only."""
    if labeler != CHEXBERT or synthetic or frontal_only or recipe not in _PUBLISHED:
        return []
    return [_PUBLISHED[recipe]]


def remarks(
    recipe: str,
    labeler: str,
    synthetic: bool,
    arms: Sequence[ArmResult],
    all_arms: Sequence[ArmResult],
) -> list[Pair]:
    """What the study says in words beside `arms`, and what measurements contradict. `all_arms`
    also holds those with random weights, whose memory is as true as any."""
    found = []
    if recipe in _PUBLISHED and not synthetic:
        four_bits = [each for each in arms if each.arm.precision is not Precision.BF16]
        if labeler == CHEXBERT and four_bits:
            found.append(LOSS)
        if any(each.arm.cost.seconds is not None for each in four_bits):
            found.append(TIME)
        found += [words for each in all_arms if (words := contradiction(each)) is not None][:1]
    return found


def contradiction(result: ArmResult) -> Pair | None:
    """The study's conclusion on CheXagent 2 beside our measurement, if that says otherwise."""
    arm, cost = result.arm, result.arm.cost
    if arm.model != CHEXAGENT_2 or arm.precision is not Precision.BF16 or cost.vram is None:
        return None
    card = smallest_card(cost.vram)
    if card is None or card >= 16 or cost.gpu is None:
        return None
    english, portuguese = (
        words.format(vram=format_bytes(cost.vram, language), gpu=cost.gpu, card=card)
        for words, language in zip(_FIT, ("en", "pt"), strict=True)
    )
    return english, portuguese


def smallest_card(vram: int) -> int | None:
    """The smallest of `CARDS_GIB` that holds `vram` bytes beside `RESERVED`; None above."""
    return next((card for card in CARDS_GIB if vram + RESERVED <= card * GIB), None)
