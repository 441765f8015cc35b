"""`python -m cxr_demo confirm MODEL`: has this port met its real weights here, and is it right?

MedGemma is compared with transformers' own `generate()`, CheXagent 2 with the study's F1 by a
finished evaluation. For CheXagent 8B nothing is published: only the user can say so.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cxr_demo import models, weights
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_words import said
from cxr_demo.errors import PrecisionUnsupported
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.models import confirmations
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.confirmations import Confirmation, How
from cxr_demo.models.faults import (
    NotComparedSo,
    NotConfirmed,
    NothingToCompare,
    OnlyUserConfirms,
    RandomWeights,
    UserCannotConfirm,
)
from cxr_demo.paths import assets_dir
from cxr_demo.records import PipelineKind, Precision, Radiograph
from cxr_demo.results import study
from cxr_demo.results.book import Book
from cxr_demo.results.records import ArmResult
from cxr_demo.studies import open_study
from cxr_demo.telemetry import capability, nvml
from cxr_demo.weights import record
from cxr_demo.worker import isolation
from cxr_demo.worker.lease import device_lease

_COMPARED = (Precision.BF16, Precision.NF4)
_POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
_WAIT = 600.0
"""Seconds that an interval may take to be computed."""
_WORDS = {
    "stock": ("stock generate()", "generate() original"),
    "ours": ("this program", "este programa"),
    "agreement": (
        "{precision}: {equal} of {positions} tokens equal those of stock generate(); {ties} "
        "equally likely in bfloat16; {different} different; images: {images}.",
        "{precision}: {equal} de {positions} tokens iguais aos do generate() original; {ties} "
        "igualmente prováveis em bfloat16; {different} diferentes; imagens: {images}.",
    ),
    "run": (
        "F1 {f1:.3f} [{low:.3f}, {high:.3f}] on {images} images holds the study's {study}.",
        "F1 {f1:.3f} [{low:.3f}; {high:.3f}] em {images} imagens contém o {study} do estudo.",
    ),
    "confirmed": (
        "The port of {name} is confirmed with its real weights on this machine ({weights}).",
        "A adaptação de {name} está confirmada com os pesos reais nesta máquina ({weights}).",
    ),
    "unpublished": (
        "These files were not compared with their publisher's hashes: they were put here by hand.",
        "Estes arquivos não foram comparados com os hashes de quem os publica: vieram à mão.",
    ),
    "by_word": (
        "The port of {name} counts as confirmed on this machine by your word ({weights}); nothing "
        "was compared.",
        "A adaptação de {name} vale como confirmada nesta máquina pela sua palavra ({weights}); "
        "nada foi comparado.",
    ),
    "withdrawn": (
        "{name}: confirmations withdrawn: {count}.",
        "{name}: confirmações retiradas: {count}.",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    known = [each.id for each in models.CARDS.values() if each.hub]
    parser.add_argument(
        "model", metavar=said("MODEL", "MODELO"), choices=known, help=", ".join(known)
    )
    parser.add_argument(
        "--images",
        nargs="+",
        type=Path,
        metavar=said("FILE", "ARQUIVO"),
        help=said("radiographs; the samples, if none", "radiografias; sem elas, as amostras"),
    )
    parser.add_argument(
        "--precision",
        action="append",
        choices=[str(each) for each in _COMPARED],
        help=said(
            "compare in this one only; may be repeated", "compara só nesta; pode ser repetida"
        ),
    )
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument(
        "--by-user",
        metavar=said("WORDS", "PALAVRAS"),
        help=said("confirm it yourself, with your reason", "confirma você mesmo, com o motivo"),
    )
    alone.add_argument(
        "--withdraw",
        action="store_true",
        help=said("forget what was confirmed", "esquece o que foi confirmado"),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Confirm, or say why not. Raises what loading raises, LeaseHeld, RandomWeights, NotConfirmed,
    NothingToCompare, NotComparedSo, OnlyUserConfirms, UserCannotConfirm."""
    card = models.card(arguments.model)
    if arguments.withdraw:
        count = confirmations.withdraw(card.id)
        _tell(arguments, {"withdrawn": count}, "withdrawn", name=card.name, count=count)
        return 0
    if weights.is_stand_in(weights.folder(card)):
        raise RandomWeights(model=card.name)
    made = _confirmation(card, arguments)
    confirmations.keep(made, stand_in=False)
    key = "by_word" if made.how is How.USER else "confirmed"
    _tell(arguments, asdict(made), key, name=card.name, weights=made.weights_sha256[:12])
    if not made.detail.get("published") and not arguments.json:
        print(_say("unpublished", arguments))
    return 0


def _confirmation(card: ModelCard, arguments: argparse.Namespace) -> Confirmation:
    reference = _study_f1(card)
    comparable = card.family == "gemma" or reference is not None
    words = (arguments.by_user or "").strip()
    if words and comparable:
        raise UserCannotConfirm(model=card.name, id=card.id)
    if card.family == "gemma":
        return _against_stock(card, arguments)
    for option in ("images", "precision"):
        if getattr(arguments, option) is not None:
            raise NotComparedSo(option=option, model=card.name)
    if reference is not None:
        return _by_run(card, reference, arguments)
    if not words:
        raise OnlyUserConfirms(model=card.name, id=card.id)
    return _made(card, _digest(card), How.USER, {"words": words})


def _digest(card: ModelCard) -> str:
    """Of the published files, or of those that a prepared copy was made of."""
    if not isinstance(weights.status(card), weights.Installed):
        known = confirmations.known_digest(card)
        if known is not None:
            return known
    return weights.digest(weights.locate(card).shards)


def _made(card: ModelCard, digest: str, how: How, detail: dict[str, Any]) -> Confirmation:
    kept = record.read(weights.folder(card))
    published = kept is not None and all(each.published for each in kept.files.values())
    return Confirmation(card.id, digest, how, detail | {"published": published})


# ---------------------------------------------------------------- MedGemma


def _against_stock(card: ModelCard, arguments: argparse.Namespace) -> Confirmation:
    """Raises NotConfirmed at the first precision whose tokens are others."""
    os.environ.update(isolation.environment())  # before torch: its GPU 0 is that of nvidia-smi
    gpu = nvml.first_visible()
    wanted = [Precision(each) for each in arguments.precision or _COMPARED]
    for each in wanted:
        barred = capability.barred(each, capability.of(gpu))
        if barred is not None:
            raise PrecisionUnsupported(model=card.name, precision=each, detail=barred.detail)
    weights.locate(card)
    images = _radiographs(arguments)
    from cxr_demo.models import against_stock

    device = against_stock.device_name(gpu)
    found = []
    with device_lease(None if device == "cpu" else gpu):
        for each in wanted:
            line = _Line(arguments, each)
            agreement, digest = against_stock.compare(card, each, images, device, progress=line)
            line.clear()
            told = agreement.to_dict()
            _tell(arguments, told, "agreement", **told)
            if not agreement.passed:
                raise NotConfirmed(model=card.name, detail=_where(agreement))
            found.append(told)
    return _made(card, digest, How.STOCK, {"agreements": found})


def _where(agreement: Any) -> str:
    place = "" if agreement.first is None else f", image {agreement.first[0] + 1}"
    return (
        f"{agreement.precision}: {agreement.different} ≠, {agreement.ties} ≈ / "
        f"{agreement.positions}{place}"
    )


def _radiographs(arguments: argparse.Namespace) -> list[Radiograph]:
    paths = arguments.images or sorted((assets_dir() / "samples").glob("sample-*"))
    return [open_study(path)[0] for path in paths]


# ---------------------------------------------------------------- CheXagent 2


def _study_f1(card: ModelCard) -> float | None:
    """What the study's text gives for this model on the preliminary set."""
    found = study.references("preliminary", study.CHEXBERT, False, False)
    return next((each.f1 for each in found if each.model == card.id), None)


def _by_run(card: ModelCard, wanted: float, arguments: argparse.Namespace) -> Confirmation:
    """The newest finished run of these weights decides."""
    digest = _digest(card)
    book = Book()
    try:
        result = _interval_of(book, card, digest)
    finally:
        book.close()
    if result is None or result.figures is None or result.intervals is None:
        raise NothingToCompare(model=card.name, id=card.id)
    estimate = result.intervals.micro[FindingSetName.ALL_14]
    f1, low, high = (float(each) for each in (estimate.value, estimate.low, estimate.high))
    detail: dict[str, Any] = {
        "run": result.arm.run,
        "precision": str(result.arm.precision),
        "images": result.arm.done,
        "f1": f1,
        "low": low,
        "high": high,
        "study": wanted,
    }
    if not low <= wanted <= high:
        detail_text = f"F1 {f1:.3f} [{low:.3f}, {high:.3f}] ∌ {wanted}"
        raise NotConfirmed(model=card.name, detail=detail_text)
    if not arguments.json:
        print(_say("run", arguments, **detail))
    return _made(card, digest, How.RUN, detail)


def _interval_of(book: Book, card: ModelCard, digest: str) -> ArmResult | None:
    """The arm with its interval, once that is computed."""
    names = [each for each in book.boards() if each.recipe == "preliminary" and not each.synthetic]
    for name in (each for each in names if study.CHEXBERT in each.labelers):
        until = time.monotonic() + _WAIT
        while True:
            board = book.board(name.id, study.CHEXBERT, _POLICY)
            fitting = [each for each in board.arms if _fits(each, card, digest)]
            if not any(each.computing for each in fitting) or time.monotonic() > until:
                break
            time.sleep(0.2)
        if fitting:  # bf16 first: how the study's best was run is not published
            return min(fitting, key=lambda each: list(Precision).index(each.arm.precision))
    return None


def _fits(result: ArmResult, card: ModelCard, digest: str) -> bool:
    arm = result.arm
    signature = arm.facts.get("signature") or {}
    own = arm.origin is None and not arm.stand_in and result.complete
    report = (arm.model, *arm.task) == (card.id, PipelineKind.REPORT, None)
    return own and report and signature.get("weights_sha256") == digest


# ---------------------------------------------------------------- words


class _Line:
    """Progress in a terminal: one line, drawn over."""

    def __init__(self, arguments: argparse.Namespace, precision: Precision) -> None:
        self._arguments, self._precision = arguments, precision
        self._shown: Callable[[], bool] = sys.stderr.isatty

    def __call__(self, what: str, fraction: float) -> None:
        """`what` is a key of `_WORDS`."""
        if self._shown() and not self._arguments.json:
            words = f"{self._precision}: {_say(what, self._arguments)} {fraction:.0%}"
            print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown() and not self._arguments.json:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _tell(arguments: argparse.Namespace, record: object, key: str, **values: object) -> None:
    if arguments.json:
        print_json(record)
    else:
        print(_say(key, arguments, **values))


def _say(key: str, arguments: argparse.Namespace, **values: object) -> str:
    return _WORDS[key][arguments.language == "pt"].format(**values)
