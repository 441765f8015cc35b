"""The parts of an arm's work beside the reading: labelling by CheXbert, and measuring."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cxr_demo import models, weights
from cxr_demo.datasets.recipe import Arm
from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.evaluation import again, labelling
from cxr_demo.evaluation.arm_run import ArmRun
from cxr_demo.evaluation.facts import per_token, time_per_image
from cxr_demo.evaluation.faults import MeasurementFailed
from cxr_demo.evaluation.feeder import Place
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.measuring import STAND_IN_IMAGES, Measurement
from cxr_demo.evaluation.progress import ArmStatus
from cxr_demo.evaluation.signature import ENGINE_VERSION
from cxr_demo.records import PipelineKind, StopReason
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import ArmRun as StoredArm
from cxr_demo.store.records import TimedImage

ALONE = "alone_against_batch"
"""Key of a run's JSON for the images that were read at batch 1, too."""


def label(
    store: EvaluationStore, run: str, kind: PipelineKind, device: str, labelers: str
) -> Iterator[None]:
    """CheXbert's labels of all reports of `run` that have none, in batches. Without its files, and
    for direct answers, nothing happens; files that don't serve become a note of the run."""
    if kind is not PipelineKind.REPORT or labelers != "all" or not labelling.chexbert_present():
        return
    most = labelling.at_once_on(device)
    pending = store.unlabelled(run, labelling.CHEXBERT, most)
    reread = store.again_unlabelled(run, labelling.CHEXBERT, most)
    if not pending and not reread:
        return
    try:
        labeler = labelling.load_chexbert(device)
        while pending:
            store.add_labels(run, labelling.by_chexbert(labeler, pending))
            yield
            pending = store.unlabelled(run, labelling.CHEXBERT, most)
        while reread:
            again.label(store, run, labeler, reread)
            yield
            reread = store.again_unlabelled(run, labelling.CHEXBERT, most)
        store.set_facts(run, labelers=labelling.BOTH)
    except OutOfMemory:
        if device == "cpu":
            raise
        yield from label(store, run, kind, "cpu", labelers)
    except CxrError as error:
        store.add_note(run, "labeler_refused", error=error.to_dict())


def is_of_today(stored: StoredArm, arm: Arm) -> bool:
    """Whether the weights have not been replaced since `stored` began: then, if it has all its
    rows, the model need not be loaded to find that nothing is left."""
    signed = stored.facts["signature"]
    card = models.card(arm.model)
    there = weights.status(card)
    if not isinstance(there, weights.Installed) or signed["engine_version"] != ENGINE_VERSION:
        return False
    began = datetime.fromisoformat(stored.created).timestamp()
    newest = max(each.stat().st_mtime for each in there.shards)
    return newest <= began and weights.revision(card) == signed["revision"]


def status(known: ArmStatus, stored: StoredArm, unparsed: int) -> ArmStatus:
    """An arm's status with what the store says of it. A rate of the whole run, if it has one, tells
    what is left."""
    facts = stored.facts
    rate = (facts.get("batch") or {}).get("images_per_second")
    estimate = (facts.get("estimate") or {}).get("seconds")
    if rate is not None:
        estimate = stored.total / rate
    left = stored.total - stored.done
    return replace(
        known,
        run=stored.id,
        state=stored.state,
        done=stored.done,
        failed=stored.failed,
        unparsed=unparsed,
        estimate=estimate,
        remaining=None if estimate is None else estimate * left / max(stored.total, 1),
        rate=rate,
        error=facts.get("error") if stored.state == "failed" else None,
    )


class Measuring:
    """Memory and time of one arm, in a process of its own, which begins again after `interrupt`
    where it stopped. The device is emptied first."""

    def __init__(
        self,
        store: EvaluationStore,
        arm: ArmRun,
        wanted: int,
        labelers: str,
        host: Host,
        halted: Callable[[], bool],
    ) -> None:
        self._store, self._arm, self._host, self._halted = store, arm, host, halted
        self._wanted, self._labelers = wanted, labelers
        self._at_work: Measurement | None = None
        self._interrupted = False
        self._gaps: list[float] = []
        self._load: dict[str, Any] = {}
        self._foreign = False

    def left(self) -> list[Place]:
        """Images that are still to be timed, or the first one if only memory is missing."""
        run, places = self._run, self._arm.places
        stored = self._store.arm(run)
        assert stored is not None
        outcomes = self._store.outcomes(run)
        good = outcomes.positions[~outcomes.failed][: self._wanted].tolist()
        if stored.facts.get("stand_in"):
            good = [] if stored.facts.get("time_per_token") else good[:STAND_IN_IMAGES]
        timed = {each.position for each in self._store.timings(run)}
        left = [at for at in good if at not in timed]
        if not left and stored.facts.get("memory") is None:
            left = good[:1]
        return [places[at] for at in left]

    def work(self) -> Iterator[float]:
        """Measure; yields the share that is done, in 0..1."""
        while not self._halted() and (left := self.left()):
            self._interrupted = False
            self._host.free()
            arm, command = self._arm.arm, self._host.measuring_command()
            self._at_work = Measurement(command, arm, left, self._labelers)
            try:
                yield from self._listen(self._at_work, len(left))
                if not self._interrupted:
                    return
            except MeasurementFailed as error:
                if not self._interrupted:
                    self._store.add_note(self._run, error.code, error=error.to_dict())
                    return
            except CxrError as error:
                self._store.add_note(self._run, MeasurementFailed.code, error=error.to_dict())
                return
            finally:
                self.interrupt()

    def interrupt(self) -> None:
        """End the process at work, if there is one; `work` starts another with its next step."""
        self._interrupted = True
        if self._at_work is not None:
            self._at_work.close()
            self._at_work = None

    @property
    def _run(self) -> str:
        assert self._arm.run is not None
        return self._arm.run

    def _listen(self, measurement: Measurement, images: int) -> Iterator[float]:
        taken = 0
        for message in measurement.messages():
            if self._halted():
                self.interrupt()
                return
            if message is None:
                self._look()
            else:
                taken += self._take(message)
            yield min(1.0, taken / images)

    def _take(self, message: dict[str, Any]) -> int:
        """Keep what was measured; 1 for an image."""
        if "load" in message:
            self._load = message["load"]
        if "memory" in message:
            peaks = message["memory"] | {"vram_load_peak": self._load.get("vram_device_peak")}
            self._store.set_facts(self._run, memory=peaks)
        if "per_token" in message:
            self._gaps.append(message["per_token"])
            self._store.set_facts(self._run, time_per_token=per_token(self._gaps))
        if "timed" in message:
            self._store.add_timing(self._run, TimedImage(**message["timed"]))
            timed: Sequence[TimedImage] = self._store.timings(self._run)
            self._store.set_facts(self._run, time_per_image=time_per_image(timed))
            self._compare(message["timed"]["position"], message["report"], message["stop"])
            return 1
        return 0

    def _compare(self, position: int, report: str, stop: str) -> None:
        """Count where the same image has another text, or other labels, alone than in the batch:
        so much do outputs depend on what else is in a batch, as after a resume."""
        arm, kind = self._store.arm(self._run), self._arm.arm.pipeline
        kept = self._store.texts(self._run, [position]).get(position)
        if arm is None or kept is None or kept.report is None:
            return
        known = arm.facts.get(ALONE) or {"images": 0, "texts_differ": 0, "labels_differ": 0}
        pair = [
            labelling.at_once(position, text, kind, StopReason(end or "end")).codes
            for text, end in ((report, stop), (kept.report, kept.stop))
        ]
        found = {
            "images": known["images"] + 1,
            "texts_differ": known["texts_differ"] + (report != kept.report),
            "labels_differ": known["labels_differ"] + (pair[0] != pair[1]),
        }
        self._store.set_facts(self._run, **{ALONE: found})

    def _look(self) -> None:
        found = self._host.neighbours()
        if found is not None and not self._foreign:
            self._store.add_note(
                self._run, "foreign_process", count=found.count, bytes=found.bytes, measuring=True
            )
        self._foreign = found is not None
