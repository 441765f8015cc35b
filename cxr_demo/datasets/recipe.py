"""A recipe: everything that an evaluation needs to know, in one frozen record.

`benchmarks/preliminary.py`, `aggregated.py` and `local.py` return them. The margin stands here
since it must be set before anybody has seen a result.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cxr_demo.datasets.draw import Draw, Mix, Source, Views
from cxr_demo.records import PipelineKind, Precision


@dataclass(frozen=True)
class Arm:
    """One model at one precision through one pipeline."""

    model: str
    precision: Precision
    pipeline: PipelineKind


@dataclass(frozen=True)
class Recipe:
    """What is asked for. Shares in 0..1.

    `trial_images` are timed per arm before the start, to say how long it will take; `timed_images`
    at batch 1 give the time per image; past `most_failed` failures the run stops. `replicates`,
    `level` and `seed` belong to the bootstrap; a candidate arm is not inferior if the interval of
    its difference in micro F1 stays above `-margin`.
    """

    name: str
    draw: Draw
    models: tuple[str, ...]
    precisions: tuple[Precision, ...]
    pipelines: tuple[PipelineKind, ...]
    trial_images: int = 3
    timed_images: int = 50
    most_failed: float = 0.05
    replicates: int = 2000
    level: float = 0.95
    seed: int = 1
    margin: float = 0.02

    def arms(self) -> tuple[Arm, ...]:
        """All arms, those of one loaded model beside each other."""
        return tuple(
            Arm(model, precision, pipeline)
            for model in self.models
            for precision in self.precisions
            for pipeline in self.pipelines
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` gives the same recipe back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_dict` described, also after JSON. Raises ValueError, TypeError or
        KeyError for something else."""
        drawn = dict(record["draw"])
        drawn["sources"] = tuple(Source(**each) for each in drawn["sources"])
        drawn["mix"], drawn["views"] = Mix(drawn["mix"]), Views(drawn["views"])
        lists = {
            "models": tuple(record["models"]),
            "precisions": tuple(Precision(each) for each in record["precisions"]),
            "pipelines": tuple(PipelineKind(each) for each in record["pipelines"]),
        }
        return Recipe(**{**record, **lists, "draw": Draw(**drawn)})
