"""`python -m cxr_demo evaluate relabel`: labels stored outputs again. No GPU, no images."""

import argparse
import sys

from cxr_demo.cli import add_common_arguments
from cxr_demo.cli_evaluate_control import none_here
from cxr_demo.cli_evaluate_follow import summary
from cxr_demo.cli_words import said
from cxr_demo.evaluation.relabel import relabel
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "group",
        nargs="?",
        metavar=said("EVALUATION", "AVALIAÇÃO"),
        help=said("id of the evaluation; all of them, if none", "id da avaliação; sem ele, todas"),
    )
    parser.add_argument(
        "--device",
        metavar=said("DEVICE", "DISPOSITIVO"),
        default="cpu",
        help=said("for CheXbert: cpu, cuda, cuda:1", "para o CheXbert: cpu, cuda, cuda:1"),
    )
    parser.add_argument(
        "--rules-only", action="store_true", help=said("leave CheXbert out", "sem o CheXbert")
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Label, then show the figures."""

    def progress(arm: ArmRun, labeler: str, done: int, total: int) -> None:
        if sys.stdout.isatty() and not arguments.json:
            text = f"{arm.model} {arm.precision} {arm.pipeline} · {labeler} · {done} / {total}"
            print(f"\r\033[K{text}", end="", flush=True)

    labelers = "rules" if arguments.rules_only else "all"
    done = relabel(store_path(), arguments.group, labelers, arguments.device, progress)
    groups = dict.fromkeys(arm.group for arm in done)
    if sys.stdout.isatty() and not arguments.json:
        print()
    with StoreReader(store_path()) as reader:
        known = {each.id for each in reader.groups()}
    for group in groups:
        if group in known:
            summary(group, arguments)
    return 0 if groups else none_here(arguments)
