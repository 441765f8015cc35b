"""`python -m cxr_demo COMMAND`: one literal table; a command's module is imported when it is used.

Each module offers `add_arguments(parser)` and `run(arguments) -> int` (the exit status).
"""

import argparse
import importlib
import json
import locale
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from cxr_demo.errors import CxrError

COMMANDS: dict[str, tuple[str, str]] = {
    "read": ("cxr_demo.cli_read", "read radiographs: report, findings, timings"),
    "render": ("cxr_demo.cli_render", "write what the screen shows as a PNG file"),
    "label": ("cxr_demo.cli_label", "label the 14 findings in a report's text"),
    "evaluate": ("cxr_demo.cli_evaluate", "measure a model's quality; goes on where it stopped"),
    "selftest": ("cxr_demo.cli_selftest", "prove that a model uses its image"),
    "fit": ("cxr_demo.cli_fit", "which model fits this GPU, or one of another size"),
    "confirm": ("cxr_demo.cli_confirm", "is a model's port right, with its real weights?"),
    "weights": ("cxr_demo.cli_weights", "fetch, verify or import the weights of real models"),
    "doctor": ("cxr_demo.cli_doctor", "what is wrong with this machine, and how to mend it"),
}

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0, 1 if something was refused, 2 for wrong usage,
    130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m cxr_demo",
        description="Chest X-ray models on your own GPU. Research use only; not a medical device.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    module = None
    for name, (path, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if given[:1] == [name]:
            module = importlib.import_module(path)
            module.add_arguments(command)
    parsed = parser.parse_args(given)
    assert module is not None  # argparse has refused everything that is not in the table
    return _run(module, parsed)


def language() -> str:
    """The terminal's language, "pt" or "en"."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return "pt" if (named or locale.getlocale()[0] or "").lower().startswith("pt") else "en"


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json` and `--language`, the same for every command."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--language", choices=("en", "pt"), default=language())


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
        print(error.message(getattr(parsed, "language", language())), file=sys.stderr)
        return 1
    return status
