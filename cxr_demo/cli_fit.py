"""`python -m cxr_demo fit`: which model fits this machine's GPU, or a card of another size."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cxr_demo import fit
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_words import said
from cxr_demo.fit import Answer, Gpu, Machine
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision, Telemetry
from cxr_demo.units import format_bytes, format_seconds
from cxr_demo.worker.client import Measuring, WorkerClient
from cxr_demo.worker.launch import START_S

_HEADS = {
    "en": ("model", "precision", "answer", "load", "reading", "", "first word", "per token"),
    "pt": ("modelo", "precisão", "resposta", "carga", "leitura", "", "1ª palavra", "por token"),
}
_WORDS = {
    "en": {
        "free": "{name}: {free} of {total} free",
        "typed": "A card of {name}: {free} of {total} free beside driver and desktop; taken as of "
        "compute capability 8.0 or above",
        "times": "–: a time that was not measured on this card; `fit --measure MODEL` on it does.",
        "none": "No NVIDIA GPU; main memory: {free} of {total} free",
        "card": "{size} GB card",
        "larger": "larger card",
        "waiting": "waiting",
        "building": "building",
        "reading": "reading",
        "left": "left",
        "alone": "--precision goes with --measure MODEL; without it every precision is shown.",
    },
    "pt": {
        "free": "{name}: {free} livres de {total}",
        "typed": "Uma placa de {name}: {free} livres de {total}, fora driver e área de trabalho; "
        "suposta de compute capability 8.0 ou maior",
        "times": "–: tempo não medido nesta placa; `fit --measure MODELO` nela mede.",
        "none": "Sem GPU NVIDIA; memória principal: {free} livres de {total}",
        "card": "placa de {size} GB",
        "larger": "placa maior",
        "waiting": "esperando",
        "building": "montando",
        "reading": "lendo",
        "left": "restantes",
        "alone": "--precision acompanha --measure MODELO; sem ela, todas as precisões aparecem.",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--vram",
        metavar="GB",
        help=said("ask for a card of this size instead", "pergunta por uma placa deste tamanho"),
    )
    asked.add_argument(
        "--measure",
        metavar=said("MODEL", "MODELO"),
        choices=tuple(ARCHITECTURES),
        help=said(
            "measure this model on this GPU, with random weights and without a download: ",
            "mede este modelo nesta GPU, com pesos aleatórios e sem baixar nada: ",
        )
        + ", ".join(ARCHITECTURES),
    )
    parser.add_argument(
        "--precision",
        choices=[str(each) for each in Precision],
        help=said(
            "with --measure; without it, every precision that should fit",
            "com --measure; sem ela, toda precisão que deve caber",
        ),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the answers for every GPU of this machine, or for the typed one: 0; 2 for options that
    say nothing together."""
    if arguments.precision is not None and arguments.measure is None:
        print(_WORDS[arguments.language]["alone"], file=sys.stderr)
        return 2
    if arguments.measure is not None:
        precision = arguments.precision and Precision(arguments.precision)
        measure(arguments.measure, precision, arguments.json, arguments.language)
    found = fit.machine()
    cards: Sequence[Gpu | None] = found.gpus or (None,)
    if arguments.vram is not None:
        cards = (fit.typed(arguments.vram),)
    for card in cards:
        answers = fit.answers(card, found.ram_free)
        advice = fit.advice(answers, fit.qualities())
        if arguments.json:
            print_json(_record(card, found, answers, advice))
        else:
            _print(card, found, answers, advice, arguments.language)
    return 0


def measure(model: str, precision: Precision | None, as_json: bool, language: str) -> None:
    """Measure `model` on this machine's GPU and store what was found. Raises NoGpu, OutOfMemory,
    or what else the worker says."""
    if fit.machine().first is None:
        raise fit.NoGpu()
    with WorkerClient.start(preload=False) as worker:
        status = worker.wait(lambda status: status.telemetry is not None, START_S)
        for each in _wanted(model, precision, status.telemetry, language):
            running = worker.measure_fit(model, each)
            try:
                _follow(running, f"{CARDS[model].name}, {each}", language)
            except KeyboardInterrupt:
                running.stop()
                raise
            found = running.result()
            if as_json:
                print_json({"measured": asdict(found)})


def _wanted(
    model: str, precision: Precision | None, telemetry: Telemetry | None, language: str
) -> list[Precision]:
    """`precision`, or all that should fit beside everything but our own worker."""
    gpu = fit.machine(telemetry).first
    if precision is not None or gpu is None:
        return [] if precision is None else [precision]
    able = [each.precision for each in fit.answers(gpu) if each.model == model and each.runs]
    if not able:
        raise fit.NothingFits(model=CARDS[model].name, free=format_bytes(gpu.free, language))
    return able


def _follow(running: Measuring, title: str, language: str) -> None:
    """One line on the terminal's error stream that tells how far it is, until it is done."""
    words, shown = _WORDS[language], ""
    while not running.done:
        now = running.progress
        share = "" if now is None else f" {now.fraction:.0%}"
        left = None if now is None else now.remaining
        rest = "" if left is None else f", {format_seconds(left, language)} {words['left']}"
        line = f"{title}: {words[now.stage if now else 'waiting']}{share}{rest}"
        if line != shown and sys.stderr.isatty():
            print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)
            shown = line
        time.sleep(0.1)
    if shown:
        print(f"\r{'':<78}\r", end="", file=sys.stderr, flush=True)


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
    if any(fit.times_elsewhere(each) for each in answers):
        print(f"  {_WORDS[language]['times']}")
    print(f"\n{advice.sentence.message(language)}")
    study = fit.beside_study(answers)
    print(f"{study.message(language)}\n" if study else "")


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


def _row(given: Answer, language: str) -> tuple[str, ...]:
    words, here = _WORDS[language], given.basis is fit.Basis.HERE
    size = words["larger"] if given.smallest is None else words["card"].format(size=given.smallest)
    verdict = fit.verdict_word(given.verdict).message(language)
    if given.barred is not None:
        return given.name, given.precision, verdict, "", "", given.barred.message(language), "", ""
    return (
        given.name,
        given.precision,
        verdict,
        format_bytes(given.need.load, language),
        format_bytes(given.need.peak, language),
        f"{size}, {fit.basis_words(given).message(language)}",
        *(format_seconds(each if here else None, language) for each in (given.ttft, given.tpot)),
    )
