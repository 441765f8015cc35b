"""Figures as plain data for plotly.js: a board of `cxr_demo.results` goes in, JSON comes out.

    figure(kind, board, language, dark) -> {"data", "layout", "config"}

No server, no browser and no pixel here: the page draws with the plotly.js of the pinned package
(`javascript()`), which asks nobody for anything.
"""

from importlib.util import find_spec
from pathlib import Path

from cxr_demo.plots import bars, findings, folds, memory, paired, reliability, stand_ins
from cxr_demo.plots.blank import blank
from cxr_demo.plots.levels import Gpu
from cxr_demo.plots.look import Spec
from cxr_demo.results.records import Board, Pair, said

__all__ = ["KINDS", "PNG", "Gpu", "asks", "empty", "figure", "javascript", "runs", "title"]

KINDS = ("bars", "folds", "memory", "findings", "paired", "stand_ins", "reliability")
"""Figure 3, 4 and 5 of the study, F1 per finding, 4 bits against bf16, memory of random weights,
and, of one arm, its answers to yes/no questions."""

PNG = {"format": "png", "width": 1280, "height": 720, "scale": 2}
"""What `Plotly.toImage` is given: letters as large as on the screen, at 2560 x 1440 pixels. A
figure that needs more height says so in `layout.meta.least`."""

_TITLES: dict[str, Pair] = {
    "bars": bars.TITLE,
    "folds": ("F1 over folds, with deviation", "F1 por partes, com desvio"),
    "memory": memory.TITLE,
    "findings": findings.TITLE,
    "paired": paired.TITLE,
    "stand_ins": stand_ins.TITLE,
    "reliability": reliability.TITLE,
}

_NO_ARM: Pair = (
    "No image of this evaluation has been labelled yet.<br>Figures come as its images are read.",
    "Nenhuma imagem desta avaliação foi rotulada ainda.<br>As figuras vêm com a leitura.",
)
_MISSING: dict[str, Pair] = {
    "bars": _NO_ARM,
    "findings": _NO_ARM,
    "folds": (
        "This evaluation has no folds, or images of one fold only so far.",
        "Esta avaliação não tem partes, ou só imagens de uma parte até agora.",
    ),
    "memory": (
        "No result with an F1 has a measured VRAM: it is measured on an NVIDIA GPU.",
        "Nenhum resultado com F1 tem VRAM medida: ela é medida em uma GPU NVIDIA.",
    ),
    "paired": (
        "There is no model in bf16 and in 4 bits over the same images yet.",
        "Ainda não há modelo em bf16 e em 4 bits sobre as mesmas imagens.",
    ),
    "stand_ins": (
        "No run with random weights has a measured VRAM here.",
        "Nenhuma execução com pesos aleatórios tem VRAM medida aqui.",
    ),
    "reliability": (
        "No run of this evaluation was asked yes/no questions.",
        "Nenhuma execução desta avaliação recebeu perguntas de sim ou não.",
    ),
}


def figure(
    kind: str,
    board: Board,
    language: str,
    dark: bool = True,
    gpu: Gpu | None = None,
    run: str | None = None,
) -> Spec:
    """One figure of `board`; where it has nothing to show, one that says what is missing. `gpu`:
    this machine's, for figure 5. `run`: one arm only, for F1 per finding and for kinds that `runs`
    has an arm of. Raises KeyError for an unknown kind."""
    if not asks(kind, board):
        mark = said(board.mark, language) if board.mark else ""
        return blank(title(kind, language), said(_MISSING[kind], language), language, dark, mark)
    if kind == "memory":
        return memory.memory(board, language, dark, gpu)
    if kind == "findings":
        return findings.findings(board, language, dark, run)
    if kind == "reliability":
        return reliability.reliability(board, language, dark, run)
    draw = {
        "bars": bars.bars,
        "folds": folds.folds,
        "paired": paired.paired,
        "stand_ins": stand_ins.stand_ins,
    }[kind]
    return draw(board, language, dark)


def title(kind: str, language: str) -> str:
    """The name of a kind of figure, for a menu."""
    return said(_TITLES[kind], language)


def asks(kind: str, board: Board) -> bool:
    """Whether `kind` has something to show for `board`."""
    return {
        "bars": lambda: any(each.figures is not None for each in board.arms),
        "findings": lambda: any(each.figures is not None for each in board.arms),
        "folds": lambda: bool(folds.folded(board)),
        "memory": lambda: bool(memory.points(board)),
        "paired": lambda: bool(board.pairs),
        "stand_ins": lambda: bool(stand_ins.measured(board)),
        "reliability": lambda: bool(reliability.arms(board)),
    }[kind]()


def runs(kind: str, board: Board) -> list[str] | list[None]:
    """The `run` of each figure of this kind: none, one figure for all arms, or one for each arm."""
    if not asks(kind, board):
        return []
    return [e.arm.run for e in reliability.arms(board)] if kind == "reliability" else [None]


def empty(kind: str, missing: str, language: str, dark: bool = True) -> Spec:
    """The figure of a machine that has no evaluation of this kind: `missing` says what is not
    there."""
    return blank(title(kind, language), missing, language, dark)


def javascript() -> Path:
    """plotly.js of the pinned package, one file. Finds it without importing the package."""
    found = find_spec("plotly")
    assert found is not None and found.origin is not None  # it is in requirements.txt
    return Path(found.origin).parent / "package_data" / "plotly.min.js"
