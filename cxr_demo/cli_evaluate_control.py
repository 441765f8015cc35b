"""`python -m cxr_demo evaluate status | pause | resume | stop`: evaluations of recipes."""

import argparse
import sys
from dataclasses import asdict

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_evaluate_follow import conclude, follow, line, summary
from cxr_demo.cli_words import said
from cxr_demo.results import words
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.units import format_moment
from cxr_demo.worker.client import JobState, JobStatus, WorkerClient
from cxr_demo.worker.lease import worker_lease

_WORDS = {
    "en": {
        "none": "No evaluation has been run here yet.",
        "unknown": "There is no evaluation {group} here: `evaluate status` lists them.",
        "idle": "No evaluation runs.",
    },
    "pt": {
        "none": "Nenhuma avaliação foi feita aqui ainda.",
        "unknown": "Não há avaliação {group} aqui: `evaluate status` mostra as que há.",
        "idle": "Nenhuma avaliação em andamento.",
    },
}

_STEERED = {
    "pause": (JobState.RUNNING,),
    "stop": (JobState.RUNNING, JobState.PAUSED),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`resume` may name a group."""
    parser.add_argument(
        "group",
        nargs="?",
        metavar=said("EVALUATION", "AVALIAÇÃO"),
        help=said(
            "id of the evaluation, as `status` shows it", "id da avaliação, como `status` mostra"
        ),
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show or steer; 1 if there is nothing to steer or it did not finish."""
    if arguments.what == "status":
        return _status(arguments)
    with WorkerClient.start(preload=False) as worker:
        if arguments.what == "resume":
            return _resume(worker, arguments)
        job = worker.wait(lambda status: status.pid is not None, 60).job
        if job is not None and job.state in _STEERED[arguments.what]:
            (worker.pause_job if arguments.what == "pause" else worker.stop_job)().result(60)
            job = worker.wait(lambda status: _rests(status.job, arguments.what), 60).job
        else:
            job = None
    if job is None:
        print(_WORDS[arguments.language]["idle"], file=sys.stderr)
        return 1
    print_json(asdict(job)) if arguments.json else print(line(job, arguments.language))
    return 0


def none_here(arguments: argparse.Namespace) -> int:
    """Say that there is no evaluation, or none of that name; 1."""
    told = _WORDS[arguments.language]["unknown" if arguments.group else "none"]
    print(told.format(group=arguments.group), file=sys.stderr)
    return 1


def _status(arguments: argparse.Namespace) -> int:
    """From the store; a worker that runs is asked, none is started."""
    if worker_lease().holder() is not None:
        with WorkerClient.start(preload=False) as worker:
            job = worker.wait(lambda status: status.pid is not None, 60).job
        if job is not None and job.state is JobState.RUNNING and not arguments.json:
            print(line(job, arguments.language))
    with StoreReader(store_path()) as reader:
        groups = [each for each in reader.groups() if arguments.group in (None, each.id)]
    if not groups:
        return none_here(arguments)
    for group in groups:
        if not arguments.json:
            state = words.said(words.STATES[group.state], arguments.language)
            print(f"{group.id}  {state}  {format_moment(group.created, arguments.language)}")
        summary(group.id, arguments)
    return 0


def _resume(worker: WorkerClient, arguments: argparse.Namespace) -> int:
    started = worker.resume_job(arguments.group).result(120)
    last = follow(worker, arguments, lambda job: job.group == started.group)
    return conclude(last, arguments)


def _rests(job: JobStatus | None, what: str) -> bool:
    return job is None or job.state not in _STEERED[what]
