"""A recipe: everything that an evaluation needs to know, in one frozen record.

`benchmarks/preliminary.py`, `aggregated.py`, `local.py` and `phantoms.py` return them. The
margin stands here since it must be set before anybody has seen a result.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cxr_demo.datasets.draw import Draw, Mix, Source, Views
from cxr_demo.models.cards import ModelCard, card, named_prompt
from cxr_demo.models.faults import UnknownPrompt
from cxr_demo.records import PipelineKind, Precision

MOST_FAILED = 0.05
"""Share of failed images past which an arm stops, unless a recipe says another."""


@dataclass(frozen=True)
class Arm:
    """One model at one precision through one pipeline. `prompt`: an id, None for the default."""

    model: str
    precision: Precision
    pipeline: PipelineKind
    prompt: str | None = None

    @property
    def asked(self) -> str:
        """The id of its prompt. Raises UnknownModel and UnknownPrompt."""
        return card(self.model).prompt(self.pipeline, self.prompt).id


@dataclass(frozen=True)
class Recipe:
    """What is asked for. Shares in 0..1.

    `trial_images` are timed per arm before the start, to say how long it will take; `timed_images`
    at batch 1 give the time per image; past `most_failed` failures the run stops. `replicates`,
    `level` and `seed` belong to the bootstrap; a candidate arm is not inferior if the interval of
    its difference in micro F1 stays above `-margin`. `prompts`: ids; a model that has some of them
    for a pipeline is asked each of these, in place of its default.
    """

    name: str
    draw: Draw
    models: tuple[str, ...]
    precisions: tuple[Precision, ...]
    pipelines: tuple[PipelineKind, ...]
    trial_images: int = 3
    timed_images: int = 50
    most_failed: float = MOST_FAILED
    replicates: int = 2000
    level: float = 0.95
    seed: int = 1
    margin: float = 0.02
    prompts: tuple[str, ...] = ()

    def arms(self) -> tuple[Arm, ...]:
        """All arms, those of one loaded model beside each other. Raises UnknownModel."""
        return tuple(
            Arm(model, precision, pipeline, prompt)
            for model in self.models
            for precision in self.precisions
            for pipeline in self.pipelines
            for prompt in self._asked(card(model), pipeline)
        )

    def check(self) -> None:
        """Raises UnknownModel, or UnknownPrompt for an id that no model has for any pipeline."""
        cards = [card(model) for model in self.models]
        known = [
            prompt.id
            for each in cards
            for kind in self.pipelines
            for prompt in each.prompts_of(kind)
        ]
        for id in self.prompts:
            if id not in known:
                names = ", ".join(each.name for each in cards)
                raise UnknownPrompt(prompt=id, model=names, known=", ".join(dict.fromkeys(known)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` gives the same recipe back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if not self.prompts:
            del plain["prompts"]
        return plain

    def _asked(self, about: ModelCard, kind: PipelineKind) -> list[str | None]:
        wanted = [each.id for each in about.prompts_of(kind) if each.id in self.prompts]
        return [named_prompt(about.id, kind, each) for each in wanted] or [None]

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
            "prompts": tuple(str(each) for each in record.get("prompts", ())),
        }
        return Recipe(**{**record, **lists, "draw": Draw(**drawn)})
