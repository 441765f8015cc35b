"""`python -m cxr_demo render FILE OUT.png`: what the screen shows, or what a model is given."""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_demo import models, studies
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_words import said, whole
from cxr_demo.errors import CxrError
from cxr_demo.models.cards import ModelCard
from cxr_demo.models.preview import see_as
from cxr_demo.records import Radiograph, VoiFunction, Window
from cxr_demo.studies.pool import DecodePool


class OutputUnwritable(CxrError):
    """The picture cannot be written."""

    code = "output_unwritable"
    en = "The picture could not be written: check that the folder exists and is yours."
    pt = "A imagem não pôde ser gravada: verifique se a pasta existe e é sua."


class NoSuchImage(CxrError):
    """`--image` names one that the study does not have."""

    code = "no_such_image"
    en = "There is no such radiograph in this study: choose one from 1 to {count} with --image."
    pt = "Não há essa radiografia neste estudo: escolha uma de 1 a {count} com --image."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "file",
        type=Path,
        metavar=said("FILE", "ARQUIVO"),
        help=said("file, zip or folder of one study", "arquivo, zip ou pasta de um estudo"),
    )
    parser.add_argument(
        "out",
        type=Path,
        metavar=said("OUT.png", "SAIDA.png"),
        help=said("the picture to write", "a imagem a gravar"),
    )
    parser.add_argument(
        "--window",
        type=parse_window,
        metavar="C/W",
        help=said(
            "centre and width in the file's own units; by default the file's window",
            "centro e largura nas unidades do arquivo; sem isto, a janela do arquivo",
        ),
    )
    parser.add_argument(
        "--bits", type=whole, choices=(8, 16), default=8, help=said("of a pixel", "de um pixel")
    )
    parser.add_argument(
        "--as",
        dest="model",
        metavar=said("MODEL", "MODELO"),
        help=said("what this model is given: one of ", "o que este modelo recebe: um destes: ")
        + ", ".join(models.CARDS),
    )
    parser.add_argument(
        "--ignore-file-lut",
        action="store_true",
        help=said("leave out the file's windows and tables", "sem as janelas e tabelas do arquivo"),
    )
    parser.add_argument(
        "--image",
        type=whole,
        default=1,
        metavar="N",
        help=said("of several, frontal = 1", "entre várias, frontal = 1"),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the picture; says on standard error what is to be known about the file."""
    model = None if arguments.model is None else models.card(arguments.model)
    if model is not None and (arguments.window is not None or arguments.bits != 8):
        print("--as has a window and a depth of its own: no --window or --bits", file=sys.stderr)
        return 2
    with DecodePool(size=1) as pool:
        opened = pool.open(arguments.file, arguments.ignore_file_lut)
    if not 1 <= arguments.image <= len(opened):
        raise NoSuchImage(count=len(opened))
    radiograph = opened[arguments.image - 1]
    pixels, shown = (
        _as_screen(radiograph, arguments.window, arguments.bits)
        if model is None
        else _as_model(radiograph, model)
    )
    try:
        Image.fromarray(pixels).save(arguments.out, format="PNG")
    except OSError:
        raise OutputUnwritable() from None
    _say(arguments, radiograph, shown, len(opened))
    return 0


def parse_window(text: str) -> tuple[float, float]:
    """Centre and width of "C/W"; raises ArgumentTypeError."""
    try:
        centre, width = (float(each) for each in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            said(
                "give it as CENTRE/WIDTH, such as 2048/3000",
                "indique CENTRO/LARGURA, como 2048/3000",
            )
        ) from None
    if not width >= 1:
        raise argparse.ArgumentTypeError(
            said("the width must be at least 1", "a largura deve ser ao menos 1")
        )
    return centre, width


def _as_model(radiograph: Radiograph, model: ModelCard) -> tuple[NDArray[np.generic], str]:
    seen = see_as(model, radiograph)
    return seen.pixels, seen.preprocessing


def _as_screen(
    radiograph: Radiograph, asked: tuple[float, float] | None, bits: int
) -> tuple[NDArray[np.generic], str]:
    window = radiograph.windows[0]
    if asked is not None:
        window = studies.from_file(Window(*asked, VoiFunction.LINEAR, "asked"), radiograph)
    return studies.render(radiograph, window, bits), studies.window_name(radiograph, window)


def _say(arguments: argparse.Namespace, radiograph: Radiograph, shown: str, count: int) -> None:
    """Facts of the picture: as JSON on standard output, or as lines beside it."""
    sentences = [studies.sentence(each, arguments.language) for each in radiograph.notices]
    rows, columns = radiograph.pixels.shape
    if arguments.json:
        print_json(
            {
                "file": str(arguments.file),
                "out": str(arguments.out),
                "image": arguments.image,
                "images": count,
                "columns": columns,
                "rows": rows,
                "view": radiograph.view,
                "shown": shown,
                "warnings": sentences,
            }
        )
        return
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    print(f"{columns} x {rows}, {radiograph.view}, {shown}", file=sys.stderr)
