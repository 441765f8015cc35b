"""`python -m cxr_demo read FILE...`: radiographs to reports, by the very path of the screen."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cxr_demo import models, studies
from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_options import add_model, add_pipeline, add_precision
from cxr_demo.cli_words import said
from cxr_demo.errors import CxrError
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.models.cards import named_prompt
from cxr_demo.reading_notices import sentence as notice_sentence
from cxr_demo.records import (
    DoneEvent,
    FailedEvent,
    FindingSet,
    Notice,
    PipelineKind,
    Precision,
    Probabilities,
    Radiograph,
    Reading,
    StopReason,
    TokenEvent,
)
from cxr_demo.studies.pool import DecodePool
from cxr_demo.units import format_bytes, format_rate, format_seconds
from cxr_demo.worker.client import ReadingStream, WorkerClient

_WORDS = {
    "en": {
        "disclaimer": "Research use only; not a medical device.",
        "incomplete": "INCOMPLETE REPORT",
        StopReason.LENGTH: "cut at the limit of tokens",
        StopReason.STOPPED: "stopped",
        "none": "none of the 14 is mentioned",
        "first": "first token",
        "total": "total",
        "memory": "memory",
        "unconfirmed": "port not confirmed with real weights (`confirm` does that)",
        "stand_in": "RANDOM WEIGHTS: the text means nothing",
        "rules": "Findings (rule-based)",
        "chexbert": "Findings (CheXbert)",
        "direct": "Findings (the model's direct answer)",
        Label.POSITIVE: "present",
        Label.NEGATIVE: "absent",
        Label.UNCERTAIN: "uncertain",
        Label.NOT_MENTIONED: "not mentioned",
    },
    "pt": {
        "disclaimer": "Somente para pesquisa; não é um dispositivo médico. O laudo está em inglês.",
        "incomplete": "LAUDO INCOMPLETO",
        StopReason.LENGTH: "cortado no limite de tokens",
        StopReason.STOPPED: "interrompido",
        "none": "nenhum dos 14 é mencionado",
        "first": "primeiro token",
        "total": "total",
        "memory": "memória",
        "unconfirmed": "adaptação não confirmada com pesos reais (`confirm` faz isso)",
        "stand_in": "PESOS ALEATÓRIOS: o texto não significa nada",
        "rules": "Achados (por regras)",
        "chexbert": "Achados (CheXbert)",
        "direct": "Achados (resposta direta do modelo)",
        Label.POSITIVE: "presente",
        Label.NEGATIVE: "ausente",
        Label.UNCERTAIN: "incerto",
        Label.NOT_MENTIONED: "não mencionado",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar=said("FILE", "ARQUIVO"),
        help=said("file, zip or folder", "arquivo, zip ou pasta"),
    )
    add_model(parser)
    add_precision(parser)
    add_pipeline(parser)
    parser.add_argument(
        "--prompt",
        metavar="ID",
        help=said("another of the model's prompts, by its id", "outro prompt do modelo, pelo id"),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read every file; 1 if any was refused or its reading failed. Raises UnknownModel and
    UnknownPrompt."""
    card = models.card(arguments.model)
    precision, kind = Precision(arguments.precision), PipelineKind(arguments.pipeline)
    prompt = card.prompt(kind, arguments.prompt).id
    refused = False
    printer = _Json() if arguments.json else _Terminal(arguments.language)
    with WorkerClient.start(preload=False) as worker, DecodePool(size=1) as pool:
        for name, opened in _radiographs(pool, arguments.files):
            if isinstance(opened, CxrError):
                printer.refused(name, opened)
                refused = True
                continue
            stream = worker.read(opened, arguments.model, precision, kind, prompt)
            try:
                refused |= not printer.show(name, opened, stream)
            except KeyboardInterrupt:
                stream.stop()
                raise
    return 1 if refused else 0


def _radiographs(
    pool: DecodePool, paths: list[Path]
) -> Iterator[tuple[str, Radiograph | CxrError]]:
    """Each study's frontal radiograph under its file's name, or why it does not open. A folder or
    zip with several studies gives one for each."""
    for path in paths:
        try:
            found = pool.list_studies(path)
        except CxrError as error:
            yield str(path), error
            continue
        for number, study in enumerate(found, start=1):
            name = str(path) if len(found) == 1 else f"{path}#{number}"
            try:
                yield name, pool.open(study)[0]
            except CxrError as error:
                yield name, error


class _Json:
    """One object a line, printed when the reading is done."""

    def refused(self, name: str, error: CxrError) -> None:
        print_json({"file": name, "error": _error(error)})

    def show(self, name: str, radiograph: Radiograph, stream: ReadingStream) -> bool:
        for event in stream:
            if isinstance(event, FailedEvent):
                self.refused(name, CxrError.from_dict(event.error))
                return False
            if isinstance(event, DoneEvent):
                print_json(_record(name, radiograph, event.reading))
        return True


class _Terminal:
    """The report as it is written, then the findings and the figures."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._words = _WORDS[language]
        print(self._words["disclaimer"])

    def refused(self, name: str, error: CxrError) -> None:
        print(f"\n{name}\n  {error.message(self._language)}", flush=True)

    def show(self, name: str, radiograph: Radiograph, stream: ReadingStream) -> bool:
        print(f"\n{name}")
        for notice in radiograph.notices:
            print(f"  ! {studies.sentence(notice, self._language)}")
        print(flush=True)
        for event in stream:
            if isinstance(event, TokenEvent):
                print(event.token.text, end="", flush=True)
            elif isinstance(event, FailedEvent):
                mark = f"\n[{self._words['incomplete']}]" if event.report else ""
                print(f"{mark}\n  {CxrError.from_dict(event.error).message(self._language)}")
                return False
            elif isinstance(event, DoneEvent):
                self._figures(event.reading)
        return True

    def _figures(self, reading: Reading) -> None:
        if reading.stop is not StopReason.END:
            print(f"\n[{self._words['incomplete']}: {self._words[reading.stop]}]", end="")
        print("\n")
        for notice in reading.notices:
            print(f"  ! {notice_sentence(notice, self._language)}")
        print(f"  {self._words[reading.findings[0].labeler]}:")
        said = [e for e in reading.findings[0].labels if e.label is not Label.NOT_MENTIONED]
        for each in said:
            print(f"  {each.finding.name_in(self._language):28}{self._words[each.label]}")
        if not said:
            print(f"  {self._words['none']}")
        timings, made = reading.timings, reading.provenance
        rate = None if not timings.tpot else 1 / timings.tpot
        used = reading.memory.vram_device_peak or reading.memory.rss_peak
        parts = (
            f"{self._words['first']} {format_seconds(timings.ttft, self._language)}",
            f"{self._words['total']} {format_seconds(timings.total, self._language)}",
            f"{format_rate(rate, self._language)} token/s",
            f"{self._words['memory']} {format_bytes(used, self._language)}",
        )
        named = named_prompt(made.model, made.pipeline, made.prompt.id)
        maker = ", ".join(filter(None, (made.model, made.precision, named, made.device)))
        print(f"\n  {maker}: {' · '.join(parts)}", flush=True)
        if made.stand_in or not made.confirmed:
            print(f"  ! {self._words['stand_in' if made.stand_in else 'unconfirmed']}", flush=True)


def _record(name: str, radiograph: Radiograph, reading: Reading) -> dict[str, Any]:
    made = reading.provenance
    return {
        "file": name,
        "report": reading.report,
        "stop": reading.stop,
        "findings": _findings(reading.findings[0]),
        "labeler": reading.findings[0].labeler,
        "labelers": {each.labeler: _findings(each) for each in reading.findings},
        "probabilities": _probabilities(reading.probabilities),
        "unparsed": reading.findings[0].unparsed,
        "model": made.model,
        "precision": made.precision,
        "pipeline": made.pipeline,
        "timings": asdict(reading.timings) | {"tpot": reading.timings.tpot},
        "vram": asdict(reading.memory),
        "warnings": [_warning(each) for each in (*radiograph.notices, *reading.notices)],
        "provenance": asdict(made),
    }


def _findings(found: FindingSet) -> list[dict[str, Any]]:
    return [
        {
            "name": each.finding,
            "label": each.label,
            "spans": [[span.start, span.end] for span in each.spans],
        }
        for each in found.labels
    ]


def _probabilities(found: Probabilities | None) -> dict[str, Any] | None:
    if found is None:
        return None
    values = dict(zip(FINDINGS, found.values, strict=True))
    return {**asdict(found), "values": values}


def _warning(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code} | notice.params


def _error(error: CxrError) -> dict[str, str]:
    return {"code": error.code, "message": error.message("en")}
