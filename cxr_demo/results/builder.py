"""One group of the store as a board, by one labeler and one policy.

Points are computed here, at once; intervals are asked of the desk, which answers when it has them.
What took a while is kept, under a stamp that changes with the rows.
"""

from collections.abc import Hashable
from functools import cached_property, partial
from typing import Any

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.records import Precision
from cxr_demo.results import asked, brought, loading, names, scoring, study
from cxr_demo.results.cache import Cache
from cxr_demo.results.desk import Desk, State
from cxr_demo.results.records import Arm, ArmResult, ArmRows, Board, Pair, PairResult, Trivial
from cxr_demo.results.resampling import Settings, Task, difference_of, intervals_of
from cxr_demo.results.twins import Twins
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun

_KEPT_ROWS = 24
_KEPT_SCORES = 48
_OLDER: Pair = (
    "{count} older runs with other weights or another engine are not shown.",
    "{count} execuções mais antigas, com outros pesos ou outro motor, não aparecem.",
)


class Kept:
    """What all builders share. Belongs to the thread that builds."""

    def __init__(self, desk: Desk, twins: Twins) -> None:
        self.desk, self.twins = desk, twins
        self.images, self.rows = Cache(2), Cache(_KEPT_ROWS)
        self.scores, self.pair_scores = Cache(_KEPT_SCORES), Cache(_KEPT_SCORES)
        self.asked = Cache(_KEPT_SCORES)


class Builder:
    """Raises KeyError for an unknown group."""

    def __init__(
        self, reader: StoreReader, kept: Kept, group: str, labeler: str, policy: UncertaintyPolicy
    ) -> None:
        found = reader.group(group)
        if found is None:
            raise KeyError(group)
        self._reader, self._kept, self._group = reader, kept, found
        self._labeler, self._policy = labeler, policy
        self._runs = reader.arms(group)

    def board(self) -> Board:
        """Everything of the group that may stand on one figure."""
        group = self._group
        shown = names.newest(self._runs)
        results = [self._result(each) for each in shown]
        arms = tuple(each for each in results if not each.arm.stand_in)
        pairs = tuple(brought.pairs(arms) if self._bare else self._pairs(shown, arms))
        computing = any(each.computing for each in arms) or any(each.computing for each in pairs)
        older = len(self._runs) - len(shown)
        recipe, synthetic = group.name, group.synthetic
        frontal = group.recipe.get("draw", {}).get("views") == "frontal"
        remarks = study.remarks(recipe, self._labeler, synthetic, arms, results)
        if older:
            remarks.append((_OLDER[0].format(count=older), _OLDER[1].format(count=older)))
        return Board(
            name=names.board_name(self._reader, group, self._runs),
            labeler=self._labeler,
            policy=self._policy,
            arms=arms,
            pairs=pairs,
            trivial=_trivial(arms),
            references=tuple(study.references(recipe, self._labeler, synthetic, frontal)),
            stand_ins=tuple(each for each in results if each.arm.stand_in),
            remarks=tuple(remarks),
            computing=computing,
        )

    def answered(self, board: Board, run: str | None) -> Board:
        """`board` with the answers to yes/no questions, of `run` or of all."""
        found = {}
        for each in self._runs:
            if run not in (None, each.id):
                continue
            if each.facts.get("carried"):
                found[each.id] = brought.answered(each, self._policy)
            elif not self._bare:
                key = (each.id, *asked.stamp(self._reader, each.id), self._policy, self._settings)
                make = partial(
                    asked.answered, self._reader, each, self._images, self._policy, self._settings
                )
                found[each.id] = self._kept.asked.get(key, make)
        return asked.filled(board, found)

    def slices(self, run: str) -> dict[str, dict[str, ArmResult]]:
        """Results of `run` by column and value. Raises KeyError for an unknown run."""
        chosen = next((each for each in self._runs if each.id == run), None)
        if chosen is None:
            raise KeyError(run)
        arm = loading.arm(chosen, self._group)
        by = loading.labeler_of(arm, self._labeler)
        if self._bare:
            return brought.slices(arm, by, self._policy)
        there = None if arm.stand_in else self._rows(chosen, by)
        if there is None:
            return {}
        masks = self._images.masks(arm, there.positions)
        return {
            column: {
                value: self._with_interval(arm, by, score)
                for value, score in scoring.score_masks(
                    there.rows, by_value, self._policy, self._settings
                ).items()
            }
            for column, by_value in masks.items()
        }

    @cached_property
    def _images(self) -> loading.Images:
        group = self._group
        return self._kept.images.get(
            group.manifest_sha256, lambda: loading.images(self._reader.manifest(group.id))
        )

    @property
    def _bare(self) -> bool:
        """Whether the image list is not here: all of the group's runs come from elsewhere."""
        return not len(self._images.patients)

    @cached_property
    def _settings(self) -> Settings:
        recipe, standard = self._group.recipe, Settings()
        return Settings(
            int(recipe.get("replicates", standard.replicates)),
            float(recipe.get("level", standard.level)),
            int(recipe.get("seed", standard.seed)),
        )

    def _result(self, run: ArmRun) -> ArmResult:
        arm = loading.arm(run, self._group)
        by = loading.labeler_of(arm, self._labeler)
        if arm.stand_in:
            return ArmResult(arm, by, self._policy)
        if self._bare:
            return brought.result(arm, by, self._policy)
        return self._with_interval(arm, by, self._score(run, by))

    def _rows(self, run: ArmRun, by: str) -> ArmRows | None:
        def make() -> dict[str, ArmRows]:
            return loading.all_rows(self._images, self._reader.outcomes(run.id))

        return self._kept.rows.get(_stamp(run), make).get(by)

    def _score(self, run: ArmRun, by: str) -> scoring.ArmScore | None:
        def make() -> scoring.ArmScore | None:
            rows = self._rows(run, by)
            if rows is None:
                return None
            return scoring.score_arm(rows.rows, self._policy, self._settings)

        return self._kept.scores.get((*_stamp(run), by, self._policy, self._settings), make)

    def _with_interval(self, arm: Arm, by: str, score: scoring.ArmScore | None) -> ArmResult:
        if score is None:
            return ArmResult(arm, by, self._policy)
        arrays, computing = self._ask(score.task)
        return ArmResult(
            arm,
            by,
            self._policy,
            figures=score.figures,
            counts=score.whole,
            intervals=None if arrays is None else intervals_of(arrays),
            computing=computing,
        )

    def _ask(self, task: Task | None) -> tuple[Any, bool]:
        if task is None:
            return None, False
        state, arrays = self._kept.desk.ask(task)
        return arrays, state is State.COMPUTING

    def _pairs(self, runs: list[ArmRun], results: tuple[ArmResult, ...]) -> list[PairResult]:
        by_run = {each.id: each for each in runs}
        found = []
        for reference in results:
            if reference.arm.precision is not Precision.BF16:
                continue
            for candidate in results:
                if candidate is reference or _of(candidate.arm) != _of(reference.arm):
                    continue
                runs_of = by_run[candidate.arm.run], by_run[reference.arm.run]
                pair = self._pair(runs_of, candidate, reference)
                found += [pair] if pair is not None else []
        return found

    def _pair(
        self, runs: tuple[ArmRun, ArmRun], candidate: ArmResult, reference: ArmResult
    ) -> PairResult | None:
        by, stamps = candidate.labeler, (_stamp(runs[0]), _stamp(runs[1]))

        def make() -> scoring.PairScore | None:
            rows = [self._rows(each, by) for each in runs]
            scores = [self._score(each, by) for each in runs]
            if None in (*rows, *scores):
                return None
            first, second = zip(rows, scores, strict=True)
            return scoring.score_pair(first, second, self._settings)  # type: ignore[arg-type]

        key = (*stamps, by, self._policy, self._settings)
        score = self._kept.pair_scores.get(key, make)
        if score is None:
            return None
        arrays, computing = self._ask(score.task)
        identical, counting = self._kept.twins.ask(*stamps, score.images)
        margin = float(self._group.recipe.get("margin", 0.02))
        difference = None if arrays is None else difference_of(arrays, margin)
        return scoring.pair_result(
            candidate, reference, score, margin, difference, identical, computing or counting
        )


def _of(arm: Arm) -> tuple[Hashable, ...]:
    """What the two arms of a pair have in common."""
    return arm.model, arm.task, arm.origin


def _trivial(arms: tuple[ArmResult, ...]) -> Trivial | None:
    """Over the images of the arm that has most of them."""
    figures = [each.figures for each in arms if each.figures is not None]
    if not figures:
        return None
    widest = max(figures, key=lambda each: each.images)
    return Trivial(widest.everything_present, widest.no_finding_always)


def _stamp(run: ArmRun) -> tuple[Hashable, ...]:
    """Another one after anything about the run's rows has changed."""
    return run.id, run.done, run.failed, run.updated
