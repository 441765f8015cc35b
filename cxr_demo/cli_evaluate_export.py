"""`python -m cxr_demo evaluate export RUN FILE`: a finished run as one file for another machine."""

import argparse
from pathlib import Path

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_words import said
from cxr_demo.results import carry
from cxr_demo.units import format_bytes

_WORDS = {
    "en": (
        "{file}, {size}: figures, labels under hashes, no key, no target, no text.",
        "{file}, {size}: with keys, targets and texts. Only for holders of the data licences.",
    ),
    "pt": (
        "{file}, {size}: números, rótulos sob hashes, sem chave, sem alvo, sem texto.",
        "{file}, {size}: com chaves, alvos e textos. Só para quem tem as licenças dos dados.",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "run",
        metavar=said("RUN", "EXECUÇÃO"),
        help=said("as `evaluate status` lists it", "como `evaluate status` mostra"),
    )
    parser.add_argument(
        "file",
        metavar=said("FILE", "ARQUIVO"),
        type=Path,
        help=said("the file to write", "o arquivo a gravar"),
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help=said(
            "with keys, targets and texts: full, for holders of the data licences",
            "com chaves, alvos e textos: completo, para quem tem as licenças dos dados",
        ),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the file; 0. Raises RunUnknown and RunUnfinished."""
    carry.export_run(arguments.run, arguments.file, arguments.full)
    size = arguments.file.stat().st_size
    if arguments.json:
        print_json({"run": arguments.run, "full": arguments.full, "bytes": size})
        return 0
    told = _WORDS[arguments.language][arguments.full]
    print(told.format(file=arguments.file.name, size=format_bytes(size, arguments.language)))
    return 0
