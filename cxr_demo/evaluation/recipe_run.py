"""A recipe at work, as steps that a process with a device takes one by one.

    images (drawn, listed) -> per model and precision: [read -> label] per pipeline, then measure

Everything lies in the store, so that whoever takes the next step may be another process. A trial
reads a few images of every arm, measures, and pauses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cxr_demo.datasets import DATASETS
from cxr_demo.datasets.base import locate
from cxr_demo.datasets.recipe import Arm
from cxr_demo.errors import CxrError
from cxr_demo.evaluation import asking, grouping, images, rank_files, steps
from cxr_demo.evaluation.along import Along
from cxr_demo.evaluation.arm_run import ArmRun, Setting
from cxr_demo.evaluation.faults import NothingToResume
from cxr_demo.evaluation.feeder import Place
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.progress import ArmStatus, Progress, RunPhase
from cxr_demo.records import Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import ArmRun as StoredArm
from cxr_demo.store.records import Group


class RecipeRun:
    """An evaluation at work: whoever owns a device calls `advance` until it is false.

    Made with a plan, or with the group that goes on. `lane` changes what a rank does: it reads its
    share into a file of its own, and neither labels nor measures. `ask_fit`: before each model
    comes to the device it is asked whether it fits still; an arm that does not is not started.
    """

    kind = "recipe"

    def __init__(
        self,
        plan: Plan,
        store: EvaluationStore,
        group: str | None = None,
        lane: Callable[[Setting], Setting] = lambda setting: setting,
        whole: bool = True,
        ask_fit: bool = False,
    ) -> None:
        self._plan, self._store, self._lane, self._whole = plan, store, lane, whole
        self._ask_fit = ask_fit
        self.group = group
        self.arms = [ArmRun(arm, _NOTHING, store) for load in plan.loads() for arm in load]
        self._errors: dict[int, CxrError] = {}
        self._known: dict[int, ArmStatus] = {}
        self._at: int | None = None
        self._phase: RunPhase | None = RunPhase.PREPARING
        self._fraction: float | None = None
        self._swap: float | None = None
        self._halted: Callable[[], bool] = lambda: False
        self._steps: Iterator[None] | None = None
        self._measuring: steps.Measuring | None = None
        self._along = Along(store, plan.options.labelers if whole else "rules")
        self.paused_by_trial = False

    # ------------------------------------------------------------ what the process calls

    def advance(self, host: Host, should_stop: Callable[[], bool]) -> bool:
        """Take one step; false when nothing is left, or after a stop."""
        self._halted = should_stop
        if self._steps is None:
            self._steps = self._work(host)
        for _ in self._steps:
            return not should_stop()
        return False

    def make_way(self, model: str, precision: Precision) -> None:
        """A reading with that model comes first. What measures alone ends, and a batch of another
        model too; both begin again afterwards."""
        if self.at_work != (model, precision):
            self.release()
        elif self._measuring is not None:
            self._measuring.interrupt()

    def release(self) -> None:
        """What is on the device ends, to be begun again."""
        if self._measuring is not None:
            self._measuring.interrupt()
        if self._at is not None:
            self.arms[self._at].make_way()

    def is_of(self, asked: Mapping[str, Any]) -> bool:
        """Whether this is the evaluation that `asked` asks for, a trial of it or the whole."""
        plan, mine = Plan.of(asked), self._plan
        options = replace(plan.options, trial=mine.options.trial)
        return (plan.recipe, plan.data, options) == (mine.recipe, mine.data, mine.options)

    @property
    def at_work(self) -> tuple[str, Precision] | None:
        """Model and precision of the arm at work."""
        if self._at is None:
            return None
        arm = self.arms[self._at].arm
        return arm.model, arm.precision

    def end(self, state: str, error: CxrError | None = None) -> None:
        """Leave off: `state` is "finished", "stopped", "paused", "failed", or "running" for a
        process that ends while another one will go on."""
        if self._steps is not None:
            close = getattr(self._steps, "close", None)
            if close is not None:
                close()
        self._at = self._phase = None
        if self.group is None or state == "running":
            return
        self._store.set_group_state(self.group, state, None if error is None else error.to_dict())
        if state in ("stopped", "paused"):
            for arm in self.arms:
                if arm.run is not None and self._state(arm) == "running":
                    self._store.set_arm_state(arm.run, "stopped")
        self._known = {}

    def look_up(self) -> None:
        """Learn from the store how far the group is, without going on."""
        self.arms = [
            ArmRun(each.arm, self._setting(self.group or ""), self._store) for each in self.arms
        ]
        self._adopt()

    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            group=self.group,
            name=self._plan.recipe.name,
            arms=tuple(self._status(number) for number in range(len(self.arms))),
            at=self._at,
            phase=self._phase,
            fraction=self._fraction,
            swap_seconds=self._swap,
        )

    @property
    def left_out(self) -> bool:
        """Whether an arm was not started for want of room, or failed: the whole can go on once
        that is mended."""
        return bool(self._errors)

    # ------------------------------------------------------------ the work

    def _work(self, host: Host) -> Iterator[None]:
        yield from self._prepare()
        if self._plan.options.trial:
            yield from self._trial(host)
            return
        for numbers in self._loads():
            for number in numbers:
                yield from self._guarded(number, host, self._read)
            for number in numbers if self._whole else ():
                yield from self._guarded(number, host, self._label)
            for number in numbers[:1] if self._whole and self._plan.options.probabilities else ():
                yield from self._guarded(number, host, self._ask)
            for number in numbers if self._whole and self._plan.options.timed else ():
                yield from self._guarded(number, host, self._measure)
        self._at = None

    def _prepare(self) -> Iterator[None]:
        if self.group is None:
            for phase, fraction, group in grouping.prepare(self._plan, self._store):
                if group is not None:
                    rank_files.require_free(group)
                self._phase, self._fraction, self.group = phase, fraction, group
                yield
        if self.group is None:
            raise NothingToResume()
        if self._whole:
            rank_files.merge(self._store, self.group)  # of a launch that was killed
        setting = self._lane(self._setting(self.group))
        self.arms = [ArmRun(each.arm, setting, self._store) for each in self.arms]
        self._adopt()

    def _setting(self, group: str) -> Setting:
        found, listed = self._store.group(group), self._store.manifest(group)
        assert found is not None
        roots = {
            name: locate(DATASETS[name], place)
            for name, place in images.folders(self._plan).items()
        }
        pairs = zip(listed.datasets, listed.files, strict=True)
        places = tuple(Place(at, roots[name] / file) for at, (name, file) in enumerate(pairs))
        options = self._plan.options
        return Setting(
            group=group,
            places=places,
            most_failed=self._plan.recipe.most_failed,
            synthetic=found.synthetic,
            slots=options.slots,
            force=options.force,
            again=options.again,
        )

    def _adopt(self) -> None:
        """Arms that another process has begun are known by their runs before they are loaded."""
        for stored in self._store.arms(self.group or ""):
            for arm in self.arms:
                if stored.current and _same(arm.arm, stored):
                    arm.run = stored.id
        self._known = {}

    def _trial(self, host: Host) -> Iterator[None]:
        for numbers in self._loads():
            for number in numbers:
                yield from self._guarded(number, host, self._try)
            for number in numbers if self._plan.options.timed else ():
                yield from self._guarded(number, host, self._measure)
        self.paused_by_trial = True

    def _guarded(
        self, number: int, host: Host, work: Callable[[int, Host], Iterator[None]]
    ) -> Iterator[None]:
        """One arm's trouble does not end the others."""
        if number in self._errors or self._halted():
            return
        self._at, arm = number, self.arms[number]
        try:
            yield from work(number, host)
        except Exception as error:  # noqa: BLE001 - in words, or as what ends this process
            told = error if isinstance(error, CxrError) else None
            self._errors[number] = told or host.translate(error, arm.arm.model)
            if arm.run is not None and self._whole:  # of a rank's share the finishing worker judges
                self._store.set_arm_state(arm.run, "failed")
                self._store.set_facts(arm.run, error=self._errors[number].to_dict())
        finally:
            self._known[number] = self._look_up(number)

    def _read(self, number: int, host: Host, most: int | None = None) -> Iterator[None]:
        arm = self.arms[number]
        if arm.run is not None and not arm.left(arm.run):
            stored = self._store.arm(arm.run)
            failed = stored is not None and stored.state == "failed"  # it may be mended by now
            if stored is not None and not failed and steps.is_of_today(stored, arm.arm):
                arm.judge(arm.run)
                return
        if self._ask_fit:
            host.require_room(arm.arm.model, arm.arm.precision, arm.took())
        self._phase = RunPhase.LOADING
        yield
        for _ in arm.steps(host, self._halted, most):
            self._phase = RunPhase.COMPARING if arm.comparing else RunPhase.READING
            self._swap = host.load_seconds
            if arm.run is not None and not arm.comparing:
                self._along.take(arm.run, arm.arm.pipeline, host)
            yield

    def _try(self, number: int, host: Host) -> Iterator[None]:
        arm, least = self.arms[number], self._plan.recipe.trial_images
        yield from self._read(number, host, max(least, arm.slots_on(host)))
        if arm.run is not None and arm.rate:
            self._store.set_facts(arm.run, estimate={"seconds": arm.total / arm.rate})

    def _label(self, number: int, host: Host) -> Iterator[None]:
        arm = self.arms[number]
        if arm.run is None:
            return
        self._phase = RunPhase.LABELLING
        kind, labelers = arm.arm.pipeline, self._plan.options.labelers
        for _ in steps.label(self._store, arm.run, kind, host.device, labelers):
            yield
            if self._halted():
                return
        if len(self._store.done(arm.run)) >= arm.total:
            self._store.set_arm_state(arm.run, "finished")

    def _ask(self, number: int, host: Host) -> Iterator[None]:
        """The questions know no pipeline, so the first arm of a model and precision suffices."""
        arm = self.arms[number]
        if arm.run is None:
            return
        for _ in asking.ask(self._store, arm, host, self._halted):
            self._phase = RunPhase.ASKING
            yield
        if not self._halted():
            asking.conclude(self._store, self.group or "", arm.run)

    def _measure(self, number: int, host: Host) -> Iterator[None]:
        arm, plan = self.arms[number], self._plan
        if arm.run is None:
            return
        wanted, labelers = plan.recipe.timed_images, plan.options.labelers
        self._measuring = steps.Measuring(self._store, arm, wanted, labelers, host, self._halted)
        try:
            for fraction in self._measuring.work():
                self._phase, self._fraction = RunPhase.MEASURING, fraction
                yield
        finally:
            self._measuring.interrupt()
            self._measuring, self._fraction = None, None

    # ------------------------------------------------------------ what is told

    def _loads(self) -> list[list[int]]:
        """The places in `arms` of those that share a loaded model."""
        numbers = iter(range(len(self.arms)))
        return [[next(numbers) for _ in load] for load in self._plan.loads()]

    def _state(self, arm: ArmRun) -> str:
        stored = None if arm.run is None else self._store.arm(arm.run)
        return "waiting" if stored is None else stored.state

    def _status(self, number: int) -> ArmStatus:
        """From the store where nothing changes, and from the arm itself where it works."""
        known = self._known.get(number) or self._look_up(number)
        self._known[number] = known
        arm = self.arms[number]
        if number != self._at or arm.run is None or self._phase is not RunPhase.READING:
            return known
        tally, rate = arm.tally, arm.rate or known.rate
        return replace(
            known,
            run=arm.run,
            state="running",
            done=tally.done,
            failed=tally.failed,
            unparsed=tally.unparsed,
            rate=rate,
            estimate=known.estimate if rate is None else arm.total / rate,
            remaining=None if rate is None else (arm.total - tally.done) / rate,
        )

    def _look_up(self, number: int) -> ArmStatus:
        arm, error = self.arms[number], self._errors.get(number)
        made = ArmStatus(
            run=arm.run,
            model=arm.arm.model,
            precision=arm.arm.precision,
            pipeline=arm.arm.pipeline,
            prompt=arm.arm.prompt,
            state="waiting" if error is None else "failed",
            done=0,
            total=arm.total,
            error=None if error is None else error.to_dict(),
        )
        stored = None if arm.run is None else self._store.arm(arm.run)
        if stored is None:
            return made
        return steps.status(made, stored, self._store.counts(stored.id)[2])


_NOTHING = Setting(group="", places=(), most_failed=1.0, synthetic=False)


def resumed(group: Group) -> Plan:
    """The plan with which a group goes on. Raises what `Plan.of` raises."""
    return Plan.of({"recipe": group.recipe, "data": group.data, "options": group.options})


def _same(arm: Arm, stored: StoredArm) -> bool:
    here = (arm.model, str(arm.precision), str(arm.pipeline), arm.asked)
    return here == (stored.model, stored.precision, stored.pipeline, stored.prompt)
