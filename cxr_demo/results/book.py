"""The store as boards: what may stand on one figure; points at once, intervals as they come.

One thread reads the store and computes points; a child process computes intervals (`desk`). Rows
are kept in memory as long as they have not changed.
"""

import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.paths import private_dir
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results import asked, brought, loading, scoring, study
from cxr_demo.results.cache import Cache
from cxr_demo.results.desk import Desk, State
from cxr_demo.results.records import (
    DIRECT,
    Arm,
    ArmResult,
    ArmRows,
    Board,
    BoardName,
    Pair,
    PairResult,
    Trivial,
)
from cxr_demo.results.resampling import Settings, Task, difference_of, intervals_of
from cxr_demo.results.twins import Twins
from cxr_demo.results.watch import Watch
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import ArmRun, Group

T = TypeVar("T")

LABELERS = (study.CHEXBERT, "rules")
"""The labelers of reports, the leading one first."""

_KEPT_ROWS = 24
_KEPT_SCORES = 48
_OLDER: Pair = (
    "{count} older runs with other weights or another engine are not shown.",
    "{count} execuções mais antigas, com outros pesos ou outro motor, não aparecem.",
)


class Book:
    """One per process; every method may be called from any thread."""

    def __init__(self, store: Path | None = None, kept: Path | None = None) -> None:
        """`store`: the file with the evaluations; `kept`: the folder for computed intervals."""
        self._path = store or store_path()
        self._desk = Desk(kept or private_dir() / "intervals")
        self._lane = ThreadPoolExecutor(1, "results")
        self._reader: StoreReader | None = None
        self.closed = False
        self._images, self._rows = Cache(2), Cache(_KEPT_ROWS)
        self._scores, self._pair_scores = Cache(_KEPT_SCORES), Cache(_KEPT_SCORES)
        self._asked = Cache(_KEPT_SCORES)
        self._twins = Twins(self._path)
        self._watch = Watch(self._path, (self._desk, self._twins))

    def token(self) -> str:
        """Changes when there is something new to show: rows, states, intervals. Cheap, for
        polling; while rows keep coming it changes only as often as boards may be built anew."""
        return self._watch.token()

    def boards(self) -> tuple[BoardName, ...]:
        """What there is to show, the newest first."""
        return self._in_lane(lambda reader: tuple(_names(reader)))

    def board(self, name: str, labeler: str, policy: UncertaintyPolicy) -> Board:
        """The board of group `name` as it stands now. Raises KeyError for an unknown group."""
        begun = time.monotonic()
        found = self._in_lane(lambda reader: self._board(reader, name, labeler, policy))
        self._watch.took(time.monotonic() - begun)
        return found

    def with_answers(self, board: Board, run: str | None = None) -> Board:
        """The same board with answers to yes/no questions, of one run or of all that were asked.
        Up to a second for each of them, once."""
        return self._in_lane(lambda reader: self._with_answers(reader, board, run))

    def slices(
        self, name: str, run: str, labeler: str, policy: UncertaintyPolicy
    ) -> dict[str, dict[str, ArmResult]]:
        """An arm's results by column ("dataset", "view", "sex", "age", "held_out") and value.
        Raises KeyError for an unknown group or run."""
        return self._in_lane(lambda reader: self._slices(reader, name, run, labeler, policy))

    def read(self, work: Callable[[StoreReader], T]) -> T:
        """Run `work` on the store, in the one thread that reads it."""
        return self._in_lane(work)

    def wait(self, seconds: float) -> bool:
        """Until all intervals that were asked for are there; false if it took longer."""
        end = time.monotonic() + seconds
        while self._twins.waiting and time.monotonic() < end:
            time.sleep(0.02)
        return self._desk.wait(max(0.0, end - time.monotonic())) and not self._twins.waiting

    def close(self) -> None:
        """End the threads and the child. A second time nothing happens."""
        if self.closed:
            return
        self.closed = True
        self._desk.close()
        self._twins.close()
        self._watch.close()
        self._lane.submit(self._close_reader).result()
        self._lane.shutdown()

    # ------------------------------------------------------------ in the lane

    def _in_lane(self, work: Callable[[StoreReader], T]) -> T:
        def task() -> T:
            if self._reader is None:
                self._reader = StoreReader(self._path)
            return work(self._reader)

        return self._lane.submit(task).result()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _board(
        self, reader: StoreReader, name: str, labeler: str, policy: UncertaintyPolicy
    ) -> Board:
        group, runs = _group(reader, name)
        shown = _newest(runs)
        results = [self._result(reader, group, each, labeler, policy) for each in shown]
        arms = tuple(each for each in results if not each.arm.stand_in)
        bare = self._without_images(reader, group)
        pairs = tuple(
            brought.pairs(arms) if bare else self._pairs(reader, group, shown, arms, policy)
        )
        computing = any(each.computing for each in arms) or any(each.computing for each in pairs)
        older = len(runs) - len(shown)
        recipe, synthetic = group.name, group.synthetic
        frontal = group.recipe.get("draw", {}).get("views") == "frontal"
        remarks = study.remarks(recipe, labeler, synthetic, arms, results)
        if older:
            remarks.append((_OLDER[0].format(count=older), _OLDER[1].format(count=older)))
        return Board(
            name=_name(reader, group, runs),
            labeler=labeler,
            policy=policy,
            arms=arms,
            pairs=pairs,
            trivial=_trivial(arms),
            references=tuple(study.references(recipe, labeler, synthetic, frontal)),
            stand_ins=tuple(each for each in results if each.arm.stand_in),
            remarks=tuple(remarks),
            computing=computing,
        )

    def _result(
        self,
        reader: StoreReader,
        group: Group,
        run: ArmRun,
        labeler: str,
        policy: UncertaintyPolicy,
    ) -> ArmResult:
        arm = loading.arm(run, group)
        by = loading.labeler_of(arm, labeler)
        if arm.stand_in:
            return ArmResult(arm, by, policy)
        if self._without_images(reader, group):
            return brought.result(arm, by, policy)
        score = self._score(reader, group, run, by, policy)
        return self._with_interval(arm, by, policy, score)

    def _with_answers(self, reader: StoreReader, board: Board, run: str | None) -> Board:
        group, runs = _group(reader, board.name.id)
        images, settings, policy = self._manifest(reader, group), settings_of(group), board.policy
        found = {}
        for each in runs if len(images.patients) else ():
            if run in (None, each.id):
                key = (each.id, *asked.stamp(reader, each.id), policy, settings)
                make = partial(asked.answered, reader, each, images, policy, settings)
                found[each.id] = self._asked.get(key, make)
        return asked.filled(board, found)

    def _without_images(self, reader: StoreReader, group: Group) -> bool:
        """Whether the image list is not here: all of the group's runs come from elsewhere."""
        return not len(self._manifest(reader, group).patients)

    def _score(
        self, reader: StoreReader, group: Group, run: ArmRun, by: str, policy: UncertaintyPolicy
    ) -> scoring.ArmScore | None:
        settings = settings_of(group)

        def make() -> scoring.ArmScore | None:
            rows = self._arm_rows(reader, group, run, by)
            return None if rows is None else scoring.score_arm(rows.rows, policy, settings)

        return self._scores.get((*_stamp(run), by, policy, settings), make)

    def _with_interval(
        self, arm: Arm, by: str, policy: UncertaintyPolicy, score: scoring.ArmScore | None
    ) -> ArmResult:
        if score is None:
            return ArmResult(arm, by, policy)
        arrays, computing = self._ask(score.task)
        return ArmResult(
            arm,
            by,
            policy,
            figures=score.figures,
            counts=score.whole,
            intervals=None if arrays is None else intervals_of(arrays),
            computing=computing,
        )

    def _ask(self, task: Task | None) -> tuple[Any, bool]:
        if task is None:
            return None, False
        state, arrays = self._desk.ask(task)
        return arrays, state is State.COMPUTING

    def _arm_rows(self, reader: StoreReader, group: Group, run: ArmRun, by: str) -> ArmRows | None:
        def make() -> dict[str, ArmRows]:
            return loading.all_rows(self._manifest(reader, group), reader.outcomes(run.id))

        return self._rows.get(_stamp(run), make).get(by)

    def _manifest(self, reader: StoreReader, group: Group) -> loading.Images:
        return self._images.get(
            group.manifest_sha256, lambda: loading.images(reader.manifest(group.id))
        )

    def _pairs(
        self,
        reader: StoreReader,
        group: Group,
        runs: list[ArmRun],
        results: tuple[ArmResult, ...],
        policy: UncertaintyPolicy,
    ) -> list[PairResult]:
        by_run = {each.id: each for each in runs}
        found = []
        for reference in results:
            if reference.arm.precision is not Precision.BF16:
                continue
            for candidate in results:
                if candidate is reference or _of(candidate.arm) != _of(reference.arm):
                    continue
                runs_of = by_run[candidate.arm.run], by_run[reference.arm.run]
                pair = self._pair(reader, group, runs_of, candidate, reference, policy)
                found += [pair] if pair is not None else []
        return found

    def _pair(
        self,
        reader: StoreReader,
        group: Group,
        runs: tuple[ArmRun, ArmRun],
        candidate: ArmResult,
        reference: ArmResult,
        policy: UncertaintyPolicy,
    ) -> PairResult | None:
        settings, by = settings_of(group), candidate.labeler
        stamps = _stamp(runs[0]), _stamp(runs[1])

        def make() -> scoring.PairScore | None:
            rows = [self._arm_rows(reader, group, each, by) for each in runs]
            scores = [self._score(reader, group, each, by, policy) for each in runs]
            if None in (*rows, *scores):
                return None
            first, second = zip(rows, scores, strict=True)
            return scoring.score_pair(first, second, settings)  # type: ignore[arg-type]

        score = self._pair_scores.get((*stamps, by, policy, settings), make)
        if score is None:
            return None
        arrays, computing = self._ask(score.task)
        identical, counting = self._twins.ask(*stamps, score.images)
        margin = float(group.recipe.get("margin", 0.02))
        difference = None if arrays is None else difference_of(arrays, margin)
        return scoring.pair_result(
            candidate, reference, score, margin, difference, identical, computing or counting
        )

    def _slices(
        self, reader: StoreReader, name: str, run: str, labeler: str, policy: UncertaintyPolicy
    ) -> dict[str, dict[str, ArmResult]]:
        group, runs = _group(reader, name)
        chosen = next((each for each in runs if each.id == run), None)
        if chosen is None:
            raise KeyError(run)
        arm = loading.arm(chosen, group)
        by = loading.labeler_of(arm, labeler)
        if self._without_images(reader, group):
            return brought.slices(arm, by, policy)
        there = None if arm.stand_in else self._arm_rows(reader, group, chosen, by)
        if there is None:
            return {}
        masks = self._manifest(reader, group).masks(arm, there.positions)
        settings = settings_of(group)
        return {
            column: {
                value: self._with_interval(arm, by, policy, score)
                for value, score in scoring.score_masks(
                    there.rows, by_value, policy, settings
                ).items()
            }
            for column, by_value in masks.items()
        }


@lru_cache(maxsize=1)
def _shared(path: Path) -> Book:
    return Book(path)


def shared() -> Book:
    """This process's book of the user's store: one for all screens, so that rows lie in memory
    once. After `close` there is a new one."""
    if _shared(store_path()).closed:
        _shared.cache_clear()
    return _shared(store_path())


def settings_of(group: Group) -> Settings:
    """The recipe's settings of the bootstrap."""
    standard = Settings()
    return Settings(
        int(group.recipe.get("replicates", standard.replicates)),
        float(group.recipe.get("level", standard.level)),
        int(group.recipe.get("seed", standard.seed)),
    )


def _group(reader: StoreReader, name: str) -> tuple[Group, list[ArmRun]]:
    group = reader.group(name)
    if group is None:
        raise KeyError(name)
    return group, reader.arms(name)


def _names(reader: StoreReader) -> list[BoardName]:
    return [_name(reader, each, reader.arms(each.id)) for each in reader.groups()]


def _name(reader: StoreReader, group: Group, runs: list[ArmRun]) -> BoardName:
    shown = _newest(runs)
    reports = [each for each in shown if each.pipeline == PipelineKind.REPORT]
    named = {labeler for run in reports for labeler in reader.labelers(run.id)}
    found = tuple(each for each in LABELERS if each in named)
    return BoardName(
        id=group.id,
        recipe=group.name,
        composition=group.composition,
        manifest=group.manifest_sha256,
        synthetic=group.synthetic,
        images=group.images,
        labelers=found or (LABELERS[-1] if reports else DIRECT,),  # rules label as reports come
        runs=tuple(each.id for each in shown),
        state=group.state,
        created=group.created,
    )


def _newest(runs: list[ArmRun]) -> list[ArmRun]:
    """The last run of each arm; one that was taken in stands beside one that was measured here."""
    found = {
        (run.model, run.precision, run.pipeline, bool(run.facts.get("imported"))): run
        for run in runs
    }
    return list(found.values())


def _of(arm: Arm) -> tuple[Hashable, ...]:
    """What the two arms of a pair have in common."""
    return arm.model, arm.pipeline, arm.origin


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
