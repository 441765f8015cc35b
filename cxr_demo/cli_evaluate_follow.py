"""What the terminal shows of an evaluation of a recipe: one line while it runs, a table after."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from cxr_demo.cli import print_json
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.progress import ArmStatus, RunPhase
from cxr_demo.evaluation.scores import scores
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.models.cards import named_prompt
from cxr_demo.records import PipelineKind
from cxr_demo.results import carried, loading
from cxr_demo.results import words as shared
from cxr_demo.results.records import said
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun
from cxr_demo.units import UNKNOWN, format_bytes, format_rate, format_seconds
from cxr_demo.worker.client import JobState, JobStatus, WorkerClient

if TYPE_CHECKING:
    from cxr_demo.evaluation.ranks import Told

LOOK_S = 0.25

PHASES: dict[str, dict[RunPhase, str]] = {
    "en": {
        RunPhase.PREPARING: "reading the tables",
        RunPhase.DRAWING: "drawing phantoms",
        RunPhase.MEASURING: "measuring memory and time",
        RunPhase.LOADING: "loading the model",
        RunPhase.COMPARING: "reading images again after the resume",
        RunPhase.READING: "reading",
        RunPhase.LABELLING: "labelling",
        RunPhase.ASKING: "asking for a calibration",
    },
    "pt": {
        RunPhase.PREPARING: "lendo as tabelas",
        RunPhase.DRAWING: "desenhando fantomas",
        RunPhase.MEASURING: "medindo memória e tempo",
        RunPhase.LOADING: "carregando o modelo",
        RunPhase.COMPARING: "relendo imagens após a retomada",
        RunPhase.READING: "lendo",
        RunPhase.LABELLING: "rotulando",
        RunPhase.ASKING: "perguntando para a calibração",
    },
}
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "left": "left",
        "failed": "failed",
        "unparsed": "unparsed",
        "arm": "arm",
        "of": "of",
        "whole": "for the whole arm",
        "synthetic": "SYNTHETIC, NOT PATIENTS",
        "stand_in": "random weights: time and memory only",
        "imported": "imported from another machine",
        "image": "s per image",
        "alone": "other labels alone than in a batch",
        "texts": "other texts",
        "processes": "processes",
    },
    "pt": {
        "left": "restantes",
        "failed": "falhas",
        "unparsed": "não interpretadas",
        "arm": "braço",
        "of": "de",
        "whole": "para o braço todo",
        "synthetic": "SINTÉTICO, NÃO SÃO PACIENTES",
        "stand_in": "pesos aleatórios: só tempo e memória",
        "imported": "importada de outra máquina",
        "image": "s por imagem",
        "alone": "outros rótulos a sós que em lote",
        "texts": "outros textos",
        "processes": "processos",
    },
}


def follow(
    worker: WorkerClient, arguments: argparse.Namespace, mine: Callable[[JobStatus], bool]
) -> JobStatus:
    """Show each change of the evaluation that `mine` knows until it rests, also across a restart of
    the worker. Raises KeyboardInterrupt."""
    shown: JobStatus | None = None
    while True:
        job = worker.status().job
        if job is not None and mine(job) and job != shown:
            shown = job
            _progress(job, arguments)
            if job.state is not JobState.RUNNING:
                if sys.stdout.isatty() and not arguments.json:
                    print()
                return job
        with contextlib.suppress(TimeoutError):
            worker.wait(lambda status, seen=shown: status.job not in (None, seen), 5)  # type: ignore[misc]
        time.sleep(LOOK_S)


def line(job: JobStatus, language: str) -> str:
    """An evaluation at one moment, in one line."""
    words = WORDS[language]
    at = next((n for n, arm in enumerate(job.arms) if arm.run == job.run), 0)
    parts = [f"{words['arm']} {at + 1} {words['of']} {len(job.arms)}"]
    parts.append(_task(job, job.arms[at].prompt if job.arms else None))
    if job.phase is not None:
        parts.append(PHASES[language][job.phase])
    if job.fraction is not None:
        parts.append(f"{100 * job.fraction:.0f} %")
    parts.append(f"{job.done} / {job.total}")
    parts += _pace(job.rate, job.remaining if job.done < job.total else None, language)
    for count, word in ((job.failed, "failed"), (job.unparsed, "unparsed")):
        if count:
            parts.append(f"{count} {words[word]}")
    return " · ".join(parts)


def ranks_line(told: "Told", language: str) -> str:
    """How far several processes are, in one line."""
    words = WORDS[language]
    parts = [f"{told.ranks} {words['processes']}", f"{told.done} / {told.total}"]
    if told.rate is None:
        parts.append(PHASES[language][RunPhase.LOADING])
    parts += _pace(told.rate, told.remaining, language)
    if told.failed:
        parts.append(f"{told.failed} {words['failed']}")
    return " · ".join(parts)


def _pace(rate: float | None, remaining: float | None, language: str) -> list[str]:
    """Images a second and seconds left, as far as they are known."""
    found = [] if rate is None else [f"{format_rate(rate, language)} /s"]
    if remaining is not None:
        found.append(f"{format_seconds(remaining, language)} {WORDS[language]['left']}")
    return found


def estimates(arms: tuple[ArmStatus, ...], language: str) -> str:
    """What each arm will take, after a trial: a line each."""
    words = WORDS[language]
    lines = [
        f"{_task(arm, arm.prompt)}: {format_seconds(arm.estimate, language)} {words['whole']}"
        for arm in arms
    ]
    total = [arm.estimate for arm in arms if arm.estimate is not None]
    return "\n".join([*lines, f"= {format_seconds(sum(total) if total else None, language)}"])


def conclude(last: JobStatus, arguments: argparse.Namespace) -> int:
    """Say how an evaluation ended: its figures, and its error if it had one. The exit status."""
    if last.group is not None:
        summary(last.group, arguments)
    if last.error is not None:
        print(CxrError.from_dict(last.error).message(arguments.language), file=sys.stderr)
    failed = any(arm.state == "failed" for arm in last.arms)
    return 0 if last.state is JobState.FINISHED and not failed else 1


def summary(group: str, arguments: argparse.Namespace) -> None:
    """Every arm of `group` with its figures, both main policies; JSON if asked for."""
    with StoreReader(store_path()) as reader:
        found = reader.group(group)
        assert found is not None
        arms = [each for each in reader.arms(group) if each.current]
        rows = [(arm, _figures(reader, arm)) for arm in arms]
    if arguments.json:
        for arm, figures in rows:
            print_json({**_plain(arm), "micro_f1": figures})
        return
    words = WORDS[arguments.language]
    drawn = shared.drawn(found.composition, arguments.language)
    name = said(shared.RECIPES.get(found.name, (found.name, found.name)), arguments.language)
    print(f"{name}: {drawn}" + f" · {words['synthetic']}" * found.synthetic)
    for arm, figures in rows:
        print(_arm_line(arm, figures, arguments.language))


def _progress(job: JobStatus, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(asdict(job))
    elif sys.stdout.isatty():  # a log has no use for a line that is drawn over and over
        print("\r\033[K" + line(job, arguments.language), end="", flush=True)


def _task(arm: JobStatus | ArmStatus | ArmRun, prompt: str | None) -> str:
    """ "medgemma-4b-it nf4 report", with the prompt where it is not the default."""
    named = "" if prompt is None else f" {prompt}"
    return f"{arm.model} {arm.precision} {arm.pipeline}{named}"


def _figures(reader: StoreReader, arm: ArmRun) -> dict[str, dict[str, float]]:
    if arm.facts.get("stand_in"):
        return {}
    policies = (UncertaintyPolicy.UNCERTAIN_AS_POSITIVE, UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE)
    if "carried" in arm.facts:  # taken in: its targets stayed where it was measured
        return {str(policy): carried.micro(arm.facts["carried"], policy) for policy in policies}
    return {str(policy): scores(reader, arm, policy) for policy in policies}


def _plain(arm: ArmRun) -> dict[str, object]:
    names = ("model", "precision", "pipeline", "prompt")
    counts = ("state", "done", "failed", "total", "facts")
    return {"run": arm.id, "group": arm.group} | {
        name: getattr(arm, name) for name in (*names, *counts)
    }


def _arm_line(arm: ArmRun, figures: dict[str, dict[str, float]], language: str) -> str:
    words = WORDS[language]
    named = named_prompt(arm.model, PipelineKind(arm.pipeline), arm.prompt)
    parts = [arm.id, _task(arm, named), f"{arm.done} {words['of']} {arm.total}"]
    if arm.failed:
        parts.append(f"{arm.failed} {words['failed']}")
    if arm.facts.get("stand_in"):
        parts.append(words["stand_in"])
    if arm.facts.get("imported"):
        parts.append(words["imported"])
    for policy, by_labeler in figures.items():
        for labeler, value in by_labeler.items():
            by = shared.labeler(labeler, language)
            told = said(shared.POLICIES[UncertaintyPolicy(policy)], language)
            parts.append(f"F1 ({by}), {told}: {shared.number(value, language)}")
    batch = arm.facts.get("batch") or {}
    timed = arm.facts.get("time_per_image")
    parts.append(f"{format_rate(batch.get('images_per_second'), language)} /s")
    if timed is not None:
        parts.append(f"{shared.number(timed['mean'], language, 2)} {words['image']}")
    parts.append(f"VRAM {_vram(arm, language)}")
    alone = arm.facts.get("alone_against_batch")
    if alone is not None:
        share = f"{alone['labels_differ']} {words['of']} {alone['images']}"
        parts.append(f"{words['alone']}: {share}")
    parts += _reread(arm, language)
    if arm.state == "failed" and arm.facts.get("error"):
        parts.append(CxrError.from_dict(arm.facts["error"]).message(language))
    return "  " + " · ".join(parts)


def _reread(arm: ArmRun, language: str) -> list[str]:
    """What images read again after resumes have shown, by labeler."""
    found = loading.reread(arm.facts)
    if found is None:
        return []
    words = WORDS[language]
    said = [shared.reread(found, by, language) or "" for by in found.labels]
    return [*said, f"{words['texts']}: {found.texts} {words['of']} {found.images}"]


def _vram(arm: ArmRun, language: str) -> str:
    memory = arm.facts.get("memory") or {}
    peak, base = memory.get("vram_device_peak"), memory.get("vram_device_baseline")
    return UNKNOWN if peak is None or base is None else format_bytes(peak - base, language)
