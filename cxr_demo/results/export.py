"""Aggregates as a CSV file: one figure a row, in full precision. No key, no text, no patient.

English files have commas and decimal points, Portuguese ones semicolons and decimal commas: what a
spreadsheet of either language opens with a double click.
"""

import io
import re
from collections.abc import Iterator
from csv import writer as table_writer

import numpy as np

from cxr_demo.findings import FINDINGS
from cxr_demo.metrics import counts
from cxr_demo.metrics.bootstrap import Estimate
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.metrics.probabilities import BINS
from cxr_demo.results import words
from cxr_demo.results.book import Book
from cxr_demo.results.records import MARK, ArmResult, Board, Pair, PairResult, said
from cxr_demo.results.tables.common import ALL, mark, micro_interval
from cxr_demo.results.tables.one import slice_name, slice_value

COLUMNS: tuple[Pair, ...] = (
    ("mark", "marca"),
    ("evaluation", "avaliação"),
    ("composition", "composição"),
    ("image list sha256", "sha256 da lista de imagens"),
    ("labels by", "rótulos de"),
    ("uncertain labels", "rótulos incertos"),
    ("model", "modelo"),
    ("precision", "precisão"),
    ("pipeline", "tarefa"),
    ("images", "imagens"),
    ("images in all", "imagens ao todo"),
    ("device", "dispositivo"),
    ("figure", "medida"),
    ("finding", "achado"),
    ("value", "valor"),
    ("low, 95 %", "inferior, 95 %"),
    ("high, 95 %", "superior, 95 %"),
    ("unit", "unidade"),
    ("remarks", "observações"),
)

_FULL: Pair = ("full", "completo")
_STUDY: Pair = ("published by the study", "publicado pelo estudo")
_SETS: dict[FindingSetName, Pair] = {
    FindingSetName.ALL_14: ("micro F1 ({by}), 14 findings", "F1 micro ({by}), 14 achados"),
    FindingSetName.WITHOUT_NO_FINDING: (
        "micro F1 ({by}), without No Finding",
        "F1 micro ({by}), sem “Nenhum destes achados”",
    ),
    FindingSetName.FIVE: ("micro F1 ({by}), 5 findings", "F1 micro ({by}), 5 achados"),
}
_MACRO: Pair = ("macro F1 ({by}), 14 findings", "F1 macro ({by}), 14 achados")
_MACRO_SUPPORTED: Pair = (
    "macro F1 ({by}), findings with support",
    "F1 macro ({by}), achados com suporte",
)
_PARSED: Pair = ("micro F1 ({by}), parsed outputs", "F1 micro ({by}), saídas interpretadas")
_MEAN: Pair = ("mean of micro F1 ({by}) over folds", "média de F1 micro ({by}) entre partes")
_SPREAD: Pair = (
    "standard deviation of micro F1 ({by}) over folds",
    "desvio padrão de F1 micro ({by}) entre partes",
)
_UNPARSED: Pair = ("share of unparsed outputs", "fração de saídas não interpretadas")
_FAILED: Pair = ("failed images", "imagens com falha")
_FINDING: dict[str, Pair] = {
    "per_finding": ("F1 ({by})", "F1 ({by})"),
    "sensitivity": ("sensitivity ({by})", "sensibilidade ({by})"),
    "specificity": ("specificity ({by})", "especificidade ({by})"),
    "predictive_value": ("positive predictive value ({by})", "valor preditivo positivo ({by})"),
}
_SUPPORT: Pair = ("support", "suporte")
_COST: dict[str, tuple[Pair, str]] = {
    "vram": (("VRAM, device peak less baseline", "VRAM, pico do dispositivo menos base"), "byte"),
    "vram_peak": (("VRAM, device peak", "VRAM, pico do dispositivo"), "byte"),
    "vram_baseline": (("VRAM, device baseline", "VRAM, linha de base"), "byte"),
    "vram_batch_peak": (("VRAM, device peak of the batch", "VRAM, pico do lote"), "byte"),
    "seconds": (("time per image at batch 1, mean", "tempo por imagem, lote 1, média"), "s"),
    "seconds_sd": (
        ("time per image, standard deviation", "tempo por imagem, desvio padrão"),
        "s",
    ),
    "tokens": (("tokens per image, mean", "tokens por imagem, média"), ""),
    "seconds_per_token": (("time per token, mean", "tempo por token, média"), "s"),
    "images_per_second": (("throughput in batches", "vazão em lotes"), "1/s"),
}
_REREAD: dict[str, Pair] = {
    "images": ("images read again after a resume", "imagens relidas após uma retomada"),
    "labels": (
        "of these, other labels ({by})",
        "delas, com outros rótulos ({by})",
    ),
    "texts": ("of these, other texts", "delas, com outros textos"),
}
_EVERYTHING: Pair = (
    "micro F1 ({by}), reader that calls every finding",
    "F1 micro ({by}), leitor que cita todos os achados",
)
_NOTHING: Pair = (
    "micro F1 ({by}), reader that always says No Finding",
    "F1 micro ({by}), leitor que sempre diz “Nenhum destes achados”",
)
_DIFFERENCE: Pair = (
    "micro F1 ({by}), less bf16, paired",
    "F1 micro ({by}), menos bf16, pareado",
)
_MARGIN: Pair = ("margin of non-inferiority", "margem de não inferioridade")
_IDENTICAL: Pair = ("share of outputs equal to bf16's", "fração de saídas iguais às de bf16")
_POWER: Pair = ("power for a difference of the margin", "poder para a diferença da margem")
_HOLM: Pair = ("exact McNemar against bf16, p by Holm", "McNemar exato contra bf16, p de Holm")

_ANSWERS: dict[str, Pair] = {
    "counted": ("images asked yes or no", "imagens com pergunta de sim ou não"),
    "present": ("images asked that have it", "imagens com pergunta que o têm"),
    "auroc": ("AUROC of yes/no answers", "AUROC das respostas de sim ou não"),
    "brier": (
        "Brier score of yes/no answers, raw, uncalibrated",
        "Brier das respostas de sim ou não, brutas, não calibradas",
    ),
    "brier_calibrated": (
        "Brier score of yes/no answers, calibrated",
        "Brier das respostas de sim ou não, calibradas",
    ),
}
_CURVES: dict[str, Pair] = {
    "raw": ("raw, uncalibrated", "brutas, não calibradas"),
    "calibrated": ("calibrated", "calibradas"),
}
_BIN: dict[str, Pair] = {
    "said": (
        "mean answer, {which}, bin {at} of {bins}",
        "resposta média, {which}, faixa {at} de {bins}",
    ),
    "true": (
        "share present, {which}, bin {at} of {bins}",
        "fração presente, {which}, faixa {at} de {bins}",
    ),
    "images": ("answers, {which}, bin {at} of {bins}", "respostas, {which}, faixa {at} de {bins}"),
}

Cells = tuple[str, ...]


def csv(board: Board, book: Book, language: str) -> bytes:
    """The board's aggregates, those of its slices included, as a CSV file (UTF-8 with a mark for
    spreadsheets). Its first line is a title, its second one the header."""
    text = io.StringIO(newline="")
    writer = table_writer(text, delimiter=";" if language == "pt" else ",", lineterminator="\r\n")
    writer.writerow([title(board, language)])
    writer.writerow([said(each, language) for each in COLUMNS])
    writer.writerows(map(_harmless, _rows(board, language)))
    for result in board.arms:
        writer.writerows(map(_harmless, _slices(board, book, result, language)))
    return text.getvalue().encode("utf-8-sig")


def title(board: Board, language: str) -> str:
    """One line that says what all figures of a board rest on."""
    parts = (
        mark(board, language),
        words.recipe(board, language),
        words.composition(board, language),
        words.f1(board, language),
        said(words.POLICIES[board.policy], language),
        f"{said(words.DISCLAIMER, language)} · CXR Demo",
    )
    return " · ".join(filter(None, parts))


def file_name(board: Board, language: str, suffix: str) -> str:
    """As in "cxr-demo_preliminary_chexbert_SYNTHETIC-NOT-PATIENTS.csv"."""
    parts = ["cxr-demo", board.name.recipe, board.name.manifest[:8], board.labeler]
    if board.mark is not None:
        parts.append(_in_a_name(board.mark, language))
    return re.sub(r"[^\w.-]+", "-", "_".join(parts)) + f".{suffix}"


def run_file_name(run: str, synthetic: bool, full: bool, language: str) -> str:
    """As in "cxr-demo-run-0123456789ab_SYNTHETIC-NOT-PATIENTS_full.zip"."""
    parts = [f"cxr-demo-run-{run[:12]}"]
    if synthetic:
        parts.append(_in_a_name(MARK, language))
    if full:
        parts.append(said(_FULL, language))
    return "_".join(parts) + ".zip"


def _in_a_name(words: Pair, language: str) -> str:
    return said(words, language).replace(", ", "-").replace(" ", "-")


def _rows(board: Board, language: str) -> Iterator[Cells]:
    for result in board.arms:
        yield from _arm(board, result, language)
    for pair in board.pairs:
        yield from _pair(board, pair, language)
    for result in board.stand_ins:
        yield from _costs(board, result, language)
    yield from _readers(board, language)


def _arm(board: Board, result: ArmResult, language: str) -> Iterator[Cells]:
    figures, intervals = result.figures, result.intervals
    row = _Rows(board, result, language)
    if figures is not None:
        for name, words_of in _SETS.items():
            estimate = None if intervals is None else intervals.micro[name]
            yield row(words_of, figures.micro[name], estimate)
        macro = None if intervals is None else intervals.macro
        yield row(_MACRO, figures.macro, macro)
        supported = None if intervals is None else intervals.macro_supported
        yield row(_MACRO_SUPPORTED, figures.macro_supported, supported)
        yield row(_PARSED, figures.micro_parsed)
        if figures.folds is not None:
            yield row(_MEAN, float(figures.folds.mean))
            yield row(_SPREAD, float(figures.folds.deviation))
        yield row(_UNPARSED, figures.unparsed_share)
        yield from _findings(row, result)
    yield from _answers(board, result, language)
    yield row(_FAILED, result.arm.failed)
    yield from _costs(board, result, language)


def _findings(row: "_Rows", result: ArmResult) -> Iterator[Cells]:
    assert result.counts is not None
    for at, finding in enumerate(FINDINGS):
        cells = result.counts[at]
        name = finding.name_in(row.language)
        support = int(cells[counts.TP] + cells[counts.FN])
        yield row(_SUPPORT, support, finding=name)
        for key, words_of in _FINDING.items():
            value = float(getattr(counts, key)(cells))
            if key == "per_finding" and support == 0:
                value = float("nan")  # nobody has it: not defined
            whole = None if result.intervals is None else getattr(result.intervals, key)
            yield row(words_of, value, None if whole is None else _at(whole, at), finding=name)


def _answers(board: Board, result: ArmResult, language: str) -> Iterator[Cells]:
    """Answers to yes/no questions: scores per finding, and the bins of all findings together."""
    answers = result.answered
    if answers is None:
        return
    row = _Rows(board, result, language, answers.images, answers.remark)
    for key, words_of in _ANSWERS.items():
        values = getattr(answers, key)
        for at, finding in enumerate(FINDINGS if values is not None else ()):
            estimate = _at(values, at) if key == "auroc" else None
            value = float((values.value if key == "auroc" else values)[at])
            yield row(words_of, value, estimate, finding=finding.name_in(language))
    for key, which in _CURVES.items():
        curve = getattr(answers, key)
        for at, place in enumerate(() if curve is None else curve.place):
            for name, words_of in _BIN.items():
                filled = [
                    text.format(which=said(which, language), at=place + 1, bins=BINS)
                    for text in words_of
                ]
                yield row((filled[0], filled[1]), float(getattr(curve, name)[at]))


def _slices(board: Board, book: Book, result: ArmResult, language: str) -> Iterator[Cells]:
    found = book.slices(board.name.id, result.arm.run, board.labeler, board.policy)
    for column, by_value in found.items():
        for value, part in by_value.items():
            assert part.figures is not None
            row = _Rows(board, part, language)
            name = f"{slice_name(column, language)}: {slice_value(value, language)}"
            words_of = (f"{_SETS[ALL][0]}, {name}", f"{_SETS[ALL][1]}, {name}")
            yield row(words_of, part.figures.micro[ALL], micro_interval(part))


def _costs(board: Board, result: ArmResult, language: str) -> Iterator[Cells]:
    row = _Rows(board, result, language)
    for key, (words_of, unit) in _COST.items():
        value = getattr(result.arm.cost, key)
        if value is not None:
            yield row(words_of, value, unit=unit)
    again = result.arm.reread
    if again is not None and result.labeler in again.labels:
        images, differ = again.labels[result.labeler]
        for key, number in (("images", images), ("labels", differ), ("texts", again.texts)):
            yield row(_REREAD[key], number)


def _pair(board: Board, pair: PairResult, language: str) -> Iterator[Cells]:
    row = _Rows(board, pair.candidate, language, pair.images)
    estimate = None if pair.difference is None else pair.difference.estimate
    yield row(_DIFFERENCE, pair.value, estimate)
    yield row(_MARGIN, pair.margin)
    yield row(_IDENTICAL, pair.identical)
    yield row(_POWER, pair.power)
    for at, finding in enumerate(FINDINGS):
        yield row(_HOLM, float(pair.mcnemar.p_holm[at]), finding=finding.name_in(language))


def _readers(board: Board, language: str) -> Iterator[Cells]:
    by = words.labeler(board.labeler, language)
    head = _head(board, by, language)
    empty = ("",) * 6
    if board.trivial is not None:
        for words_of, value in (
            (_EVERYTHING, board.trivial.everything_present),
            (_NOTHING, board.trivial.no_finding_always),
        ):
            figure = said(words_of, language).format(by=by)
            yield (*head, *empty, figure, "", _plain(value, language), "", "", "", "")
    for each in board.references:
        remark = "; ".join(said(w, language) for w in (each.words, each.remark) if w is not None)
        name = f"F1 ({by}), {said(_STUDY, language)}"
        yield (*head, *empty, name, "", _plain(each.f1, language), "", "", "", remark)


class _Rows:
    """Rows of one arm: called with a figure, gives its cells."""

    def __init__(
        self,
        board: Board,
        result: ArmResult,
        language: str,
        images: int | None = None,
        remark: Pair | None = None,
    ) -> None:
        arm, self.language = result.arm, language
        self._by = words.labeler(result.labeler, language)
        stated = result.figures.images if result.figures is not None else arm.done
        self._start = (
            *_head(board, self._by, language),
            words.model(arm, language),
            words.precision(arm, language),
            words.task(arm, language),
            str(stated if images is None else images),
            str(arm.total),
            arm.cost.gpu or "",
        )
        more = [said(remark, language)] if remark is not None else []
        self._remarks = "; ".join([*words.marks(arm, language), *more])

    def __call__(
        self,
        figure: Pair,
        value: float | None,
        estimate: Estimate | None = None,
        finding: str = "",
        unit: str = "",
    ) -> Cells:
        bounds = (None, None) if estimate is None else (float(estimate.low), float(estimate.high))
        return (
            *self._start,
            said(figure, self.language).format(by=self._by),
            finding,
            *(_plain(each, self.language) for each in (value, *bounds)),
            unit,
            self._remarks,
        )


def _head(board: Board, by: str, language: str) -> Cells:
    return (
        mark(board, language),
        words.recipe(board, language),
        words.drawn(board.name.composition, language),
        board.name.manifest,
        by,
        said(words.POLICIES[board.policy], language),
    )


def _at(estimate: Estimate, at: int) -> Estimate:
    return Estimate(
        *(np.asarray(getattr(estimate, k)[at]) for k in ("value", "low", "high", "error"))
    )


def _plain(value: float | None, language: str) -> str:
    """Full precision; empty for what is not known or not defined."""
    if value is None or value != value:
        return ""
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    return text.replace(".", ",") if language == "pt" else text


def _harmless(cells: Cells) -> list[str]:
    """A cell that a spreadsheet would take for a formula gets a quote before it; numbers stay."""
    return [f"'{each}" if each[:1] in "=+@\t\r" and each else each for each in cells]
