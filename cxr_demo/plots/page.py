"""Boards as one HTML file that opens anywhere without a network: figures, tables, what to know.

Aggregates only. plotly.js lies inside, and a policy in the head forbids every request.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from cxr_demo import plots
from cxr_demo.plots.levels import Gpu
from cxr_demo.plots.look import FONT, Look, Spec, look
from cxr_demo.results import export, meaning, tables, words
from cxr_demo.results.records import Board, Pair, said
from cxr_demo.results.tables import Table
from cxr_demo.units import format_date

_TITLE: Pair = ("Evaluation of chest X-ray models", "Avaliação de modelos de radiografia de tórax")
_WRITTEN: Pair = ("Written on {day} by CXR Demo.", "Escrito em {day} pelo CXR Demo.")
_PNG: Pair = ("Save as PNG", "Salvar como PNG")
_MEANING: Pair = ("What an F1 means", "O que um F1 significa")
_COMPUTING: Pair = (
    "Some intervals were still being computed when this page was written.",
    "Alguns intervalos ainda estavam sendo calculados quando esta página foi escrita.",
)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)


def html(
    boards: Sequence[Board],
    language: str,
    dark: bool = False,
    gpu: Gpu | None = None,
) -> bytes:
    """One file with all `boards`, each with its own figures and tables. Raises ValueError for
    none."""
    if not boards:
        raise ValueError("a page needs a board")
    chosen = look(dark)
    figures: list[tuple[Spec, str]] = []
    sections = [_section(each, language, dark, gpu, figures) for each in boards]
    mark = " · ".join(
        dict.fromkeys(said(each.mark, language) for each in boards if each.mark is not None)
    )
    title = " · ".join(filter(None, (mark, said(_TITLE, language))))
    day = datetime.now(UTC).date().isoformat()
    parts = (
        "<!doctype html>",
        f'<html lang="{"pt-BR" if language == "pt" else "en"}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{_style(chosen)}</style></head><body>",
        f"<header><h1>{_marked(mark, said(_TITLE, language))}</h1>",
        f'<p class="badge">{_text(said(words.DISCLAIMER, language))}</p>',
        f"<p>{_text(said(_WRITTEN, language).format(day=format_date(day, language)))}</p></header>",
        *sections,
        f"<script>{_javascript()}</script>",
        f'<script type="application/json" id="figures">{_json(figures)}</script>',
        f"<script>{_DRAW}</script></body></html>",
    )
    return "\n".join(parts).encode()


def _section(
    board: Board,
    language: str,
    dark: bool,
    gpu: Gpu | None,
    figures: list[tuple[Spec, str]],
) -> str:
    mark = "" if board.mark is None else said(board.mark, language)
    found = [
        "<section>",
        f"<h2>{_marked(mark, words.recipe(board, language))}</h2>",
        f"<p>{_text(export.title(board, language))}</p>",
    ]
    if board.computing:
        found.append(f'<p class="badge">{_text(said(_COMPUTING, language))}</p>')
    found += [_table(tables.arms(board, language)), _meanings(board, language)]
    for kind in plots.KINDS:
        for run in plots.runs(kind, board):
            ending = f"_{kind}_{run[:12]}.png" if run else f"_{kind}.png"
            name = export.file_name(board, language, "png").replace(".png", ending)
            at = len(figures)
            figures.append((plots.figure(kind, board, language, dark, gpu, run), name))
            found.append(
                f'<figure><div class="plot" id="plot{at}" style="height:{_high(figures[at][0])}px">'
                "</div>"
                f'<button type="button" data-plot="{at}">{_text(said(_PNG, language))}</button>'
                "</figure>"
            )
    if board.pairs:
        found.append(_table(tables.pairs(board, language)))
        found += [_folded(tables.mcnemar(board, each, language)) for each in board.pairs]
    found += [
        _folded(tables.findings(board, each, language))
        for each in board.arms
        if each.figures is not None
    ]
    asked = (tables.answers(board, each, language) for each in board.arms)
    found += [_folded(each) for each in asked if each is not None]
    if board.stand_ins:
        found.append(_table(tables.stand_ins(board, language)))
    return "\n".join([*found, "</section>"])


def _high(figure: Spec) -> int:
    return max(720, int(figure["layout"]["meta"]["least"]))


def _meanings(board: Board, language: str) -> str:
    lines = [
        f"<li><b>{_text(tables.arm_name(each, language))}:</b> {_text(sentence)}</li>"
        for each in board.arms
        if (sentence := meaning.sentence(each, language)) is not None
    ]
    if not lines:
        return ""
    return f"<h3>{_text(said(_MEANING, language))}</h3><ul>{''.join(lines)}</ul>"


def _table(table: Table) -> str:
    return f"<h3>{_marked(table.mark, table.title)}</h3>{_cells(table)}"


def _folded(table: Table) -> str:
    """A table that opens with a click."""
    heading = _marked(table.mark, table.title)
    return f"<details><summary>{heading}</summary>{_cells(table)}</details>"


def _cells(table: Table) -> str:
    head = "".join(f"<th>{_text(each)}</th>" for each in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(each)}</td>" for each in row) + "</tr>" for row in table.rows
    )
    below = "".join(f"<li>{_text(each)}</li>" for each in table.notes)
    cells = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{cells}</div>' + (f'<ul class="notes">{below}</ul>' if below else "")


def _marked(mark: str, title: str) -> str:
    return f'<span class="mark">{_text(mark)}</span> · {_text(title)}' if mark else _text(title)


def _text(text: str) -> str:
    return escape(text)


def _json(figures: list[tuple[Spec, str]]) -> str:
    """JSON that cannot end the script that holds it."""
    record = [{**figure, "name": name} for figure, name in figures]
    return json.dumps(record, ensure_ascii=False).replace("<", "\\u003c")


def _javascript() -> str:
    """plotly.js, which must not end the script that holds it either."""
    return plots.javascript().read_text(encoding="utf-8").replace("</script", "<\\/script")


def _style(chosen: Look) -> str:
    return f"""
:root {{ color-scheme: {"dark" if chosen.ground != "#ffffff" else "light"}; }}
body {{ margin: 0 auto; max-width: 1800px; padding: 16px 20px; font: 16px/1.45 {FONT};
  background: {chosen.ground}; color: {chosen.text}; }}
h1 {{ font-size: 28px; margin: 8px 0; }} h2 {{ font-size: 24px; margin-top: 40px; }}
h3 {{ font-size: 18px; margin: 24px 0 8px; }}
.mark, .badge {{ color: {chosen.amber}; }} .badge {{ font-weight: 700; }}
figure {{ margin: 24px 0; }}
button {{ font: inherit; padding: 4px 12px; color: inherit; background: transparent;
  border: 1px solid {chosen.line}; border-radius: 4px; cursor: pointer; }}
.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; font-size: 13px; }}
th, td {{ text-align: left; padding: 5px 6px; border-bottom: 1px solid {chosen.line};
  white-space: nowrap; }}
th {{ color: {chosen.dim}; font-size: 12px; white-space: normal; vertical-align: bottom; }}
td:last-child {{ white-space: normal; }}
.notes {{ color: {chosen.dim}; font-size: 14px; }} summary {{ cursor: pointer; padding: 6px 0; }}
@media print {{ button {{ display: none; }} figure {{ break-inside: avoid; }} }}
"""


_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
figures.forEach((each, at) => Plotly.newPlot(`plot${at}`, each.data, each.layout, each.config));
document.querySelectorAll("[data-plot]").forEach((button) => {
  button.addEventListener("click", async () => {
    const at = button.dataset.plot;
    const height = Math.max(720, figures[at].layout.meta.least);
    const size = { format: "png", width: 1280, height, scale: 2 };
    const link = document.createElement("a");
    link.href = await Plotly.toImage(`plot${at}`, size);
    link.download = figures[at].name;
    link.click();
  });
});
document.documentElement.dataset.drawn = figures.length;
"""
