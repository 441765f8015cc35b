"""Does it fit? One answer per model and precision, from figures where there are any."""

from dataclasses import dataclass
from enum import StrEnum

import psutil

from cxr_demo.fit import measured
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.calibrated import need
from cxr_demo.fit.estimate import Need, Work, host_need
from cxr_demo.fit.faults import NotDescribed
from cxr_demo.fit.machine import DESKTOP, Gpu
from cxr_demo.fit.words import Sentence
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.records import Precision
from cxr_demo.telemetry import capability
from cxr_demo.units import GIB, MIB, format_bytes, format_seconds

CLASSES = (4, 8, 12, 16, 24, 32)
"""Graphics cards by their memory: "GB" on the box, GiB in truth."""

TIGHT_SHARE = 0.05
TIGHT_LEAST = 256 * MIB
"""Less than so much to spare (of the need, at least so many bytes) is tight: an estimate may be off
by as much, and a browser's window takes it."""


class Verdict(StrEnum):
    """What to expect of loading a model now."""

    FITS = "fits"
    TIGHT = "tight"
    NO = "no"


class Basis(StrEnum):
    """Where the bytes come from: measured on this GPU, on another one, or counted."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Answer:
    """One model in one precision against one card (against free main memory if `slow`).

    `need` is what `basis` gives, `estimate` always the counted bytes beside it. `ttft` and `tpot`
    are seconds on the GPU `measured_on`, which is this card only if `basis` is HERE. `smallest` is
    the class of cards that holds it, None if none does. `barred`: why this card cannot compute this
    precision at all."""

    model: str
    name: str
    precision: Precision
    verdict: Verdict
    need: Need
    estimate: Need
    basis: Basis
    free: int
    total: int
    smallest: int | None
    reason: Sentence
    measured_on: str | None = None
    measured_at: str | None = None
    ttft: float | None = None
    tpot: float | None = None
    barred: Sentence | None = None
    slow: bool = False

    @property
    def runs(self) -> bool:
        """Whether it can be loaded now."""
        return self.verdict is not Verdict.NO


def answers(gpu: Gpu | None, ram_free: int | None = None, batch: int = 1) -> tuple[Answer, ...]:
    """All pairs that the app offers, in the order of the cards, never the embedded model. Without a
    GPU they are compared with `ram_free` bytes of main memory (by default with what is free)."""
    return tuple(
        answer(card.id, precision, gpu, ram_free, batch)
        for card in CARDS.values()
        if card.id in ARCHITECTURES
        for precision in offered(card, gpu)
    )


def offered(card: ModelCard, gpu: Gpu | None) -> tuple[Precision, ...]:
    """The precisions of `card`, less the one for old cards where bfloat16 can be computed."""
    old = gpu is not None and capability.barred(Precision.BF16, gpu.capability) is not None
    return tuple(each for each in card.precisions if old or each is not Precision.NF4_FP32)


def answer(
    model: str,
    precision: Precision,
    gpu: Gpu | None,
    ram_free: int | None = None,
    batch: int = 1,
) -> Answer:
    """One pair. Raises NotDescribed for a model whose tensors are not described."""
    if model not in ARCHITECTURES:
        raise NotDescribed(model=model, known=", ".join(ARCHITECTURES))
    if gpu is None:
        return _on_processor(model, precision, ram_free)
    counted = need(model, precision, Work(batch=batch))
    found = measured.find(model, precision, gpu.name) if batch == 1 else None
    bytes_needed = counted if found is None else found.need
    barred = capability.barred(precision, gpu.capability)
    verdict = Verdict.NO if barred else judge(bytes_needed.peak, gpu.free)
    return Answer(
        model=model,
        name=CARDS[model].name,
        precision=precision,
        verdict=verdict,
        need=bytes_needed,
        estimate=counted,
        basis=_basis(found, gpu),
        free=gpu.free,
        total=gpu.total,
        smallest=smallest_class(bytes_needed.peak),
        reason=_reason(verdict, bytes_needed.peak, gpu),
        measured_on=None if found is None else found.gpu,
        measured_at=None if found is None else found.created,
        ttft=None if found is None else found.ttft,
        tpot=None if found is None else found.tpot,
        barred=None if barred is None else Sentence(barred.message("en"), barred.message("pt")),
    )


def judge(needed: int, free: int) -> Verdict:
    """What `needed` bytes mean where `free` ones are."""
    if needed > free:
        return Verdict.NO
    spare = max(TIGHT_SHARE * needed, TIGHT_LEAST)
    return Verdict.TIGHT if free - needed < spare else Verdict.FITS


def smallest_class(needed: int) -> int | None:
    """The smallest class of cards, in GB, that holds so many bytes beside driver and desktop."""
    return next((each for each in CLASSES if needed <= each * GIB - DESKTOP), None)


def verdict_word(verdict: Verdict) -> Sentence:
    """The verdict in a word or two."""
    return _VERDICTS[verdict]


def basis_words(given: Answer) -> Sentence:
    """Where an answer's bytes come from, in a few words."""
    if given.basis is Basis.ESTIMATE:
        return Sentence("estimate", "estimativa")
    if given.basis is Basis.HERE:
        return Sentence("measured on this GPU", "medido nesta GPU")
    return Sentence(f"measured on {given.measured_on}", f"medido em {given.measured_on}")


def times_elsewhere(given: Answer) -> Sentence | None:
    """The times, if they are another GPU's: they say nothing of this one. None otherwise, and where
    this card cannot compute it at all."""
    if given.basis is not Basis.ELSEWHERE or given.barred is not None:
        return None
    en, pt = (
        [format_seconds(each, language) for each in (given.ttft, given.tpot)]
        for language in ("en", "pt")
    )
    return Sentence(
        f"Time: not measured on this card. On {given.measured_on}: first token after {en[0]}, then "
        f"{en[1]} each.",
        f"Tempo: não medido nesta placa. Em {given.measured_on}: primeiro token em {pt[0]}, depois "
        f"{pt[1]} cada.",
    )


_VERDICTS = {
    Verdict.FITS: Sentence("fits", "cabe"),
    Verdict.TIGHT: Sentence("tight", "no limite"),
    Verdict.NO: Sentence("does not fit", "não cabe"),
}


def _basis(found: measured.Measured | None, gpu: Gpu) -> Basis:
    if found is None:
        return Basis.ESTIMATE
    return Basis.HERE if found.gpu == gpu.name else Basis.ELSEWHERE


def _on_processor(model: str, precision: Precision, ram_free: int | None) -> Answer:
    memory = psutil.virtual_memory()
    free = memory.available if ram_free is None else ram_free
    counted = host_need(model, precision)
    verdict = judge(counted.peak, free)
    return Answer(
        model=model,
        name=CARDS[model].name,
        precision=precision,
        verdict=verdict,
        need=counted,
        estimate=counted,
        basis=Basis.ESTIMATE,
        free=free,
        total=memory.total,
        smallest=smallest_class(need(model, precision).peak),
        reason=_reason_on_processor(verdict, counted.peak, free),
        slow=True,
    )


def _reason(verdict: Verdict, needed: int, gpu: Gpu) -> Sentence:
    free = gpu.free
    if verdict is Verdict.FITS:
        return _filled(
            "Needs {needed}; {free} are free.",
            "Precisa de {needed}; há {free} livres.",
            needed,
            free,
        )
    if verdict is Verdict.TIGHT and gpu.typed:
        return _filled(
            "Needs {needed} of the {free} that are free: hardly anything to spare.",
            "Precisa de {needed} dos {free} livres: quase sem folga.",
            needed,
            free,
        )
    if verdict is Verdict.TIGHT:
        return _filled(
            "Needs {needed} of the {free} that are free: close other programs that use the GPU.",
            "Precisa de {needed} dos {free} livres: feche outros programas que usam a GPU.",
            needed,
            free,
        )
    if needed <= gpu.total - DESKTOP:
        return _filled(
            "Needs {needed}; only {free} are free now, since other programs use the GPU.",
            "Precisa de {needed}; só há {free} livres agora, pois outros programas usam a GPU.",
            needed,
            free,
        )
    return _filled(
        "Needs {needed}; only {free} are free.",
        "Precisa de {needed}; só há {free} livres.",
        needed,
        free,
    )


def _reason_on_processor(verdict: Verdict, needed: int, free: int) -> Sentence:
    if verdict is Verdict.NO:
        return _filled(
            "No NVIDIA GPU; needs {needed} of main memory, {free} are free.",
            "Sem GPU NVIDIA; precisa de {needed} de memória principal, há {free} livres.",
            needed,
            free,
        )
    return _filled(
        "Slow: on the processor. Needs {needed} of main memory; {free} are free.",
        "Lento: no processador. Precisa de {needed} de memória principal; há {free} livres.",
        needed,
        free,
    )


def _filled(en: str, pt: str, needed: int, free: int) -> Sentence:
    return Sentence(
        en.format(needed=format_bytes(needed), free=format_bytes(free)),
        pt.format(needed=format_bytes(needed, "pt"), free=format_bytes(free, "pt")),
    )
