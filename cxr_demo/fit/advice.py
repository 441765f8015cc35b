"""One sentence: which model for this card. By measured quality where there is any."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_demo.fit.answers import Answer, Verdict
from cxr_demo.fit.words import Sentence
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.units import format_bytes


@dataclass(frozen=True)
class Quality:
    """A measured F1 (micro, 14 findings) with the bounds of its 95 % interval (None while they are
    computed), on `images` of `dataset`, as `recipe` reads them and `labeler` labels the
    answers. `dataset_pt` is its name in Portuguese."""

    model: str
    precision: Precision
    f1: float
    low: float | None
    high: float | None
    dataset: str
    images: int
    pipeline: PipelineKind
    labeler: Sentence
    recipe: str
    dataset_pt: str | None = None

    @property
    def like(self) -> tuple[str, ...]:
        """What two figures must share to be compared: they say nothing of each other otherwise."""
        return self.labeler.en, self.pipeline, self.recipe, self.dataset


@dataclass(frozen=True)
class Advice:
    """What to use on this card, and why, in one sentence; no model if none fits."""

    sentence: Sentence
    model: str | None = None
    precision: Precision | None = None


def advice(answers: Sequence[Answer], qualities: Sequence[Quality] = ()) -> Advice:
    """The pair that fits with the best measured F1, among those that were measured alike, and of
    such groups the one with most pairs; without one, by memory only: as published goes before 4
    bits, a table in 4 bits last, then the one that leaves most room. `qualities` of other pairs
    don't matter."""
    fitting = [each for each in answers if each.runs]
    if not fitting:
        return _nothing(answers)
    best = max(_comparable(_known(fitting, qualities)), key=lambda pair: pair[1].f1, default=None)
    if best is not None:
        return _by_quality(*best)
    return _by_memory(min(fitting, key=_by_room))


def precision_words(precision: Precision) -> Sentence:
    """A precision's name in running text."""
    return _PRECISIONS[precision]


_PRECISIONS = {
    Precision.BF16: Sentence("bf16", "bf16"),
    Precision.NF4: Sentence("4 bits", "4 bits"),
    Precision.NF4_EMB: Sentence("4 bits + table", "4 bits + tabela"),
    Precision.NF4_FP32: Sentence("4 bits with fp32 arithmetic", "4 bits com aritmética fp32"),
    Precision.BNB4_DEFAULT: Sentence(
        "the library's default 4 bits", "4 bits no padrão da biblioteca"
    ),
}


def _known(fitting: Sequence[Answer], qualities: Sequence[Quality]) -> list[tuple[Answer, Quality]]:
    return [
        (each, found)
        for each in fitting
        for found in qualities
        if (found.model, found.precision) == (each.model, each.precision)
    ]


def _comparable(known: list[tuple[Answer, Quality]]) -> list[tuple[Answer, Quality]]:
    """Those of one data set, recipe, pipeline and labeler."""
    sets: dict[tuple[str, ...], list[tuple[Answer, Quality]]] = {}
    for each in known:
        sets.setdefault(each[1].like, []).append(each)

    def weight(rows: list[tuple[Answer, Quality]]) -> tuple[int, int]:
        return len({(one.model, one.precision) for one, _ in rows}), rows[0][1].images

    return max(sets.values(), key=weight, default=[])


def _by_room(each: Answer) -> tuple[bool, int, int]:
    less = {Precision.BF16: 0, Precision.NF4_EMB: 2}.get(each.precision, 1)
    return each.verdict is Verdict.TIGHT, less, each.need.peak


def _by_quality(chosen: Answer, found: Quality) -> Advice:
    words = precision_words(chosen.precision)
    figure = f"{found.f1:.3f}"
    if found.low is not None and found.high is not None:
        figure += f" [{found.low:.3f}, {found.high:.3f}]"
    images = f"{found.images:,}"
    tight = chosen.verdict is Verdict.TIGHT
    en = (
        f"{chosen.name} in {words.en}: of what fits here it has the best measured F1 "
        f"({found.labeler.en}), {figure}, on {images} images of {found.dataset}"
        f"{', but with little room to spare' if tight else ''}."
    )
    pt = (
        f"{chosen.name} em {words.pt}: do que cabe aqui, tem o melhor F1 medido "
        f"({found.labeler.pt}), {_comma(figure)}, em {images.replace(',', '.')} imagens de "
        f"{found.dataset_pt or found.dataset}"
        f"{', mas com pouca folga' if tight else ''}."
    )
    return Advice(Sentence(en, pt), chosen.model, chosen.precision)


def _by_memory(chosen: Answer) -> Advice:
    words, spare = precision_words(chosen.precision), chosen.free - chosen.need.peak
    slow = chosen.slow
    en = (
        f"By memory only, quality not measured: {chosen.name} in {words.en} leaves "
        f"{format_bytes(spare)} free{', but runs slowly on the processor' if slow else ''}."
    )
    pt = (
        f"Só pela memória, qualidade não medida: {chosen.name} em {words.pt} deixa "
        f"{format_bytes(spare, 'pt')} livres{', mas roda devagar no processador' if slow else ''}."
    )
    return Advice(Sentence(en, pt), chosen.model, chosen.precision)


def _nothing(answers: Sequence[Answer]) -> Advice:
    able = [each for each in answers if each.barred is None]
    if not able:
        return Advice(
            Sentence(
                "None of the models runs on this card: it is too old for them.",
                "Nenhum dos modelos roda nesta placa: ela é antiga demais para eles.",
            )
        )
    least = min(able, key=lambda each: each.need.peak)
    words, size = precision_words(least.precision), least.smallest
    needs = format_bytes(least.need.peak), format_bytes(least.need.peak, "pt")
    en = f"None fits now: the smallest, {least.name} in {words.en}, needs {needs[0]}"
    pt = f"Nenhum cabe agora: o menor, {least.name} em {words.pt}, precisa de {needs[1]}"
    if size is not None:
        en, pt = f"{en}; a {size} GB card holds it", f"{pt}; uma placa de {size} GB o comporta"
    return Advice(Sentence(f"{en}.", f"{pt}."))


def _comma(text: str) -> str:
    return text.replace(", ", "; ").replace(".", ",")
