"""`python -m cxr_demo selftest`: does a model use its image, or only the words around it?"""

import argparse
import sys
from dataclasses import asdict

from cxr_demo import models
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_options import add_model, add_precision
from cxr_demo.records import ImageUse, Precision
from cxr_demo.worker.client import WorkerClient

_WORDS = {
    "en": (
        "{name}, {precision}: the image is used: another image moves the model by {movement} nats, "
        "the same one with noise by {floor}. Black image {blank}, mirrored image {flipped}.",
        "{name}, {precision}: THE IMAGE IS NOT USED: another image moves the model by {movement} "
        "nats, the same one with noise by {floor}. Its reports mean nothing.",
    ),
    "pt": (
        "{name}, {precision}: a imagem é usada: outra imagem move o modelo em {movement} nats, a "
        "mesma com ruído em {floor}. Imagem preta {blank}, imagem espelhada {flipped}.",
        "{name}, {precision}: A IMAGEM NÃO É USADA: outra imagem move o modelo em {movement} nats, "
        "a mesma com ruído em {floor}. Seus laudos nada significam.",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_model(parser)
    add_precision(parser)
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load the model and test it; 1 if the image is not used. Raises UnknownModel and what loading
    raises. The result is kept, and shown by the app."""
    models.card(arguments.model)
    with WorkerClient.start(preload=False) as worker:
        found = worker.prove(arguments.model, Precision(arguments.precision)).result()
    if arguments.json:
        print_json(asdict(found))
    else:
        print(_sentence(found, arguments.language), file=sys.stdout if found.passed else sys.stderr)
    return 0 if found.passed else 1


def _sentence(found: ImageUse, language: str) -> str:
    figures = {
        name: f"{getattr(found, name):.2g}".replace(".", "," if language == "pt" else ".")
        for name in ("movement", "floor", "blank", "flipped")
    }
    words = _WORDS[language][0 if found.passed else 1]
    return words.format(name=models.card(found.model).name, precision=found.precision, **figures)
