"""`python -m cxr_demo evaluate WHAT`: one literal table.

Each module offers `add_arguments(parser)` and `run(arguments) -> int`, as in `cli`; what is heavy
it imports when it runs.
"""

import argparse
import importlib

from cxr_demo.cli_words import said

RECIPES = "cxr_demo.cli_evaluate_recipe"
CONTROL = "cxr_demo.cli_evaluate_control"

COMMANDS: dict[str, tuple[str, str, str]] = {
    "preliminary": (
        RECIPES,
        "CheXpert's validation split, labelled by hand, both pipelines",
        "validação do CheXpert, rotulada à mão, as duas tarefas",
    ),
    "aggregated": (
        RECIPES,
        "a draw from CheXpert, MIMIC-CXR and BRAX in five folds, reports",
        "sorteio de CheXpert, MIMIC-CXR e BRAX em cinco dobras, laudos",
    ),
    "local": (
        RECIPES,
        "a folder of your own images with a table, both pipelines",
        "uma pasta com suas imagens e uma tabela, as duas tarefas",
    ),
    "phantoms": (
        "cxr_demo.cli_evaluate_phantoms",
        "the embedded model on drawn radiographs",
        "o modelo embutido em radiografias desenhadas",
    ),
    "status": (
        CONTROL,
        "evaluations that are here, and how far they are",
        "as avaliações que há aqui, e até onde foram",
    ),
    "pause": (CONTROL, "pause the evaluation that is running", "pausa a avaliação em andamento"),
    "resume": (
        CONTROL,
        "go on with a paused or stopped evaluation",
        "continua uma avaliação pausada ou parada",
    ),
    "stop": (
        CONTROL,
        "stop the evaluation that is running; what is done stays",
        "para a avaliação em andamento; o que está feito fica",
    ),
    "relabel": (
        "cxr_demo.cli_evaluate_relabel",
        "label stored outputs again; needs no GPU",
        "rotula de novo as respostas guardadas; não precisa de GPU",
    ),
    "export": (
        "cxr_demo.cli_evaluate_export",
        "a finished run as one file for another machine",
        "uma execução pronta em um arquivo, para outra máquina",
    ),
    "import": (
        "cxr_demo.cli_evaluate_import",
        "take in a run that was measured elsewhere",
        "recebe uma execução medida em outra máquina",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand each."""
    commands = parser.add_subparsers(dest="what", required=True, metavar=said("WHAT", "AÇÃO"))
    for name, (path, *summary) in COMMANDS.items():
        command = commands.add_parser(name, help=said(*summary), description=said(*summary))
        command.set_defaults(module=path)
        importlib.import_module(path).add_arguments(command)


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    status: int = importlib.import_module(arguments.module).run(arguments)
    return status
