"""What can be saved from the screen: CSV and HTML of aggregates, and runs for another machine."""

from pathlib import Path
from tempfile import TemporaryDirectory

from cxr_demo import plots
from cxr_demo.paths import temporary_dir
from cxr_demo.plots import page
from cxr_demo.results import carry, export
from cxr_demo.results.book import Book
from cxr_demo.results.records import Board
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.ui.bench.results import Choice, find, policy_of


def board_of(book: Book, choice: Choice) -> Board:
    """The board that the page shows. Raises NoBoard."""
    name = find(book, choice.board)
    labeler = choice.labeler if choice.labeler in name.labelers else name.labelers[0]
    return book.board(name.id, labeler, policy_of(choice.policy))


def saved(
    book: Book, choice: Choice, kind: str, gpu: plots.Gpu | None, language: str
) -> tuple[str, bytes]:
    """(file name, content) of an export; `kind` is "csv" or "html". Raises NoBoard."""
    board = book.with_answers(board_of(book, choice))
    name = export.file_name(board, language, kind)
    if kind == "csv":
        return name, export.csv(board, book, language)
    return name, page.html([board], language, dark=choice.dark, gpu=gpu)


def carried(run: str, full: bool, language: str) -> tuple[str, bytes]:
    """(file name, content) of a finished run for another machine. The name says if it is of
    phantoms, and if texts are in it. Raises CxrError leaves."""
    with TemporaryDirectory(dir=temporary_dir()) as folder:
        file = Path(folder) / "run"
        carry.export_run(run, file, full=full)
        with StoreReader(store_path()) as reader:
            arm = reader.arm(run)
            group = None if arm is None else reader.group(arm.group)
        synthetic = group is not None and group.synthetic
        return export.run_file_name(run, synthetic, full, language), file.read_bytes()


def taken_in(file: Path, language: str) -> str:
    """The name of the run in `file`, now in this machine's store. Raises CxrError leaves."""
    return carry.import_run(file, language=language)
