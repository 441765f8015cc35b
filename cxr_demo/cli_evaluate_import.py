"""`python -m cxr_demo evaluate import FILE`: take in a run that was measured on another machine."""

import argparse
from pathlib import Path

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_words import said
from cxr_demo.results import carry

_WORDS = {
    "en": "Taken in: {name}. It stands among the results as imported.",
    "pt": "Recebida: {name}. Aparece entre os resultados como importada.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "file",
        metavar=said("FILE", "ARQUIVO"),
        type=Path,
        help=said("written by `evaluate export`", "gravado por `evaluate export`"),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Take the file in; 0. Raises RunFileRefused and RunAlreadyHere."""
    name = carry.import_run(arguments.file, language=arguments.language)
    if arguments.json:
        print_json({"name": name})
    else:
        print(_WORDS[arguments.language].format(name=name))
    return 0
