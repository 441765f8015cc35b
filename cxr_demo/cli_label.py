"""`python -m cxr_demo label REPORTS.csv OUT.csv`: the 14 labels of a column of reports.

Rows are streamed, so a file may be larger than memory. Labels stand under the findings' names: 1
positive, 0 negative, -1 uncertain, empty where the report is silent.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from cxr_demo.cli import add_language
from cxr_demo.cli_words import said
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.labelers import rules
from cxr_demo.paths import models_dir
from cxr_demo.records import FindingSet
from cxr_demo.weights import refuse_altered

COLUMN = "report"
_NUMBERS = {Label.POSITIVE: "1", Label.NEGATIVE: "0", Label.UNCERTAIN: "-1"}
_DELIMITERS = (",", ";", "\t")  # spreadsheets in Portuguese write semicolons
_LONGEST_REPORT = 10_000_000  # characters; the csv module stops at 131,072 by default
_CHUNK = {"rules": 256, "chexbert": 8192}  # CheXbert sorts a chunk by length
_EVERY = 1.0  # seconds between two lines of progress

Labeler = Callable[[Sequence[str]], list[FindingSet]]


class LabelInputError(CxrError):
    """The file with the reports cannot be read as one."""

    code = "label_input"
    en = "{file} cannot be read as UTF-8 text in columns ({detail}): save it as CSV, UTF-8."
    pt = "{file} não pode ser lido como texto UTF-8 em colunas ({detail}): salve como CSV, UTF-8."


class LabelColumnMissing(LabelInputError):
    """No column is called `report`."""

    code = "label_column_missing"
    en = "{file} has no column called report: name the column that holds the reports so."
    pt = "{file} não tem uma coluna chamada report: dê este nome à coluna com os laudos."


class LabelRowBroken(LabelInputError):
    """A row has another number of columns than the header."""

    code = "label_row_broken"
    en = "In {file}, the row that ends in line {line} has {found} columns instead of {wanted}."
    pt = "Em {file}, o registro que termina na linha {line} tem {found} colunas em vez de {wanted}."


class LabelOutputError(CxrError):
    """The labels cannot be written there."""

    code = "label_output"
    en = "{file} cannot be written ({detail}): name another file for the labels."
    pt = "{file} não pode ser gravado ({detail}): indique outro arquivo para os rótulos."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "reports",
        type=Path,
        metavar=said("REPORTS.csv", "LAUDOS.csv"),
        help=said("has a column `report`", "tem uma coluna `report`"),
    )
    parser.add_argument(
        "out",
        type=Path,
        metavar=said("OUT.csv", "SAIDA.csv"),
        help=said("all columns and the 14 labels", "todas as colunas e os 14 rótulos"),
    )
    parser.add_argument(
        "--labeler",
        choices=("rules", "chexbert"),
        default="rules",
        help=said(
            "who labels: rules, or CheXbert once it is fetched",
            "quem rotula: regras, ou o CheXbert depois de baixado",
        ),
    )
    parser.add_argument(
        "--chexbert",
        type=Path,
        metavar=said("FOLDER", "PASTA"),
        help=said("with chexbert.pth and its tokenizer", "com chexbert.pth e seu tokenizador"),
    )
    parser.add_argument(
        "--device",
        metavar=said("DEVICE", "DISPOSITIVO"),
        default="auto",
        help=said(
            "for CheXbert: auto, cpu, cuda, cuda:1 ...",
            "para o CheXbert: auto, cpu, cuda, cuda:1 ...",
        ),
    )
    add_language(parser)


def run(arguments: argparse.Namespace) -> int:
    """Label the file; 0, or an error with one sentence."""
    if arguments.reports.resolve() == arguments.out.resolve():
        raise LabelOutputError(file=arguments.out.name, detail="REPORTS.csv = OUT.csv")
    labeler = _labeler(arguments)
    with _source(arguments.reports) as source, _target(arguments.out) as target:
        _label_rows(arguments, source, target, labeler)
    return 0


def _labeler(arguments: argparse.Namespace) -> Labeler:
    if arguments.labeler == "rules":
        return lambda reports: [rules.label(report) for report in reports]
    from cxr_demo.labelers.chexbert import CheXbert  # with torch, which rules do without

    folder = arguments.chexbert or models_dir() / "chexbert"
    refuse_altered("CheXbert", folder)
    return CheXbert(folder, arguments.device).label


def _label_rows(
    arguments: argparse.Namespace, source: TextIO, target: TextIO, labeler: Labeler
) -> None:
    name = arguments.reports.name
    header, rows, delimiter = _rows(source, name)
    column = _column(header, name)
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*_renamed(header), *FINDINGS])
    progress = _Progress(source, arguments.reports.stat().st_size)
    while chunk := list(islice(rows, _CHUNK[arguments.labeler])):
        labelled = labeler([row[column] for row in chunk])
        for row, found in zip(chunk, labelled, strict=True):
            writer.writerow([*row, *(_NUMBERS.get(each.label, "") for each in found.labels)])
        progress.add(len(chunk))
    progress.end()


# ---------------------------------------------------------------- reading


@contextmanager
def _source(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise LabelInputError(file=path.name, detail="UTF-8") from error
    except csv.Error as error:
        raise LabelInputError(file=path.name, detail=str(error)) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise LabelInputError(file=path.name, detail=os.strerror(error.errno or 0)) from error


def _rows(source: TextIO, name: str) -> tuple[list[str], Iterator[list[str]], str]:
    csv.field_size_limit(_LONGEST_REPORT)
    first = source.readline()
    source.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    header = next(reader, [])
    return header, _checked(reader, len(header), name), delimiter


def _checked(reader: Any, wanted: int, name: str) -> Iterator[list[str]]:
    for row in reader:
        if not row:  # an empty line
            continue
        if len(row) != wanted:
            raise LabelRowBroken(file=name, line=reader.line_num, found=len(row), wanted=wanted)
        yield row


def _column(header: list[str], name: str) -> int:
    names = [each.strip().lower() for each in header]
    if COLUMN not in names:
        raise LabelColumnMissing(file=name)
    return names.index(COLUMN)


def _renamed(header: list[str]) -> list[str]:
    """The header with room for the labels: a column that is called like a finding gets `_input`."""
    return [f"{each}_input" if each.strip() in FINDINGS else each for each in header]


# ---------------------------------------------------------------- writing


@contextmanager
def _target(path: Path) -> Iterator[TextIO]:
    """A file beside `path` that takes its place once everything is in it."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        partial.replace(path)
    except OSError as error:
        raise LabelOutputError(file=path.name, detail=error.strerror or "") from error
    finally:
        partial.unlink(missing_ok=True)


class _Progress:
    """How many reports are done, at what rate, and which share of the file, on stderr."""

    def __init__(self, source: TextIO, size: int) -> None:
        self._source, self._size = source, max(size, 1)
        self._began = self._shown = time.monotonic()
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._shown >= _EVERY:
            self._show(self._source.buffer.tell() / self._size)

    def end(self) -> None:
        self._show(1.0)
        print(file=sys.stderr)

    def _show(self, share: float) -> None:
        self._shown = time.monotonic()
        rate = self._done / max(self._shown - self._began, 1e-9)
        print(f"\r{share:4.0%}  {self._done}  {rate:.0f}/s", end="", file=sys.stderr, flush=True)
