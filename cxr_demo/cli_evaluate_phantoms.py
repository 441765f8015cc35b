"""`python -m cxr_demo evaluate phantoms`: a model's quality on drawn radiographs, measured by the
worker in the background. Ctrl-C lets it go on; the same command shows it again, and `--stop` stops
it. Its results stand on the Benchmarks screen, too.
"""

import argparse
import sys

from benchmarks.phantoms import phantoms
from cxr_demo.cli import add_common_arguments
from cxr_demo.cli_evaluate_follow import conclude, follow
from cxr_demo.cli_options import add_pipeline, add_precision
from cxr_demo.cli_words import said, whole
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.evaluation.plan import PHANTOMS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.worker.client import JobState, JobStatus, WorkerClient

_GOES_ON = {
    "en": "It goes on in the background; the same command shows it again.",
    "pt": "Continua em segundo plano; o mesmo comando a mostra de novo.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.set_defaults(what="phantoms")
    parser.add_argument(
        "--count",
        type=whole,
        metavar="N",
        default=1000,
        help=said("how many phantoms to draw", "quantos fantomas desenhar"),
    )
    parser.add_argument(
        "--model",
        metavar=said("MODEL", "MODELO"),
        default="embedded",
        help=said("id of the model", "id do modelo"),
    )
    add_precision(parser)
    add_pipeline(parser)
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help=said(
            "also ask yes or no per finding; the calibration lets the app show probabilities",
            "pergunta também sim ou não por achado; a calibração dá probabilidades na tela",
        ),
    )
    parser.add_argument(
        "--stop",
        action="store_true",
        help=said("stop the evaluation that is running", "para a avaliação em andamento"),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start or go on with the evaluation and show its progress; 1 if it failed or was stopped."""
    recipe = recipe_of(arguments)
    with WorkerClient.start(preload=False) as worker:
        if arguments.stop:
            worker.stop_job().result(60)
            return 0
        running = worker.wait(lambda status: status.pid is not None, 60).job
        if running is None or not _goes_on(running, recipe):
            options = {"timed": False, "probabilities": arguments.probabilities}
            data = {PHANTOMS: str(arguments.count)}
            worker.start_evaluation(recipe, data, options).result(120)
        try:
            last = follow(worker, arguments, lambda job: job.name == recipe.name)
        except KeyboardInterrupt:
            print(f"\n{_GOES_ON[arguments.language]}", file=sys.stderr)
            raise
    return conclude(last, arguments)


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """One arm over all phantoms that are drawn."""
    return phantoms(
        [arguments.model], [Precision(arguments.precision)], [PipelineKind(arguments.pipeline)]
    )


def _goes_on(job: JobStatus, recipe: Recipe) -> bool:
    """Whether this very evaluation runs already; another one makes the worker refuse."""
    if job.state is not JobState.RUNNING or job.name != recipe.name:
        return False
    asked = {(each.model, each.precision, each.pipeline) for each in recipe.arms()}
    return asked <= {(each.model, each.precision, each.pipeline) for each in job.arms}
