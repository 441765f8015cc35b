"""What was asked for, checked: a recipe, folders of data sets, options; and the group's name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cxr_demo.datasets import DATASETS
from cxr_demo.datasets.recipe import Arm, Recipe
from cxr_demo.evaluation.faults import DataFolderMissing, RecipeUnknown

PHANTOMS = "phantoms"
"""In place of data sets' folders: how many phantoms to draw per table."""

MOST_PHANTOMS = 10_000
MOST_SLOTS = 256
MOST_AGAIN = 1_000


@dataclass(frozen=True)
class Options:
    """How to run it; nothing here changes what is measured.

    `trial`: time a few images per arm and pause. `slots`: images in a batch, None for the device's
    default. `timed`: measure memory and time per image in a process of its own. `labelers`: "all"
    that are there, or "rules". `force`: (least, most) tokens of a reply, for checkpoints with
    random weights only, whose replies have no end of their own. `probabilities`: also ask the
    yes/no questions, and write a calibration. `again`: images that are read once more after a
    resume, None for the device's default.
    """

    trial: bool = False
    slots: int | None = None
    timed: bool = True
    labelers: str = "all"
    force: tuple[int, int] | None = None
    probabilities: bool = False
    again: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """From JSON. Raises RecipeUnknown."""
        try:
            force = given.get("force")
            made = cls(**{**given, "force": None if force is None else (int(force[0]), force[1])})
            fits = made.slots is None or 1 <= made.slots <= MOST_SLOTS
            least, most = made.force or (1, 1)
            fits = fits and (made.again is None or 0 <= made.again <= MOST_AGAIN)
            if not fits or made.labelers not in ("all", "rules") or not 1 <= least <= most:
                raise ValueError("out of range")
        except (TypeError, ValueError, IndexError) as error:
            raise RecipeUnknown(detail=f"options: {error}") from error
        return made


@dataclass(frozen=True)
class Plan:
    """One evaluation before any image was looked at."""

    recipe: Recipe
    data: dict[str, str]
    options: Options = field(default_factory=Options)

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Plan":
        """From `{"recipe", "data", "options"}` as JSON. Raises RecipeUnknown, DataFolderMissing,
        UnknownModel and UnknownPrompt."""
        try:
            recipe = Recipe.from_dict(asked["recipe"])
            data = {str(name): str(place) for name, place in asked["data"].items()}
            if set(asked) - {"recipe", "data", "options"}:
                raise KeyError("recipe, data, options")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RecipeUnknown(detail=f"{type(error).__name__}: {error}") from error
        made = cls(recipe, data, Options.of(asked.get("options") or {}))
        made.check()
        return made

    def check(self) -> None:
        """Whether models, prompts and folders are known. Raises as `of`."""
        if not self.recipe.arms():
            raise RecipeUnknown(detail="no arms")
        self.recipe.check()
        for source in self.recipe.draw.sources:
            known = DATASETS.get(source.dataset)
            if known is None or source.part not in known.PARTS:
                raise RecipeUnknown(detail=f"{source.dataset} {source.part}")
        if self.phantoms is None:
            for source in self.recipe.draw.sources:
                place = self.data.get(source.dataset)
                if place is None or not Path(place).is_dir():
                    raise DataFolderMissing(dataset=DATASETS[source.dataset].TITLE)

    @property
    def phantoms(self) -> int | None:
        """How many phantoms per table, if it runs on drawn images. Raises RecipeUnknown."""
        if PHANTOMS not in self.data:
            return None
        try:
            count = int(self.data[PHANTOMS])
        except ValueError as error:
            raise RecipeUnknown(detail=PHANTOMS) from error
        if not 1 <= count <= MOST_PHANTOMS or len(self.data) > 1:
            raise RecipeUnknown(detail=f"{PHANTOMS} 1..{MOST_PHANTOMS}")
        return count

    def loads(self) -> list[tuple[Arm, ...]]:
        """The arms by what must be loaded for them: one model at one precision each."""
        found: dict[tuple[str, str], list[Arm]] = {}
        for arm in self.recipe.arms():
            found.setdefault((arm.model, arm.precision), []).append(arm)
        return [tuple(each) for each in found.values()]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `of` gives the same plan back."""
        return {
            "recipe": self.recipe.to_dict(),
            "data": self.data,
            "options": asdict(self.options),
        }

    def group_id(self, manifest_sha256: str) -> str:
        """The group's name: the same draw of the same images is the same group, whatever models
        and options. 16 hexadecimal digits."""
        draw = json.loads(json.dumps(asdict(self.recipe.draw)))
        facts = [self.recipe.name, draw, manifest_sha256, self.options.force]
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
