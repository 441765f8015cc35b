"""One JSON per model, stage and precision, written as soon as it is measured."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.speed.settings import SECONDS, TINY, TRUE, Size
from cxr_demo.records import Precision

RUNS = ("cold", "warm", "stock", "captured")
"""Of the stage "start", unless others are chosen."""


@dataclass(frozen=True)
class Call:
    """What one call measures of one model. `deadline` is a reading of `time.time()`; `run` names
    the call, so that figures taken side by side are known; `checkpoint` says how it was written;
    `starts` are the runs of the stage "start"."""

    model: str
    out: Path
    stages: tuple[str, ...]
    precisions: tuple[Precision, ...]
    device: str
    deadline: float
    run: str
    checkpoint: dict[str, Any]
    tiny: bool = False
    starts: tuple[str, ...] = RUNS

    @property
    def size(self) -> Size:
        """How much is measured."""
        return TINY if self.tiny else TRUE

    def time_for(self, stage: str, precision: Precision) -> bool:
        """Whether `stage` would end before the deadline; says so if not."""
        if self.tiny or time.time() + SECONDS[stage] < self.deadline:
            return True
        print(f"LEFT OUT for lack of time: {self.model} {stage} {precision.value}", flush=True)
        return False

    def write(self, stage: str, precision: Precision, figures: dict[str, Any]) -> Path:
        """Keep `figures`."""
        path = self.out / f"speed_{self.model}_{stage}_{precision.value}.json"
        what = (
            f"{stage} of {self.model} in {precision.value} with RANDOM weights"
            f"{' at TINY size: no time means anything' if self.tiny else ' at its published size'}."
        )
        command = f"python -m benchmarks.speed --models {self.model} --stages {stage}"
        results = {
            "model": self.model,
            "stage": stage,
            "precision": precision.value,
            "run": self.run,
            "tiny": self.tiny,
            "checkpoint": self.checkpoint,
            "settings": asdict(self.size),
            "figures": figures,
        }
        print(f"{self.model} {stage} {precision.value}: {path.name}", flush=True)
        return report.write(path, what, command, results)

    def dumped(self) -> str:
        """JSON for a process of its own; `loaded` reads it."""
        return json.dumps({**vars(self), "out": str(self.out)})


def loaded(text: str) -> Call:
    """A call as `Call.dumped` wrote it."""
    found = json.loads(text)
    found["out"] = Path(found["out"])
    for name in ("stages", "starts"):
        found[name] = tuple(found[name])
    found["precisions"] = tuple(Precision(each) for each in found["precisions"])
    return Call(**found)
