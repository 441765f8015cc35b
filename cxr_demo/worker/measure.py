"""`python -m cxr_demo.worker.measure`: memory and time of one arm, in a process that does nothing
else, as the study measures it: one image and prompt at a time, apart from any batch.

A request comes as a line of JSON on standard input (`evaluation.measuring`). Answers are lines of
JSON: {"load"}, {"memory"} after the first image, {"timed"} or {"per_token"} after each, {"error"}.
"""

from cxr_demo.worker.isolation import seal

seal()  # before anything else is imported, so that no library meets the network

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from cxr_demo import pipelines  # noqa: E402
from cxr_demo.evaluation import labelling  # noqa: E402
from cxr_demo.evaluation.feeder import Place, prepare  # noqa: E402
from cxr_demo.models import stepwise  # noqa: E402
from cxr_demo.records import PipelineKind, Precision, StopReason  # noqa: E402
from cxr_demo.store.records import TimedImage  # noqa: E402
from cxr_demo.studies.pool import DecodePool  # noqa: E402
from cxr_demo.telemetry import Sampler, nvml  # noqa: E402
from cxr_demo.worker.engine import DeviceFault, Engine, merge  # noqa: E402

if TYPE_CHECKING:
    from cxr_demo.models import Model

STAND_IN_TOKENS = 64
Tell = Callable[[dict[str, Any]], None]


class LentEngine(Engine):
    """On a device whose lease the process that started this one holds."""

    def _take_lease(self, usable: bool) -> None:
        """The starter has it."""


def measure(request: dict[str, Any], tell: Tell) -> None:
    """Load, read each image of `request` alone, and tell what it took."""
    gpu = nvml.first_visible()
    sampler = Sampler(gpu)  # before torch: its first sample is the baseline
    engine = LentEngine(gpu)
    kind = PipelineKind(request["pipeline"])
    try:
        sampler.begin_request()
        model = engine.load(
            request["model"], Precision(request["precision"]), lambda fraction: None
        )
        model.settle()
        tell({"load": asdict(merge(sampler.end_request(), model.peaks()))})
        sampler.begin_request()
        _read_all(request, model, kind, sampler, tell)
    except DeviceFault as fault:
        tell({"error": fault.told.to_dict()})
    except Exception as error:  # noqa: BLE001 - told in words
        try:
            tell({"error": engine.translate(error, request["model"]).to_dict()})
        except DeviceFault as fault:
            tell({"error": fault.told.to_dict()})


def _read_all(
    request: dict[str, Any], model: "Model", kind: PipelineKind, sampler: Sampler, tell: Tell
) -> None:
    label = _Labels(request["labelers"], kind)
    told_memory = False
    with DecodePool(1) as pool:
        pool.warm()
        for position, path in request["images"]:
            fed = prepare(
                Place(position, Path(path)), lambda each: pipelines.given(model, each), pool
            )
            if fed.seen is None:
                continue  # the batch counts it as a failure
            model.reset_peaks()
            began = time.monotonic()
            prompt = model.card.prompt(kind, request.get("prompt"))
            if model.stand_in:
                prompt = stepwise.shortened(prompt, STAND_IN_TOKENS)
            generation = stepwise.generate(model, fed.seen, prompt)
            tokens = list(generation)
            generated = time.monotonic() - began
            if not told_memory:
                peaks = merge(sampler.end_request(), model.peaks())
                tell({"memory": asdict(peaks)})
                told_memory = True
            if len(tokens) > 1:
                gaps = tokens[-1].elapsed - tokens[0].elapsed
                tell({"per_token": gaps / (len(tokens) - 1)})
            if model.stand_in:
                continue  # the length of its replies means nothing
            report = "".join(each.text for each in tokens).rstrip()
            seconds = label(report, generation.stop or StopReason.STOPPED)
            timed = TimedImage(position, fed.seconds, generated, seconds, len(tokens))
            stop = str(generation.stop or StopReason.STOPPED)
            tell({"timed": asdict(timed), "report": report, "stop": stop})


class _Labels:
    """Labels a report as the evaluation does; returns the seconds. CheXbert is loaded after the
    first image, so that it is no part of the report model's memory."""

    def __init__(self, labelers: str, kind: PipelineKind) -> None:
        self._kind = kind
        wanted = labelers == "all" and kind is PipelineKind.REPORT
        self._wanted = wanted and labelling.chexbert_present()
        self._chexbert: Any = None

    def __call__(self, report: str, stop: StopReason) -> float:
        if self._wanted and self._chexbert is None:
            self._chexbert = labelling.load_chexbert("auto")
            labelling.by_chexbert(self._chexbert, [(0, "Warm.")])
        began = time.monotonic()
        labelling.at_once(0, report, self._kind, stop)
        if self._chexbert is not None:
            labelling.by_chexbert(self._chexbert, [(0, report)])
        return time.monotonic() - began


def main() -> None:
    """Serve the one request."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries that print get nowhere with it
    request = json.loads(sys.stdin.readline())

    def tell(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    measure(request, tell)
    os._exit(0)


if __name__ == "__main__":
    main()
