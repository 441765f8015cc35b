"""Results as the page shows them: one evaluation, one labeler, one policy; a figure or tables."""

from dataclasses import dataclass
from typing import Any

from cxr_demo import plots
from cxr_demo.errors import CxrError
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.results import export, meaning, tables
from cxr_demo.results.book import Book
from cxr_demo.results.records import ArmResult, Board, BoardName
from cxr_demo.results.tables import Table
from cxr_demo.results.words import drawn, task
from cxr_demo.ui.bench.progress import arm_name, evaluation_name
from cxr_demo.ui.state import POLICY
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import thousands

View = dict[str, Any]

FIGURES = ("memory", "bars", "folds", "findings", "paired", "stand_ins")
"""Kinds of figures in the order of their tabs."""

PLACES = ("patients", "synthetic")
"""Phantom runs never stand where patients' figures do."""


class NoBoard(CxrError):
    """The evaluation that the page asks for is not in the store (any more)."""

    code = "bench_no_board"
    en = "These results are not in the store any more: reload the page."
    pt = "Estes resultados não estão mais guardados: recarregue a página."


@dataclass(frozen=True)
class Choice:
    """What the page wants to see. Empty strings stand for the first that there is."""

    place: str = ""
    board: str = ""
    labeler: str = ""
    policy: str = ""
    show: str = ""
    dark: bool = True


@dataclass(frozen=True)
class Machine:
    """What is on this machine: its GPU, real models that are installed, data sets whose folder was
    found, and CheXbert."""

    gpu: plots.Gpu | None
    models: int
    data: int
    chexbert: bool


def results_view(book: Book, choice: Choice, machine: Machine, language: str) -> View:
    """All of the results' side. Takes up to 2 s for 30,000 rows that were never looked at."""
    every = book.boards()
    name = next((each for each in every if each.id == choice.board), None)
    place = choice.place or _place(name or next(iter(every), None))
    boards = [each for each in every if _place(each) == place]
    if name is None or _place(name) != place:
        name = next(iter(boards), None)
    shared = {
        "places": [{"id": each, "words": text(f"bench.place.{each}", language)} for each in PLACES]
    }
    if name is None:
        return {**shared, **_nothing(choice, place, machine, language)}
    return {**shared, **_board(book, boards, name, choice, machine.gpu, language)}


def _place(name: BoardName | None) -> str:
    return "synthetic" if name is not None and name.synthetic else "patients"


def _board(
    book: Book,
    boards: list[BoardName],
    name: BoardName,
    choice: Choice,
    gpu: plots.Gpu | None,
    language: str,
) -> View:
    labeler = choice.labeler if choice.labeler in name.labelers else next(iter(name.labelers), "")
    policy = policy_of(choice.policy)
    board = book.board(name.id, labeler, policy)
    views = _views(board, language)
    offered = [each["id"] for each in views]
    show = choice.show if choice.show in offered else _first(board)
    chosen = {"board": name.id, "labeler": labeler, "policy": str(policy), "show": show}
    return {
        "chosen": {**chosen, "place": _place(name)},
        "boards": [{"id": each.id, "title": board_title(each, language)} for each in boards],
        "labelers": [
            {"id": each, "words": text(f"labeler.short.{each}", language)} for each in name.labelers
        ],
        "policies": [
            {"id": str(each), "words": text(f"policy.{each}", language)}
            for each in UncertaintyPolicy
        ],
        "views": views,
        "head": _head(board, show, language),
        "computing": text("bench.computing", language) if board.computing else None,
        "file": export.file_name(board, language, show),
        "carry": _carry(board, language),
        **_body(book, board, show, choice.dark, gpu, language),
    }


def board_title(name: BoardName, language: str) -> str:
    """One line of the list of evaluations; the manifest's hash tells equal ones apart."""
    images = text("bench.images_all", language, n=thousands(name.images, language))
    parts = [evaluation_name(name.recipe, language), images, drawn(name.composition, language)]
    return " · ".join([*parts, name.manifest[:8]])


def find(book: Book, id: str) -> BoardName:
    """The board with this id. Raises NoBoard."""
    for each in book.boards():
        if each.id == id:
            return each
    raise NoBoard


def policy_of(given: str) -> UncertaintyPolicy:
    """The policy by its name; the usual one for anything else."""
    return UncertaintyPolicy(given) if given in list(UncertaintyPolicy) else POLICY


def _views(board: Board, language: str) -> list[View]:
    """The table, and every figure that says something for this board."""
    kinds = [kind for kind in FIGURES if plots.asks(kind, board) or kind in ("memory", "bars")]
    names = ["table", *kinds, *(["policies"] if board.arms else [])]
    return [{"id": each, "words": text(f"bench.view.{each}", language)} for each in names]


def _first(board: Board) -> str:
    """What is seen at first: F1 against memory, which is why people come; without it, F1."""
    return next((kind for kind in ("memory", "bars") if plots.asks(kind, board)), "table")


def _head(board: Board, show: str, language: str) -> View:
    """What a table must not be shown without; figures say it themselves."""
    name = board.name
    marks = []
    behind = [each.arm for each in board.arms if not each.arm.complete]
    if behind:
        done = min(each.done for each in behind)
        words = text(
            "bench.so_far",
            language,
            behind=len(behind),
            arms=len(board.arms),
            done=thousands(done, language),
            total=thousands(behind[0].total, language),
        )
        marks.append({"kind": "partial", "words": words})
    if show not in ("table", "policies"):
        return {"marks": marks, "words": ""}
    words = text(
        "bench.head",
        language,
        composition=drawn(name.composition, language),
        manifest=name.manifest[:12],
        arms=text(
            "bench.arms_one" if len(board.arms) == 1 else "bench.arms_ways",
            language,
            arms=len(board.arms),
        ),
    )
    return {"marks": marks, "words": words}


def _body(
    book: Book, board: Board, show: str, dark: bool, gpu: plots.Gpu | None, language: str
) -> View:
    saying = _saying(board, language)
    if show not in ("table", "policies"):
        figure = plots.figure(show, board, language, dark=dark, gpu=gpu)
        return {
            "figure": figure,
            "tables": _beside(board, show, language),
            "empty": None,
            "saying": saying,
        }
    found = _policies(book, board, language) if show == "policies" else _tables(board, language)
    shown = [table_view(each, language) for each in found]
    return {"figure": None, "tables": shown, "empty": None, "saying": saying}


def _tables(board: Board, language: str) -> list[Table]:
    found = [tables.arms(board, language)] if board.arms else []
    found += [tables.pairs(board, language)] if board.pairs else []
    return found + ([tables.stand_ins(board, language)] if board.stand_ins else [])


def _policies(book: Book, board: Board, language: str) -> list[Table]:
    """Every labeler under both main policies, side by side."""
    name = board.name
    boards = [book.board(name.id, by, policy) for by in name.labelers for policy in tables.MAIN]
    return [tables.policies(boards, language)]


def _beside(board: Board, show: str, language: str) -> list[View]:
    """The table that belongs to a figure, where it says more than the figure."""
    if show != "paired":
        return []
    found = [tables.pairs(board, language)]
    found += [tables.mcnemar(board, each, language) for each in board.pairs]
    return [table_view(each, language) for each in found]


def table_view(table: Table, language: str) -> View:
    """A table as JSON."""
    return {
        "title": table.title,
        "mark": table.mark,
        "columns": list(table.columns),
        "rows": [list(each) for each in table.rows],
        "runs": list(table.runs),
        "notes": list(table.notes),
        "hint": text("bench.open_run", language),
    }


def best(board: Board) -> ArmResult | None:
    """The finished arm with the highest F1; without one, the arm that is farthest: a few images
    score by chance."""
    scored = [each for each in board.arms if each.figures is not None]
    return max(scored, key=_standing, default=None)


def _standing(result: ArmResult) -> tuple[bool, int, float]:
    images = 0 if result.complete or result.figures is None else result.figures.images
    return result.complete, images, micro_f1(result) or 0.0


def micro_f1(result: ArmResult) -> float | None:
    """The main figure: micro F1 over all 14."""
    return None if result.figures is None else result.figures.micro[FindingSetName.ALL_14]


def _saying(board: Board, language: str) -> str | None:
    """What an F1 means, said of the best arm."""
    result = best(board)
    said = None if result is None else meaning.sentence(result, language)
    return f"{full_name(result, language)}: {said}" if result and said else None


def full_name(result: ArmResult, language: str) -> str:
    """ "MedGemma 4B · 4 bits · report"."""
    arm = result.arm
    return f"{arm_name(arm.model, arm.precision, language)} · {task(arm, language)}"


def _carry(board: Board | None, language: str) -> View:
    """Finished runs of the board that is shown can be taken away; any can be taken in."""
    runs = [
        {"run": each.arm.run, "name": full_name(each, language)}
        for each in ((*board.arms, *board.stand_ins) if board else ())
        if each.arm.complete
    ]
    words = {
        key: text(f"bench.carry.{key}", language) for key in ("title", "words", "full", "file")
    }
    return {"runs": runs, **words}


def _nothing(choice: Choice, place: str, machine: Machine, language: str) -> View:
    """No results of this kind: what is there on this machine, what is missing, and the way on."""
    there = {"models": machine.models > 0, "data": machine.data > 0, "chexbert": machine.chexbert}
    lines = [_line(name, found, machine, language) for name, found in there.items()]
    if place == "synthetic":
        lines = []
    empty = {
        "title": text(f"bench.empty.{place}", language),
        "text": text(f"bench.empty.{place}.text", language),
        "lines": lines,
        "way": text("bench.empty.way", language),
    }
    policy = str(policy_of(choice.policy))
    chosen = {"place": place, "board": "", "labeler": "", "policy": policy, "show": ""}
    lists: View = {each: [] for each in ("boards", "labelers", "policies", "views", "tables")}
    nothing = dict.fromkeys(("head", "computing", "file", "figure", "saying"))
    carry = _carry(None, language)
    return {"chosen": chosen, **lists, **nothing, "carry": carry, "empty": empty}


def _line(name: str, found: bool, machine: Machine, language: str) -> View:
    count = machine.models if name == "models" else machine.data
    words = text(f"bench.{'there' if found else 'missing'}.{name}", language, count=count)
    return {"found": found, "words": words}
