"""`python -m cxr_demo evaluate preliminary | aggregated | local`: a recipe over data sets, run by
the worker. Ctrl-C stops it; the same command goes on where it stopped.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchmarks.aggregated import SIZE, aggregated
from benchmarks.local import local
from benchmarks.preliminary import STUDY_MODELS, STUDY_PRECISIONS, preliminary
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_evaluate_follow import conclude, estimates, follow, ranks_line
from cxr_demo.cli_words import said, whole
from cxr_demo.datasets.draw import Mix, Views
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.evaluation.check import DataCheck, check
from cxr_demo.evaluation.faults import NothingChosen, OptionNotTaken, WordUnknown
from cxr_demo.evaluation.labelling import chexbert_folder, chexbert_present
from cxr_demo.evaluation.plan import PHANTOMS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.words import drawn
from cxr_demo.units import format_seconds
from cxr_demo.worker.client import JobState, JobStatus, WorkerClient

if TYPE_CHECKING:
    from cxr_demo.evaluation.ranks import Told

_W = TypeVar("_W", Precision, PipelineKind)
MANY = 2_000
"""Images of all arms from which a trial comes first."""

_TAKES: dict[str, set[str]] = {
    "preliminary": set(),
    "local": {"size"},
    "aggregated": {"size", "mix", "views"},
}

_WORDS = {
    "en": {
        "absent": "images whose file is not where the table says",
        "nothing_present": "No finding is marked as present: F1 will be 0 and tell nothing.",
        "checked": "images, looked at in {seconds}",
        "no_chexbert": "CheXbert is not in {folder}: reports are labelled by rules only.",
        "stopped": "Stopped; the same command goes on where it stopped.",
        "paused": "Paused; `python -m cxr_demo evaluate resume` goes on.",
        "go_on": "Go on? [Y/n] ",
    },
    "pt": {
        "absent": "imagens sem arquivo onde a tabela diz",
        "nothing_present": "Nenhum achado está marcado como presente: o F1 será 0 e nada dirá.",
        "checked": "imagens, conferidas em {seconds}",
        "no_chexbert": "O CheXbert não está em {folder}: os laudos são rotulados só por regras.",
        "stopped": "Parada; o mesmo comando continua de onde parou.",
        "paused": "Em pausa; `python -m cxr_demo evaluate resume` continua.",
        "go_on": "Continuar? [S/n] ",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of all three recipes."""
    parser.add_argument(
        "--models",
        default=",".join(STUDY_MODELS),
        metavar="IDS",
        help=said("ids of models, by commas", "ids dos modelos, com vírgulas"),
    )
    parser.add_argument(
        "--precisions",
        default=",".join(STUDY_PRECISIONS),
        metavar=said("NAMES", "NOMES"),
        help=said("by commas", "com vírgulas"),
    )
    parser.add_argument(
        "--pipelines",
        metavar=said("NAMES", "NOMES"),
        help=said("direct, report or both by a comma", "direct, report ou ambos com vírgula"),
    )
    parser.add_argument(
        "--prompt",
        default="",
        metavar="IDS",
        help=said(
            "in place of defaults, for models that have them",
            "no lugar dos padrões, para os modelos que os têm",
        ),
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar=said("FOLDER", "PASTA"),
        help=said(
            "the folder with the data sets; or NAME=FOLDER for each of them",
            "a pasta com os conjuntos de dados; ou NOME=PASTA para cada um",
        ),
    )
    parser.add_argument(
        "--phantoms",
        type=whole,
        metavar="N",
        help=said(
            "draw so many per table instead of --data", "desenha tantos por tabela em vez de --data"
        ),
    )
    parser.add_argument(
        "--size",
        type=whole,
        metavar="N",
        help=said(
            "images of the draw (not for preliminary)", "imagens do sorteio (não em preliminary)"
        ),
    )
    parser.add_argument(
        "--mix",
        choices=list(Mix),
        help=said(
            "of the data sets; for aggregated, else proportional",
            "dos conjuntos; em aggregated, senão proportional",
        ),
    )
    parser.add_argument(
        "--views",
        choices=list(Views),
        help=said("for aggregated, else all", "em aggregated, senão all"),
    )
    parser.add_argument(
        "--slots",
        type=whole,
        metavar="N",
        help=said(
            "images in a batch; else what suits the device",
            "imagens por lote; senão o que convém ao dispositivo",
        ),
    )
    parser.add_argument(
        "--ranks",
        type=whole,
        metavar="N",
        default=1,
        help=said("processes, one GPU each", "processos, uma GPU para cada um"),
    )
    parser.add_argument(
        "--trial",
        action="store_true",
        help=said("time a few images, tell the hours", "cronometra algumas imagens e diz as horas"),
    )
    parser.add_argument(
        "--yes", action="store_true", help=said("begin without a trial", "começa sem ensaio")
    )
    parser.add_argument(
        "--untimed",
        action="store_true",
        help=said("leave out memory and time", "sem medir memória e tempo"),
    )
    parser.add_argument(
        "--again",
        type=int,
        metavar="N",
        help=said(
            "images read again after a resume, to compare",
            "imagens lidas de novo após retomar, para comparar",
        ),
    )
    parser.add_argument(
        "--rules-only", action="store_true", help=said("leave CheXbert out", "sem o CheXbert")
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help=said(
            "also ask yes or no, and write a calibration",
            "pergunta também sim ou não, e grava uma calibração",
        ),
    )
    parser.add_argument(
        "--timed-images",
        type=whole,
        metavar="N",
        help=said("images of the time per image", "imagens do tempo por imagem"),
    )
    parser.add_argument(
        "--most-failed",
        type=_share,
        metavar=said("SHARE", "FRAÇÃO"),
        help=said(
            "share of failures, 0 to 1, that stops an arm",
            "fração de falhas, 0 a 1, que para um braço",
        ),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the data, run the recipe and show its figures; 1 if it did not finish."""
    recipe, data = recipe_of(arguments), data_of(arguments)
    words = _WORDS[arguments.language]
    if not _show_check(check(recipe, data), arguments):
        return 1
    if not chexbert_present() and not arguments.rules_only and not arguments.json:
        print(words["no_chexbert"].format(folder=chexbert_folder()))
    options = options_of(arguments, recipe)
    if arguments.ranks > 1:
        from cxr_demo.evaluation.ranks import run_ranks

        try:
            run_ranks(recipe, data, options, arguments.ranks, _say(arguments))
        except KeyboardInterrupt:
            print(f"\n{words['stopped']}", file=sys.stderr)
            raise
        options["trial"] = False
    with WorkerClient.start(preload=False) as worker:
        last = _begin(worker, recipe, data, options, arguments)
    return conclude(last, arguments)


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the options ask for. Raises WordUnknown, OptionNotTaken, NothingChosen,
    UnknownModel and UnknownPrompt."""
    for option in sorted({"size", "mix", "views"} - _TAKES[arguments.what]):
        if getattr(arguments, option) is not None:
            raise OptionNotTaken(option=option, what=arguments.what)
    models = [each for each in arguments.models.split(",") if each]
    precisions = [_word(Precision, each) for each in arguments.precisions.split(",") if each]
    made = _made(arguments, models, precisions)
    if arguments.pipelines:
        chosen = tuple(_word(PipelineKind, each) for each in arguments.pipelines.split(","))
        made = replace(made, pipelines=chosen)
    if not made.models or not made.precisions:
        raise NothingChosen()
    made = replace(made, prompts=tuple(each for each in arguments.prompt.split(",") if each))
    made.check()
    if arguments.timed_images is not None:
        made = replace(made, timed_images=arguments.timed_images)
    if arguments.most_failed is not None:
        made = replace(made, most_failed=arguments.most_failed)
    return made


def data_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Folders by data set; one that is named without a data set stands for all."""
    if arguments.phantoms is not None:
        return {PHANTOMS: str(arguments.phantoms)}
    found: dict[str, str] = {}
    sources = [each.dataset for each in recipe_of(arguments).draw.sources]
    for given in arguments.data:
        name, mark, place = given.partition("=")
        names = [name] if mark and name in sources else sources
        folder = place if mark and name in sources else given
        found |= {each: str(Path(folder).expanduser().resolve()) for each in names}
    return found


def options_of(arguments: argparse.Namespace, recipe: Recipe) -> dict[str, object]:
    """`evaluation.plan.Options` as JSON."""
    size = (recipe.draw.size or 0) * len(recipe.arms())
    return {
        "trial": arguments.trial or (size > MANY and not arguments.yes and arguments.ranks == 1),
        "slots": arguments.slots,
        "timed": not arguments.untimed,
        "labelers": "rules" if arguments.rules_only else "all",
        "probabilities": arguments.probabilities,
        "again": arguments.again,
    }


def _made(
    arguments: argparse.Namespace, models: Sequence[str], precisions: Sequence[Precision]
) -> Recipe:
    if arguments.what == "preliminary":
        return preliminary(models, precisions)
    if arguments.what == "local":
        return local(models, precisions, arguments.size)
    mix, views = Mix(arguments.mix or Mix.PROPORTIONAL), Views(arguments.views or Views.ALL)
    return aggregated(models, precisions, mix, views, arguments.size or SIZE)


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(
            said(f"{text} is not a share from 0 to 1", f"{text} não é uma fração de 0 a 1")
        )
    return number


def _word(kind: type[_W], word: str) -> _W:
    try:
        return kind(word)
    except ValueError:
        raise WordUnknown(word=word, known=", ".join(kind)) from None


def _show_check(found: DataCheck, arguments: argparse.Namespace) -> bool:
    words = _WORDS[arguments.language]
    for problem in found.problems:
        print(problem.message(arguments.language), file=sys.stderr)
    if found.problems:
        return False
    if arguments.json:
        print_json(
            {"composition": found.composition, "images": found.images, "absent": found.absent}
        )
        return True
    print(drawn(found.composition, arguments.language))
    for each in found.inventories:
        parts = ", ".join(
            f"{drawn(f'{each.dataset} {part.part}', arguments.language)}: {part.images}"
            for part in each.parts
        )
        print(f"  {parts}")
    if found.images is not None:
        took = format_seconds(found.seconds, arguments.language)
        print(f"  {found.images} {words['checked'].format(seconds=took)}")
    if found.absent:
        print(f"  {words['absent']}: {found.absent}")
    if found.inventories and not found.says_present:
        print(f"  {words['nothing_present']}")
    return True


def _begin(
    worker: WorkerClient,
    recipe: Recipe,
    data: dict[str, str],
    options: dict[str, object],
    arguments: argparse.Namespace,
) -> JobStatus:
    started = worker.start_evaluation(recipe, data, options).result(120)
    words = _WORDS[arguments.language]

    def mine(job: JobStatus) -> bool:
        return job.kind == started.kind and job.name == recipe.name

    try:
        last = follow(worker, arguments, mine)
        if last.trial and last.state is JobState.PAUSED:
            if not arguments.json:
                print(estimates(last.arms, arguments.language))
            if arguments.trial and not _goes_on(arguments):
                print(words["paused"], file=sys.stderr)
                return last
            worker.resume_job(last.group).result(120)
            last = follow(worker, arguments, mine)
    except KeyboardInterrupt:
        worker.stop_job().result(30)
        print(f"\n{words['stopped']}", file=sys.stderr)
        raise
    return last


def _goes_on(arguments: argparse.Namespace) -> bool:
    if arguments.yes or arguments.json or not sys.stdin.isatty():
        return arguments.yes
    return input(_WORDS[arguments.language]["go_on"]).strip().lower() not in ("n", "no", "não")


def _say(arguments: argparse.Namespace) -> "Callable[[Told], None]":
    def say(told: "Told") -> None:
        if arguments.json:
            print_json(asdict(told))
        elif sys.stdout.isatty():
            print(f"\r\033[K{ranks_line(told, arguments.language)}", end="", flush=True)

    return say
