"""A device's owner for tests: the embedded model on the processor, in this process."""

import json
from dataclasses import replace

import torch

from benchmarks.preliminary import preliminary
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.recipe_run import RecipeRun, resumed
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.telemetry import Sampler
from cxr_demo.telemetry.neighbours import Neighbours
from cxr_demo.worker.engine import Engine
from cxr_demo.worker.host import DeviceHost

COUNT = 8


class SharedEngine(Engine):
    """Loads once for all tests, and holds no lease."""

    loads = 0

    def _take_lease(self, usable):
        pass

    def load(self, model, precision, progress):
        if self.loaded != (model, precision):
            self.loads += 1
        return super().load(model, precision, progress)

    def unload(self):
        """The embedded model stays for the next test."""

    def require_image_use(self):
        """Proven by tests of its own."""


torch.set_num_threads(1)
ENGINE = SharedEngine(None)
SAMPLER = Sampler(None)


def host():
    return DeviceHost(ENGINE, SAMPLER, Neighbours(None), path=store_path())


def never():
    return False


def recipe(pipelines=(PipelineKind.DIRECT,), **changes):
    made = preliminary(["embedded"], [Precision.BF16])
    return replace(made, pipelines=pipelines, **changes)


def plan(data, made=None, **options):
    asked = {
        "recipe": (made or recipe()).to_dict(),
        "data": {name: str(place) for name, place in data.items()},
        "options": {"timed": False, "slots": 4} | options,
    }
    return Plan.of(json.loads(json.dumps(asked)))


def drive(run, device=None, should_stop=never, steps=None):
    """Take all steps (or `steps` of them that told of a reply); the run's progress."""
    device = device or host()
    while run.advance(device, should_stop):
        if steps is None:
            continue
        for session in [arm._session for arm in run.arms if arm._session]:
            session._writer.flush()  # so that every reply is counted before the next one
        if sum(arm.tally.done for arm in run.arms) >= steps:
            break
    return run.progress()


def finish(asked, store=None, device=None):
    """Run a plan to its end; its group and its runs."""
    store = store or EvaluationStore(store_path())
    run = RecipeRun(asked, store)
    drive(run, device)
    run.end("finished")
    return run, store


def again(run, store):
    """The same group in what could be another process."""
    return RecipeRun(resumed(store.group(run.group)), store, run.group)
