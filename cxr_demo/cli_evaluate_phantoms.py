"""`python -m cxr_demo evaluate phantoms`: a model's quality, measured by the worker in the
background. Ctrl-C lets it go on; the same command shows it again, and `--stop` stops it.
"""

import argparse
import contextlib
import sys
import time
from dataclasses import asdict

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.job import store_path
from cxr_demo.evaluation.phantom_score import micro_f1
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.runs import RunStore, run_id
from cxr_demo.units import format_rate, format_seconds
from cxr_demo.worker.client import JobState, JobStatus, WorkerClient

_WORDS = {
    "en": ("left", "failed", "It goes on in the background; the same command shows it again."),
    "pt": ("restantes", "falhas", "Continua em segundo plano; o mesmo comando a mostra de novo."),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.set_defaults(what="phantoms")
    parser.add_argument("--count", type=int, default=1000, help="how many held-out phantoms")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--precision", choices=[str(each) for each in Precision], default="bf16")
    parser.add_argument(
        "--pipeline", choices=[str(each) for each in PipelineKind], default="report"
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="also ask yes or no per finding; the calibration lets the app show probabilities",
    )
    parser.add_argument("--stop", action="store_true", help="stop the evaluation that is running")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start or go on with the evaluation and show its progress; 1 if it failed or was stopped."""
    keys = ("count", "model", "precision", "pipeline")
    recipe = {key: getattr(arguments, key) for key in keys}
    if arguments.probabilities:
        recipe["probabilities"] = True
    with WorkerClient.start(preload=False) as worker:
        if arguments.stop:
            worker.stop_job().result(60)
            return 0
        name = run_id(arguments.what, recipe)
        running = worker.wait(lambda status: status.pid is not None, 60).job
        if running is None or running.run != name or running.state is not JobState.RUNNING:
            worker.start_job(arguments.what, recipe).result(120)
        try:
            last = _follow(worker, name, arguments)
        except KeyboardInterrupt:
            print(f"\n{_WORDS[arguments.language][2]}", file=sys.stderr)
            raise
    return _conclude(last, arguments)


def _follow(worker: WorkerClient, name: str, arguments: argparse.Namespace) -> JobStatus:
    """Show each change until the evaluation ends, also across a restart of the worker."""
    shown: JobStatus | None = None
    while True:
        job = worker.status().job
        if job is not None and job.run == name and job != shown:
            shown = job
            _progress(job, arguments)
            if job.state is not JobState.RUNNING:
                return job
        with contextlib.suppress(TimeoutError):
            worker.wait(lambda status, seen=shown: status.job not in (None, seen), 5)  # type: ignore[misc]
        time.sleep(0.2)  # a fast model finishes many images a second; a line for each is noise


def _progress(job: JobStatus, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(asdict(job))
        return
    if not sys.stdout.isatty():
        return  # a log has no use for a line that is drawn over and over
    left, failed, _ = _WORDS[arguments.language]
    parts = [f"{job.done} / {job.total}", f"{format_rate(job.rate, arguments.language)} /s"]
    parts.append(f"{format_seconds(job.remaining, arguments.language)} {left}")
    if job.failed:
        parts.append(f"{job.failed} {failed}")
    print("\r\033[K" + " · ".join(parts), end="", flush=True)


def _conclude(job: JobStatus, arguments: argparse.Namespace) -> int:
    with RunStore(store_path()) as store:
        predictions = list(store.predictions(job.run))
    scores = {
        str(policy): micro_f1(predictions, policy)
        for policy in (
            UncertaintyPolicy.UNCERTAIN_AS_POSITIVE,
            UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE,
        )
    }
    if arguments.json:
        print_json({"run": job.run, "state": job.state, "micro_f1": scores})
    else:
        print()
        for policy, value in scores.items():
            print(f"micro F1, {policy}: {'–' if value is None else f'{value:.3f}'}")
    if job.error is not None:
        print(CxrError.from_dict(job.error).message(arguments.language), file=sys.stderr)
    return 0 if job.state is JobState.FINISHED else 1
