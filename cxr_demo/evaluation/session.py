"""One stretch of an arm: a loaded model reads images in a batch, and rows go into the store.

feeder (children, threads) -> model.generate_many -> writer (labels, one commit per image)
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cxr_demo import pipelines
from cxr_demo.errors import OutOfMemory
from cxr_demo.evaluation import labelling
from cxr_demo.evaluation.faults import TooManyFailed
from cxr_demo.evaluation.feeder import Fed, Feeder, Place
from cxr_demo.evaluation.signature import row_key
from cxr_demo.evaluation.writer import Sink
from cxr_demo.models.base import Model, Reply
from cxr_demo.records import PipelineKind
from cxr_demo.store.records import Row
from cxr_demo.studies.pool import DecodePool

FEWEST = 100
"""Images (or all, if there are fewer) of which the share of failures is taken at first."""


def too_many(failed: int, done: int, total: int, share: float) -> bool:
    """Whether more than `share` (0..1) of `done` rows failed; early on, of the first `FEWEST`."""
    return failed > share * max(done, min(total, FEWEST))


def refusal(
    failed: int, done: int, share: float, reason: Mapping[str, Any] | None
) -> TooManyFailed:
    """Of an arm, where `too_many` is true; `reason`: the commonest error as a record."""
    return TooManyFailed(failed=failed, done=done, share=f"{100 * share:g}", reason=reason)


SWITCH_S = 0.0005
"""Seconds for which a thread may keep the interpreter. With Python's own 5 ms, the thread that
feeds the device waits for those that decode and label: 3 % of 20 ms an image."""


@dataclass(frozen=True)
class Task:
    """What a session reads: `total` images in the arm, `most_failed` in 0..1 of them; `prompt` is
    an id, None for the default."""

    kind: PipelineKind
    signature: dict[str, Any]
    total: int
    most_failed: float
    force: tuple[int, int] | None = None
    prompt: str | None = None


@dataclass
class Use:
    """What a session took, in seconds of the device's work alone, and how its slots were used."""

    seconds: float = 0.0
    images: int = 0
    tokens: int = 0
    steps: int = 0
    slot_steps: int = 0
    idle_slot_steps: int = 0


class Session:
    """`advance` reads on until the next reply is handed to the writer. Make a new one after an
    out-of-memory or a pause; what was unfinished is read again."""

    def __init__(
        self,
        model: Model,
        task: Task,
        places: Sequence[Place],
        writer: Sink,
        pool: DecodePool,
        threads: int,
        slots: int,
        should_stop: Callable[[], bool],
    ) -> None:
        sys.setswitchinterval(min(SWITCH_S, sys.getswitchinterval()))
        self._model, self._task, self._writer = model, task, writer
        self._slots = slots
        self._should_stop = should_stop
        self._in_work: dict[str, Fed] = {}
        self._too_many = False
        self.use = Use()
        see = partial(pipelines.given, model)
        self._feeder = Feeder(places, see, pool, threads, ahead=2 * slots + threads)
        self._replies = pipelines.read_many(
            model, self._images(), task.kind, slots, should_stop, self._force, task.prompt
        )

    def advance(self) -> bool:
        """Wait for one more reply; false if none is left, or if it was stopped. Raises
        TooManyFailed, and what the device raises."""
        if not self.use.seconds:
            self._feeder.wait()
        began = time.monotonic()
        try:
            reply = next(self._replies, None)
        except OutOfMemory:
            if self._slots > 1 or not self._in_work:
                raise
            self._give_up_on_the_last()
            return False
        self.use.seconds += time.monotonic() - began
        self._note_slots()
        if reply is not None:
            self._hand_over(reply)
            return True
        if self._too_many:
            raise self._failures()
        return False

    def close(self) -> None:
        """Drop what is unfinished, finish what was handed over."""
        close = getattr(self._replies, "close", None)
        if close is not None:
            close()
        self._feeder.close()
        self._writer.flush()

    def _images(self) -> Iterator[tuple[str, Any]]:
        for fed in self._feeder:
            if fed.seen is None:
                self._fail(fed)
                if self._is_too_much():
                    self._too_many = True
                    return
                continue
            self._in_work[str(fed.position)] = fed
            yield str(fed.position), fed.seen

    def _hand_over(self, reply: Reply) -> None:
        fed = self._in_work.pop(reply.key)
        self.use.images += 1
        self.use.tokens += len(reply.ids)
        self._writer.put(partial(_row, fed, reply, self._task, self._slots))

    def _fail(self, fed: Fed) -> None:
        assert fed.error is not None
        row = Row(fed.position, error=fed.error.code, image_sha256=fed.image_sha256)
        self._writer.put(lambda: row, fed.error.to_dict())

    def _give_up_on_the_last(self) -> None:
        """One image alone is too much for the device: it is a failure, and the rest goes on."""
        fed = self._in_work.pop(next(iter(self._in_work)))  # a second one only waits
        row = Row(fed.position, error=OutOfMemory.code, image_sha256=fed.image_sha256)
        free = {"model": self._model.card.name, "free": "?"}
        self._writer.put(lambda: row, {"code": OutOfMemory.code, "params": free})

    def _is_too_much(self) -> bool:
        self._writer.flush()
        tally, task = self._writer.tally, self._task
        return too_many(tally.failed, tally.done, task.total, task.most_failed)

    def _failures(self) -> TooManyFailed:
        tally = self._writer.tally
        return refusal(tally.failed, tally.done, self._task.most_failed, tally.commonest)

    def _note_slots(self) -> None:
        used = self._model.batch_use
        if used is not None:
            self.use.steps, self.use.slot_steps = used.steps, used.steps * used.slots
            self.use.idle_slot_steps = used.idle

    def _force(self, key: str) -> int | None:
        """Tokens of a reply by the hash of its key: the same ones on every machine."""
        if self._task.force is None:
            return None
        least, most = self._task.force
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
        return least + number % (most - least + 1)


def _row(fed: Fed, reply: Reply, task: Task, slots: int) -> Row:
    """Labels and key are made here, in the writer's thread."""
    text = reply.text.rstrip()
    label = labelling.at_once(fed.position, text, task.kind, reply.stop)
    return Row(
        position=fed.position,
        report=text,
        stop=str(reply.stop),
        tokens=len(reply.ids),
        prompt_tokens=reply.prompt_tokens,
        seconds=reply.seconds,
        slots=slots,
        image_sha256=fed.image_sha256,
        row_key=row_key(fed.image_sha256 or "", task.signature),
        labels=(label,),
    )
