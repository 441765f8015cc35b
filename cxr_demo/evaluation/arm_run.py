"""One arm at work: sessions until all its images are read, through out-of-memory, readings of the
screen and images that end the process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cxr_demo.datasets.recipe import Arm
from cxr_demo.errors import CxrError, OutOfMemory, WorkerDied
from cxr_demo.evaluation import again, labelling
from cxr_demo.evaluation.facts import Batch, describe
from cxr_demo.evaluation.feeder import Place, decoders
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.session import Session, Task, refusal, too_many
from cxr_demo.evaluation.signature import signature
from cxr_demo.evaluation.writer import Tally, Writer
from cxr_demo.models.base import Model
from cxr_demo.models.cards import card
from cxr_demo.store.connection import moment
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Row
from cxr_demo.studies.pool import DecodePool

GPU_SLOTS, CPU_SLOTS = 32, 8
"""Images in a batch where nothing is known of the memory that they take."""
FAILURES = "failures"
"""Key of a run's JSON for one record of each error that images failed with, by code."""
MOST_TRIES = 3
"""Sessions that may end with the process, without a new row, before images are taken one by one."""


@dataclass(frozen=True)
class Setting:
    """What all arms of a group share. `rank` of `ranks` reads every `ranks`-th image that was left
    when the ranks were started (`left` tells which); alone it is 0 of 1. `again`: images that are
    read once more after a resume, None for the device's default."""

    group: str
    places: tuple[Place, ...]
    most_failed: float
    synthetic: bool
    slots: int | None = None
    force: tuple[int, int] | None = None
    again: int | None = None
    rank: int = 0
    ranks: int = 1
    launch: str = "alone"
    done: Callable[[str], set[int]] = lambda run: set()

    @property
    def lane(self) -> str:
        """The name of this process's share of a run."""
        return f"{self.launch}/{self.rank}"


class ArmRun:
    """Reads one arm. `steps` yields after each reply; `make_way` ends the session that runs, so
    that the device can be emptied, and the next step begins another."""

    def __init__(self, arm: Arm, setting: Setting, store: EvaluationStore) -> None:
        self.arm, self._setting, self._store = arm, setting, store
        self.run: str | None = None
        self.tally = Tally()
        self.rate: float | None = None
        self._session: Session | None = None
        self._interrupted = self._begun = False
        self._slots: int | None = setting.slots
        self._resume: str | None = None
        self._to_compare: list[int] = []
        self.comparing = False

    @property
    def total(self) -> int:
        """Images of the arm."""
        return len(self._setting.places)

    @property
    def places(self) -> tuple[Place, ...]:
        """The arm's images by position."""
        return self._setting.places

    def took(self) -> int | None:
        """Bytes of the device's peak over its baseline in this arm's batches so far; None before it
        has any, and without a GPU."""
        stored = None if self.run is None else self._store.arm(self.run)
        batch = (stored.facts.get("batch") if stored else None) or {}
        peak, base = batch.get("vram_device_peak"), batch.get("vram_device_baseline")
        return None if peak is None or base is None else int(peak - base)

    def slots_on(self, host: Host) -> int:
        """Images in a batch: as asked for, as an out-of-memory left it, or as many as the device
        holds."""
        if self._slots is not None:
            return self._slots
        if host.device == "cpu":
            return CPU_SLOTS
        arm, mine = self.arm, -(-self.total // self._setting.ranks)
        new = card(arm.model).prompt(arm.pipeline, arm.prompt).max_new_tokens
        return host.batch(arm.model, arm.precision, new, mine) or GPU_SLOTS

    def open(self, model: Model) -> str:
        """The run of this arm with the loaded `model`, noted in the store."""
        signed = signature(model, self.arm.pipeline, self.arm.prompt)
        arm = self.arm
        run = self._store.open_arm(
            self._setting.group, arm.model, arm.precision, arm.pipeline, signed, self.total
        )
        known = self._store.arm(run)
        facts = describe(model, self._setting.synthetic)
        if known is not None and known.state == "failed":  # its folder may be mended by now
            read_unopened_again(self._store, run)
        if known is not None and "labelers" not in known.facts:
            facts["labelers"] = [labelling.FIRST[arm.pipeline]]
        self._store.set_facts(run, **facts)
        again.note(self._store, run)  # a kill may have come before
        self.run = run
        return run

    def judge(self, run: str) -> None:
        """Raises TooManyFailed if too many of the rows failed, whichever processes wrote them:
        ranks see no more than their own share each."""
        done, failed, _ = self._store.counts(run)
        share = self._setting.most_failed
        if too_many(failed, done, self.total, share):
            (code, _), *_ = self._store.failures(run).most_common(1)
            reason = self._facts(run).get(FAILURES, {}).get(code) or {"code": code, "params": {}}
            raise refusal(failed, done, share, reason)

    def steps(
        self, host: Host, should_stop: Callable[[], bool], most: int | None = None
    ) -> Iterator[None]:
        """Read what is left (at most `most` images more), a step per reply. Raises TooManyFailed
        and what loading raises."""
        threads = decoders(self._setting.ranks)
        with DecodePool(threads) as pool:
            pool.warm(threads)  # they start while the model is loaded
            while not should_stop():
                model = host.model(self.arm.model, self.arm.precision)
                run = self.open(model)
                left = self.left(run)[:most]
                if not left:
                    self.judge(run)
                    break
                self._slots = self.slots_on(host)
                yield from self._stretch(model, run, left, host, pool, should_stop)
                if most is not None:
                    break

    def left(self, run: str) -> list[Place]:
        """Images that this process is to read and has not, in running order."""
        elsewhere = self._setting.done(run)
        mine = [each for each in self._setting.places if each.position not in elsewhere]
        mine = mine[self._setting.rank :: self._setting.ranks]
        done = self._store.done(run)
        return [each for each in mine if each.position not in done]

    def make_way(self) -> None:
        """End the session that runs; its unfinished images are read again later."""
        self._interrupted = True
        if self._session is not None:
            self._session.close()
            self._session = None

    def _stretch(
        self,
        model: Model,
        run: str,
        left: list[Place],
        host: Host,
        pool: DecodePool,
        should_stop: Callable[[], bool],
    ) -> Iterator[None]:
        self._interrupted = False
        slots = self._slots or 1
        done = len(self._store.done(run))
        tries = self._store.begin_session(run, done)
        if not self._begun:
            self._begin(run, done, tries, model, host)
        if tries > MOST_TRIES:
            left, slots = self._cautious(run, left, tries), 1
        self._store.set_arm_state(run, "running")
        task = Task(
            kind=self.arm.pipeline,
            signature=self._signed(run),
            total=self.total,
            most_failed=self._setting.most_failed,
            force=self._setting.force if model.stand_in else None,
            prompt=self.arm.prompt,
        )
        try:
            yield from self._compare(model, task, run, pool, slots, should_stop)
            if not (self._interrupted or should_stop()):
                yield from self._read(model, task, run, left, host, pool, slots, should_stop)
        except OutOfMemory as error:
            self._halve(run, slots, host.translate(error, self.arm.model))
        except CxrError:
            raise
        except Exception as error:
            told = host.translate(error, self.arm.model)
            if told.code != OutOfMemory.code:
                raise told from error
            self._halve(run, slots, told)
        finally:
            self._store.end_session(run)

    def _begin(self, run: str, done: int, tries: int, model: Model, host: Host) -> None:
        """The first stretch of this process: if there are rows, it is a resume."""
        self._begun = True
        if done:
            self._store.add_note(run, "resumed", done=done)
        default = 0 if host.device == "cpu" else again.IMAGES
        count = default if self._setting.again is None else self._setting.again
        before = self._store.done(run) | self._setting.done(run)
        if not before or not count or model.stand_in:
            return  # random weights have no labels that mean anything
        if tries >= MOST_TRIES:
            return  # it may be this that ends the process
        setting = self._setting
        self._resume = moment() if setting.ranks == 1 else setting.launch
        chosen = again.sample(run, self._resume, before, count)
        self._to_compare = chosen[setting.rank :: setting.ranks]

    def _compare(
        self,
        model: Model,
        task: Task,
        run: str,
        pool: DecodePool,
        slots: int,
        should_stop: Callable[[], bool],
    ) -> Iterator[None]:
        """Read a sample of what was done before the resume once more, in the batch of today; no
        row, rate or peak takes notice. Afterwards, or out of memory, nothing is left of it; a
        reading of the screen with another model only comes between."""
        if not self._to_compare or self._resume is None:
            return
        known = {each.position for each in self._store.again(run) if each.resume == self._resume}
        left = [self.places[at] for at in self._to_compare if at not in known]
        self._to_compare, wanted = [], self._to_compare
        keeper = again.Keeper(self._store, run, self._resume)
        threads = decoders(self._setting.ranks)
        session = Session(model, task, left, keeper, pool, threads, slots, should_stop)
        self._session, self.comparing = session, True
        try:
            while not self._interrupted and session.advance():
                yield
            if self._interrupted:
                self._to_compare = wanted
        finally:
            self._session, self.comparing = None, False
            session.close()
            again.note(self._store, run)

    def _read(
        self,
        model: Model,
        task: Task,
        run: str,
        left: list[Place],
        host: Host,
        pool: DecodePool,
        slots: int,
        should_stop: Callable[[], bool],
    ) -> Iterator[None]:
        writer = Writer(host.store(), run, room=max(slots, 4))
        self.tally = writer.tally
        batch = Batch(self._store, run, self._setting.lane, slots, host)
        threads = decoders(self._setting.ranks)
        session = Session(model, task, left, writer, pool, threads, slots, should_stop)
        self._session = session
        try:
            while not self._interrupted and session.advance():
                self.rate = batch.note(session.use)
                yield
        finally:
            self._session = None
            session.close()
            batch.close(session.use)
            writer.close()
            if writer.tally.errors:
                known = self._facts(run).get(FAILURES, {})
                self._store.set_facts(run, **{FAILURES: known | writer.tally.errors})

    def _halve(self, run: str, slots: int, error: CxrError) -> None:
        """Go on with half the batch; with one image there is nothing to halve."""
        if slots == 1:
            raise error
        self._slots = slots // 2
        self._store.add_note(run, "batch_halved", slots=self._slots)

    def _cautious(self, run: str, left: list[Place], tries: int) -> list[Place]:
        """After several deaths at the same place: one image at a time, and the first of them is a
        failure if the process died of it alone, too."""
        if tries > MOST_TRIES + 1:
            self._store.commit(run, Row(left[0].position, error=WorkerDied.code))
            return left[1:2]
        return left[:1]

    def _signed(self, run: str) -> dict[str, Any]:
        signed: dict[str, Any] = self._facts(run)["signature"]
        return signed

    def _facts(self, run: str) -> dict[str, Any]:
        found = self._store.arm(run)
        assert found is not None
        return found.facts


def read_unopened_again(store: EvaluationStore, run: str) -> None:
    """Forget the failures of files that could not be opened, and note that they are tried again."""
    images = store.forget_unopened(run)
    if images:
        store.add_note(run, "unopened_again", images=images)
