"""Options that several commands have, with one name, one default and one help."""

import argparse

from cxr_demo.cli_words import said
from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision


def add_model(parser: argparse.ArgumentParser) -> None:
    """`--model`, by default the embedded one."""
    parser.add_argument(
        "--model",
        metavar=said("MODEL", "MODELO"),
        default="embedded",
        help=said("one of ", "um destes: ") + ", ".join(CARDS),
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """`--precision`, a value of `Precision`."""
    parser.add_argument(
        "--precision",
        choices=[str(each) for each in Precision],
        default="bf16",
        help=said("how weights are held in memory", "como os pesos ficam na memória"),
    )


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """`--pipeline`, a value of `PipelineKind`."""
    parser.add_argument(
        "--pipeline",
        choices=[str(each) for each in PipelineKind],
        default="report",
        help=said(
            "findings asked for directly, or a report", "achados perguntados direto, ou um laudo"
        ),
    )
