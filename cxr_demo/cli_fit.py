"""`python -m cxr_demo fit`: which model fits this machine's GPU, or a card of another size."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cxr_demo import fit
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.fit import Answer, Gpu, Machine
from cxr_demo.units import UNKNOWN, format_bytes, format_seconds

_HEADS = {
    "en": ("model", "precision", "answer", "load", "reading", "", "first word", "per token"),
    "pt": ("modelo", "precisão", "resposta", "carga", "leitura", "", "1ª palavra", "por token"),
}
_WORDS = {
    "en": {
        "free": "{name}: {free} of {total} free",
        "typed": "A card of {name}: {free} of {total} free beside driver and desktop",
        "none": "No NVIDIA GPU; main memory: {free} of {total} free",
        "card": "{size} GB card",
        "larger": "larger card",
    },
    "pt": {
        "free": "{name}: {free} livres de {total}",
        "typed": "Uma placa de {name}: {free} livres de {total}, fora driver e área de trabalho",
        "none": "Sem GPU NVIDIA; memória principal: {free} livres de {total}",
        "card": "placa de {size} GB",
        "larger": "placa maior",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--vram", metavar="GB", help="ask for a card of this size instead")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the answers for every GPU of this machine, or for the typed one; always 0."""
    found = fit.machine()
    cards: Sequence[Gpu | None] = found.gpus or (None,)
    if arguments.vram is not None:
        cards = (fit.typed(arguments.vram),)
    for card in cards:
        answers = fit.answers(card, found.ram_free)
        advice = fit.advice(answers)
        if arguments.json:
            print_json(_record(card, found, answers, advice))
        else:
            _print(card, found, answers, advice, arguments.language)
    return 0


def _record(
    card: Gpu | None, found: Machine, answers: Sequence[Answer], advice: fit.Advice
) -> dict[str, Any]:
    return {
        "gpu": None if card is None else asdict(card),
        "ram_free": found.ram_free,
        "ram_total": found.ram_total,
        "answers": [asdict(each) | {"peak": each.need.peak} for each in answers],
        "advice": asdict(advice),
    }


def _print(
    card: Gpu | None,
    found: Machine,
    answers: Sequence[Answer],
    advice: fit.Advice,
    language: str,
) -> None:
    print(_headline(card, found, language))
    table = [_HEADS[language], *(_row(each, language) for each in answers)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())
    print(f"\n{advice.sentence.message(language)}\n")


def _headline(card: Gpu | None, found: Machine, language: str) -> str:
    words = _WORDS[language]
    if card is None:
        total, free, kind, name = found.ram_total, found.ram_free, "none", ""
    else:
        total, free, name = card.total, card.free, card.name
        kind = "typed" if card.typed else "free"
    return str(words[kind]).format(
        name=name, free=format_bytes(free, language), total=format_bytes(total, language)
    )


def _row(each: Answer, language: str) -> tuple[str, ...]:
    words = _WORDS[language]
    size = words["larger"] if each.smallest is None else words["card"].format(size=each.smallest)
    verdict = fit.verdict_word(each.verdict).message(language)
    if each.barred is not None:
        return each.name, each.precision, verdict, "", "", each.barred.message(language), "", ""
    return (
        each.name,
        each.precision,
        verdict,
        format_bytes(each.need.load, language),
        format_bytes(each.need.peak, language),
        f"{size}, {fit.basis_words(each).message(language)}",
        UNKNOWN if each.ttft is None else format_seconds(each.ttft, language),
        UNKNOWN if each.tpot is None else format_seconds(each.tpot, language),
    )
