"""`python -m cxr_demo evaluate WHAT`: one literal table.

Each module offers `add_arguments(parser)` and `run(arguments) -> int`, as in `cli`; what is heavy
it imports when it runs.
"""

import argparse
import importlib

RECIPES = "cxr_demo.cli_evaluate_recipe"
CONTROL = "cxr_demo.cli_evaluate_control"

COMMANDS: dict[str, tuple[str, str]] = {
    "preliminary": (RECIPES, "CheXpert's validation split, labelled by hand, both pipelines"),
    "aggregated": (RECIPES, "a draw from CheXpert, MIMIC-CXR and BRAX in five folds, reports"),
    "local": (RECIPES, "a folder of your own images with a table, both pipelines"),
    "phantoms": ("cxr_demo.cli_evaluate_phantoms", "the embedded model on drawn radiographs"),
    "status": (CONTROL, "evaluations that are here, and how far they are"),
    "pause": (CONTROL, "pause the evaluation that is running"),
    "resume": (CONTROL, "go on with a paused or stopped evaluation"),
    "stop": (CONTROL, "stop the evaluation that is running; what is done stays"),
    "relabel": ("cxr_demo.cli_evaluate_relabel", "label stored outputs again; needs no GPU"),
    "export": ("cxr_demo.cli_evaluate_export", "a finished run as one file for another machine"),
    "import": ("cxr_demo.cli_evaluate_import", "take in a run that was measured elsewhere"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand each."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, (path, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(module=path)
        importlib.import_module(path).add_arguments(command)


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    status: int = importlib.import_module(arguments.module).run(arguments)
    return status
