"""What is chosen on the screen, and the recipe and data that it asks for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.aggregated import SIZE, aggregated
from benchmarks.local import local
from benchmarks.preliminary import preliminary
from cxr_demo.datasets.draw import Mix, Views
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import CxrError
from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision, Prompt
from cxr_demo.ui.catalogue import WAYS, way

EMBEDDED = "embedded"
PHANTOMS = 234
"""As many as CheXpert's validation split has images."""

MOST_PHANTOMS = 2000
"""More of them say nothing new, and drawing them takes its time."""

EVALUATIONS = ("preliminary", "aggregated", "local", "phantoms")


class BadWish(CxrError):
    """The page asks for something that there is not."""

    code = "bench_bad_wish"
    en = "This choice cannot be run ({detail}): reload the page, and choose again."
    pt = "Esta escolha não pode ser executada ({detail}): recarregue a página e escolha de novo."


@dataclass(frozen=True)
class Wish:
    """The form. `size`: images of a draw, None for all; `count`: phantoms to draw; `course`: the
    recipe that the phantoms go through, "preliminary" or "aggregated". `ways`: how models that know
    several are asked, of `catalogue.WAYS`."""

    evaluation: str = "phantoms"
    models: tuple[str, ...] = (EMBEDDED,)
    precisions: tuple[Precision, ...] = (Precision.BF16, Precision.NF4)
    pipelines: tuple[PipelineKind, ...] = (PipelineKind.DIRECT, PipelineKind.REPORT)
    mix: Mix = Mix.PROPORTIONAL
    views: Views = Views.ALL
    size: int | None = None
    count: int = PHANTOMS
    course: str = "preliminary"
    ways: tuple[str, ...] = WAYS[:1]

    @staticmethod
    def of(record: Mapping[str, Any]) -> "Wish":
        """From the page's JSON, what is missing filled in. Raises BadWish."""
        start = Wish()
        try:
            wish = Wish(
                evaluation=str(record.get("evaluation", start.evaluation)),
                models=tuple(each for each in CARDS if each in record.get("models", start.models)),
                precisions=_chosen(Precision, record.get("precisions", start.precisions)),
                pipelines=_chosen(PipelineKind, record.get("pipelines", start.pipelines)),
                mix=Mix(record.get("mix", start.mix)),
                views=Views(record.get("views", start.views)),
                size=int(record["size"]) if record.get("size") else None,
                count=int(record.get("count") or start.count),
                course=str(record.get("course", start.course)),
                ways=tuple(each for each in WAYS if each in record.get("ways", start.ways)),
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise BadWish(detail=type(error).__name__) from error
        if wish.evaluation not in EVALUATIONS or wish.course not in EVALUATIONS[:2]:
            raise BadWish(detail="evaluation")
        return replace(
            wish,
            count=min(max(wish.count, 1), MOST_PHANTOMS),
            size=None if wish.size is None else max(wish.size, 1),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `of` gives the same wish back."""
        plain = asdict(self)
        return {
            key: [str(each) for each in value] if isinstance(value, tuple) else value
            for key, value in plain.items()
        }

    @property
    def arms(self) -> int:
        """How many arms it comes to."""
        return len(self._made().arms()) if self.ways else 0

    @property
    def offered_ways(self) -> tuple[str, ...]:
        """How the chosen models can be asked; one way is no choice."""
        known = {way(each) for each in self._prompts()}
        return tuple(each for each in WAYS if each in known)

    @property
    def prompts(self) -> tuple[str, ...]:
        """Ids in place of defaults; none where only defaults are wanted."""
        if self.ways == WAYS[:1]:
            return ()
        return tuple(dict.fromkeys(each.id for each in self._prompts() if way(each) in self.ways))

    def recipe(self) -> Recipe:
        """The recipe that it asks for. Raises BadWish without models, precisions, pipelines or ways
        to ask."""
        if not self.arms:
            raise BadWish(detail="0")
        return self._made()

    def data(self, folders: Mapping[str, str]) -> dict[str, str]:
        """Folders by data set, or how many phantoms. Raises KeyError if a folder is missing."""
        if self.evaluation == "phantoms":
            return {"phantoms": str(self.count)}
        return {each.dataset: folders[each.dataset] for each in self._recipe().draw.sources}

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """(data set, part) of every folder that is needed; none for phantoms."""
        if self.evaluation == "phantoms":
            return ()
        return tuple((each.dataset, each.part) for each in self._recipe().draw.sources)

    def _prompts(self) -> list[Prompt]:
        asked = [(CARDS[model], kind) for model in self.models for kind in self.pipelines]
        return [prompt for about, kind in asked for prompt in about.prompts_of(kind)]

    def _made(self) -> Recipe:
        return replace(self._recipe(), pipelines=self.pipelines, prompts=self.prompts)

    def _recipe(self) -> Recipe:
        kind = self.course if self.evaluation == "phantoms" else self.evaluation
        if kind == "preliminary":
            return preliminary(self.models, self.precisions)
        if kind == "local":
            return local(self.models, self.precisions, self.size)
        size = self.count if self.evaluation == "phantoms" else self.size or SIZE
        return aggregated(self.models, self.precisions, self.mix, self.views, size)


def _chosen(kind: Any, given: Any) -> tuple[Any, ...]:
    """Those members of `kind` that are in `given`, in the order of `kind`. Raises ValueError."""
    wanted = {kind(each) for each in given}
    return tuple(each for each in kind if each in wanted)
