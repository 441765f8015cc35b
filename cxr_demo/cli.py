"""`python -m cxr_demo COMMAND`: one literal table; a command's module is imported when it is used.

Each module offers `add_arguments(parser)` and `run(arguments) -> int` (the exit status).
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from cxr_demo.cli_words import LANGUAGES, asked_language, said, speak, spoken
from cxr_demo.errors import CxrError

COMMANDS: dict[str, tuple[str, str, str]] = {
    "read": (
        "cxr_demo.cli_read",
        "read radiographs: report, findings, timings",
        "lê radiografias: laudo, achados, tempos",
    ),
    "render": (
        "cxr_demo.cli_render",
        "write what the screen shows as a PNG file",
        "grava em PNG o que a tela mostra",
    ),
    "label": (
        "cxr_demo.cli_label",
        "label the 14 findings in a report's text",
        "rotula os 14 achados no texto de um laudo",
    ),
    "evaluate": (
        "cxr_demo.cli_evaluate",
        "measure a model's quality; goes on where it stopped",
        "mede a qualidade de um modelo; continua de onde parou",
    ),
    "selftest": (
        "cxr_demo.cli_selftest",
        "prove that a model uses its image",
        "prova que um modelo usa a imagem",
    ),
    "fit": (
        "cxr_demo.cli_fit",
        "which model fits this GPU, or one of another size",
        "que modelo cabe nesta GPU, ou em uma de outro tamanho",
    ),
    "confirm": (
        "cxr_demo.cli_confirm",
        "is a model's port right, with its real weights?",
        "a adaptação de um modelo está certa, com os pesos reais?",
    ),
    "weights": (
        "cxr_demo.cli_weights",
        "fetch, verify or import the weights of real models",
        "baixa, verifica ou importa os pesos dos modelos reais",
    ),
    "doctor": (
        "cxr_demo.cli_doctor",
        "what is wrong with this machine, and how to mend it",
        "o que há de errado nesta máquina, e como corrigir",
    ),
}

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0, 1 if something was refused, 2 for wrong usage,
    130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked, others = asked_language(given)
    speak(asked)
    parser = argparse.ArgumentParser(
        prog="python -m cxr_demo",
        description=said(
            "Chest X-ray models on your own GPU. Research use only; not a medical device.",
            "Modelos de radiografia de tórax na sua própria GPU. Somente para pesquisa; não é um "
            "dispositivo médico.",
        ),
    )
    add_language(parser)
    command = said("COMMAND", "COMANDO")
    commands = parser.add_subparsers(dest="command", required=True, metavar=command)
    module = None
    for name, (path, *summary) in COMMANDS.items():
        about = said(*summary)
        inner = commands.add_parser(name, help=about, description=about)
        if others[:1] == [name]:
            module = importlib.import_module(path)
            module.add_arguments(inner)
    parsed = parser.parse_args(given)
    assert module is not None  # argparse has refused everything that is not in the table
    return _run(module, parsed)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json` and `--language`, the same for every command."""
    about = said("one JSON object a line", "um objeto JSON por linha")
    parser.add_argument("--json", action="store_true", help=about)
    add_language(parser)


def add_language(parser: argparse.ArgumentParser) -> None:
    """`--language`, by default the one that is spoken."""
    about = said("instead of the terminal's", "em vez da língua do terminal")
    parser.add_argument("--language", choices=LANGUAGES, default=spoken(), help=about)


def print_json(record: object) -> None:
    """One JSON object on a line of its own, at once."""
    print(json.dumps(record, ensure_ascii=False), flush=True)


def _run(module: ModuleType, parsed: argparse.Namespace) -> int:
    try:
        status: int = module.run(parsed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except CxrError as error:
        print(error.message(getattr(parsed, "language", spoken())), file=sys.stderr)
        return 1
    return status
