"""Self-test and cost of the 14 probabilities: `python -m benchmarks.image_use --device cuda:0`.

For one model, on the app's drawn samples: whether the image is used, and how long a report, a
direct answer, the 14 yes/no questions over one prefill, and the same 14 one by one take (medians).
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import report
from cxr_demo.findings import FINDINGS
from cxr_demo.models import load, probabilities, selftest
from cxr_demo.models.cards import card
from cxr_demo.models.vlm import VisionLanguageModel
from cxr_demo.pipelines import versions
from cxr_demo.records import PipelineKind, Precision


def main() -> int:
    """Measure and print; figures only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--precision", choices=list(Precision), default=Precision.BF16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model = load(card(arguments.model), Precision(arguments.precision), arguments.device)
    assert isinstance(model, VisionLanguageModel)
    figures = {
        "model": model.card.id,
        "stand_in": model.stand_in,
        "precision": model.precision,
        "device": model.device,
        "engine": model.engine,
        "versions": versions(),
        "self_test": selftest.run(model).to_dict(),
        "median_seconds": measure(model, arguments.times),
    }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        what = "Seconds of the self-test and of the probabilities of 14 findings on one image."
        command = f"python -m benchmarks.image_use --model {arguments.model}"
        command += f" --precision {arguments.precision} --device {arguments.device}"
        report.write(arguments.json, what, command, figures)
    return 0


def measure(model: VisionLanguageModel, times: int) -> dict[str, float]:
    """Median seconds per kind of question on one image, after one run that is not counted."""
    seen = model.see(selftest.samples()[0])
    prompts = model.card.prompts
    kinds: dict[str, Callable[[], object]] = {
        "report": lambda: list(model.generate(seen, prompts[PipelineKind.REPORT])),
        "direct_answer": lambda: list(model.generate(seen, prompts[PipelineKind.DIRECT])),
        "probabilities_one_prefill": lambda: probabilities.ask(model, seen),
        "probabilities_one_by_one": lambda: [
            probabilities.ask(model, seen, [finding]) for finding in FINDINGS
        ],
    }
    return {name: _median(run, times) for name, run in kinds.items()}


def _median(run: Callable[[], object], times: int) -> float:
    run()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - began)
    return round(statistics.median(spent), 4)


if __name__ == "__main__":
    sys.exit(main())
