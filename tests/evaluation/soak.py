"""`python -m tests.evaluation.soak --rounds 20`: kill -9 at random moments, and nothing is lost.

Each round kills the worker, the app that follows it, one rank or the launch of the ranks while an
evaluation of phantoms runs. After every kill all rows that were there are there and unchanged; at
the end the rows are those of an undisturbed run. Written to `benchmarks/results/soak.json`.
"""

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from benchmarks import report
from benchmarks.preliminary import preliminary
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.recipe_run import RecipeRun
from cxr_demo.records import Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import ranks_dir, store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker.client import JobState, WorkerClient
from cxr_demo.worker.lease import Lease, worker_lease

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = ("worker", "app", "rank", "launch")
RECIPE = preliminary(["embedded"], [Precision.BF16])
OPTIONS = {"timed": False, "slots": 4, "again": 4}
APP = "import sys; from tests.evaluation import soak; soak.app(sys.argv[1])"


def app(count):
    """What the app does: start or go on, and look until it is finished."""
    with WorkerClient.start(preload=False) as worker:
        job = worker.wait(lambda status: status.pid is not None, 60).job
        if job is None or job.state is not JobState.RUNNING:
            worker.start_evaluation(RECIPE, {"phantoms": count}, OPTIONS).result(60)
        worker.wait(lambda s: s.job is not None and s.job.state is JobState.FINISHED, 600)
        worker.shutdown().result(30)


def undisturbed(count, path):
    """The digests of a run that nobody disturbs, by pipeline."""
    from tests.evaluation.bench import drive, host

    asked = Plan.of({"recipe": RECIPE.to_dict(), "data": {"phantoms": count}, "options": OPTIONS})
    with EvaluationStore(path) as store:
        device = host()
        device._path = path
        run = RecipeRun(asked, store)
        drive(run, device)
        run.end("finished")
        return digests(path)


def digests(path):
    with StoreReader(path) as reader:
        return {
            arm.pipeline: reader.digest(arm.id)
            for group in reader.groups()
            for arm in reader.arms(group.id)
        }


def reread(path):
    """How many images were read again after resumes; none of them may have another text."""
    with StoreReader(path) as reader:
        runs = [arm.id for group in reader.groups() for arm in reader.arms(group.id)]
        counts = [reader.again_counts(each) for each in runs]
    assert not sum(each["texts_differ"] for each in counts), "other texts on a processor"
    return sum(each["images"] for each in counts)


def rows():
    """Every row that is on the disk now, in the store or in a rank's file."""
    while True:
        with contextlib.suppress(OSError, sqlite3.Error):  # a rank's file has just been merged
            return _rows()


def _rows():
    found = {}
    # Ranks' files first: what is merged in the meantime is found in the store then.
    for path in (*sorted(ranks_dir().glob("*.sqlite")), store_path()):
        if not path.exists():
            continue
        with StoreReader(path) as reader:
            for group in reader.groups():
                for arm in reader.arms(group.id):
                    for at, text in reader.texts(arm.id, sorted(reader.done(arm.id))).items():
                        found.setdefault((arm.id, at), text)
    return found


def start(victim, count):
    if victim in ("worker", "app"):
        command = [sys.executable, "-c", APP, count]
    else:
        command = [sys.executable, "-m", "cxr_demo", "evaluate", "preliminary"]
        command += ["--phantoms", count, "--models", "embedded", "--precisions", "bf16"]
        command += ["--ranks", "2", "--slots", "4", "--untimed", "--json", "--again", "4"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, **quiet)


def pids(victim, process):
    """Whom to kill."""
    if victim == "worker":
        return [pid for pid in [worker_lease().holder()] if pid]
    if victim == "rank":
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True)
            return [
                each.pid
                for each in family
                if "cxr_demo.worker.rank" in each.cmdline() and "launch" not in str(each.cmdline())
            ]
        return []
    return [process.pid]


def kill_one(victim, process, chance):
    """Kill -9 one of them, once it is there; false if the work was over before."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = pids(victim, process)
        if found and (victim != "rank" or len(found) == 2):
            with contextlib.suppress(psutil.Error):
                psutil.Process(chance.choice(found)).kill()
                return True
        if process.poll() is not None:
            return False
        time.sleep(0.05)
    raise AssertionError(f"no {victim} to kill")


def quiet_down(process, victim):
    """Let what was left alone end as it should, and end what outlives its app."""
    if victim == "worker":
        process.kill()
    process.wait(120)
    deadline = time.monotonic() + 60
    while any(Lease(each).holder() for each in ranks_dir().glob("*.lock")):
        assert time.monotonic() < deadline, "ranks outlive their launch"
        time.sleep(0.1)
    pid = worker_lease().holder()
    if pid is not None:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
            psutil.Process(pid).wait(10)


def one_round(victim, count, chance, most):
    """Start, wait until up to `most` rows more are there and for a moment more, kill, compare;
    (rows before, rows after, killed)."""
    process = start(victim, count)
    wanted, moment = len(rows()) + chance.randint(0, most), chance.uniform(0, 0.5)
    while process.poll() is None and len(rows()) < wanted:
        time.sleep(0.05)
    time.sleep(moment)
    there = rows()
    killed = kill_one(victim, process, chance)
    quiet_down(process, victim)
    after = rows()
    changed = [key for key, text in there.items() if after.get(key) != text]
    assert not changed, f"{len(changed)} rows were lost or changed"
    return len(there), len(after), killed


def finish(count):
    process = subprocess.Popen([sys.executable, "-c", APP, count], cwd=ROOT)
    assert process.wait(600) == 0


def soak(victims, count, seed, most=8, say=print):
    """Kill each of `victims` in turn; the findings. Uses the private folder of the environment."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        wanted = undisturbed(count, Path(place) / "undisturbed.sqlite")
    killed, whole, again = Counter(), 0, 0
    waiting = list(victims)
    while waiting:
        there, after, hit = one_round(waiting[0], count, chance, most)
        victim = waiting.pop(0) if hit else waiting[0]  # the work was over before: once more
        killed[victim] += hit
        say(f"{killed.total()}/{len(victims)} {victim}: {there} rows, {after} after, killed {hit}")
        if after >= 2 * int(count):
            finish(count)
            assert digests(store_path()) == wanted, "not the rows of an undisturbed run"
            whole, again = whole + 1, again + reread(store_path())
            for each in store_path().parent.glob("evaluations.sqlite*"):
                each.unlink()
    finish(count)
    assert digests(store_path()) == wanted, "not the rows of an undisturbed run"
    again += reread(store_path())
    runs = {"killed": dict(killed), "runs": whole + 1, "images": 2 * int(count), "seed": seed}
    return runs | {"read_again": again}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--count", default="24", help="phantoms")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="cxr-soak-"))
    os.environ["CXR_DEMO_HOME"] = str(home)
    chance = random.Random(arguments.seed)
    victims = [chance.choice(VICTIMS) for _ in range(arguments.rounds)]
    try:
        found = soak(victims, arguments.count, arguments.seed)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.write(
        report.RESULTS / "soak.json",
        "an evaluation's worker, app or ranks killed at random moments: after each kill no row is "
        "lost, doubled or changed, at the end they are those of an undisturbed run; phantoms",
        f"python -m tests.evaluation.soak --rounds {arguments.rounds} --seed {arguments.seed}",
        found | {"rounds": arguments.rounds},
    )


if __name__ == "__main__":
    main()
