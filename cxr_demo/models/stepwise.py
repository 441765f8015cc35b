"""A prompt that is asked step by step: the answers, each under its heading, are one report.

    image + question 1 ─┐
    image + question 2 ─┼─> answers ─> findings ─ text alone ─> impression
    ...                ─┘

Every question on the image begins anew, as the model was trained; the image is encoded once for all
of them, unless a captured prefill does it by itself. The last one has no image, but all findings.
Prompts without steps pass through unchanged.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from cxr_demo.labelers.sentences import heading
from cxr_demo.models.base import Generation, Item, Kept, Model, Piece, Reply, Seen, ShouldStop
from cxr_demo.models.faults import PromptTooLong
from cxr_demo.records import Prompt, StopReason

FINDINGS = "{findings}"
"""Stands for what was said on the image, in the text of a step without it."""


def generate(
    model: Model,
    seen: Seen,
    prompt: Prompt,
    should_stop: ShouldStop = lambda: False,
    submitted: float | None = None,
) -> Generation:
    """`model.generate`, also for a stepwise prompt. Raises what that raises."""
    if not prompt.steps:
        return model.generate(seen, prompt, should_stop, submitted)
    return Stepwise(model, seen, prompt, should_stop, submitted)


def generate_many(
    model: Model, items: Iterable[Item], slots: int, should_stop: ShouldStop = lambda: False
) -> Iterator[Reply]:
    """`model.generate_many`, also for stepwise prompts: the steps of an image go through the slots
    like images of their own, and its one reply comes when the last of them has ended."""
    cases = _Cases(model, items)
    for reply in model.generate_many(cases, slots, should_stop):
        whole = cases.take(reply)
        if whole is not None:
            yield whole


def shortened(prompt: Prompt, tokens: int) -> Prompt:
    """`prompt` with room for about so many new tokens, shared out among its steps."""
    steps = tuple(
        replace(each, max_new_tokens=_share(tokens, each.max_new_tokens, prompt))
        for each in prompt.steps
    )
    return replace(prompt, max_new_tokens=tokens, steps=steps)


def _share(tokens: int, of_step: int, prompt: Prompt) -> int:
    return max(1, tokens * of_step // prompt.max_new_tokens)


def prompt_text(model: Model, prompt: Prompt) -> str:
    """`model.prompt_text`; of a stepwise prompt that of every step under its heading."""
    if not prompt.steps:
        return model.prompt_text(prompt)
    asked = [
        (heading(each.heading), _question(prompt, index, each.text))
        for index, each in enumerate(prompt.steps)
    ]
    return "\n\n".join(f"{title}\n{model.prompt_text(each)}" for title, each in asked)


class Stepwise(Generation):
    """All steps as one reply. `tokens` and `prompt_tokens` are sums over the steps, a token's
    `elapsed` counts through all of them, `prefill_seconds` is that of the first."""

    def __init__(
        self,
        model: Model,
        seen: Seen,
        prompt: Prompt,
        should_stop: ShouldStop,
        submitted: float | None,
    ) -> None:
        self._answers = _Answers(prompt, model)
        super().__init__(
            lambda _: self._ask_all(model, seen, should_stop), prompt.max_new_tokens, submitted
        )

    def _ask_all(self, model: Model, seen: Seen, should_stop: ShouldStop) -> Iterator[Piece]:
        image = Kept(seen.pixels, seen.preprocessing)  # encoded once for all of them
        for index in range(len(self._answers.steps)):
            question = self._answers.question(index)
            if question is None:
                continue
            section = _Section(self._answers.opening(index))
            step = model.generate(image, question, should_stop)
            for token in step:
                yield Piece(token.id, section.push(token.text))
            self._count(step)
            self._answers.note(index, section.text, step.stop or StopReason.STOPPED)
            if self._answers.stop is StopReason.STOPPED:
                return

    def _count(self, step: Generation) -> None:
        self.prompt_tokens = (self.prompt_tokens or 0) + (step.prompt_tokens or 0)
        if self.prefill_seconds is None:
            self.prefill_seconds = step.prefill_seconds

    def _reason(self, last: Piece | None) -> StopReason:
        return self._answers.stop


class _Section:
    """One step's text as it streams: its opening goes in front of the first word, and white space
    waits for a word behind it."""

    def __init__(self, opening: str) -> None:
        self.text = self._held = ""
        self._opening = opening

    def push(self, piece: str) -> str:
        """What `piece` adds to the report."""
        grown = self._held + piece
        words = grown.rstrip()
        self._held = grown[len(words) :]
        opening = self._opening if words and not self.text else ""
        self.text += words
        return opening + words


class _Answers:
    """What the steps have said on one image."""

    def __init__(self, prompt: Prompt, model: Model) -> None:
        self.steps = prompt.steps
        self.spare = max(each.max_new_tokens for each in prompt.steps)
        self._prompt, self._model = prompt, model
        self._said: dict[int, str] = {}
        self._ends: set[StopReason] = set()

    @property
    def stop(self) -> StopReason:
        """Why all of it ended: the worst that befell a step."""
        worst = (StopReason.STOPPED, StopReason.LENGTH)
        return next((each for each in worst if each in self._ends), StopReason.END)

    @property
    def report(self) -> str:
        """All answers under their headings; a step without words has none."""
        told = [(self.opening(index), text) for index, text in sorted(self._said.items())]
        return "".join(opening + text for opening, text in told)

    def opening(self, index: int) -> str:
        """What stands before the answer to a step."""
        apart = "\n\n" if any(before < index for before in self._said) else ""
        return f"{apart}{heading(self.steps[index].heading)}\n"

    def note(self, index: int, text: str, stop: StopReason) -> None:
        """The answer to a step."""
        self._ends.add(stop)
        if text:
            self._said[index] = text

    def question(self, index: int) -> Prompt | None:
        """The prompt of a step; None if it is not asked: without findings there is nothing to sum
        up, and findings that leave no room for a summary are a report that was cut off."""
        step, text = self.steps[index], self.steps[index].text
        if not step.image:
            found = self._findings()
            text = text.replace(FINDINGS, found)
            if not found:
                return None
        asked = _question(self._prompt, index, text)
        if not step.image and not self._has_room(asked):
            self._ends.add(StopReason.LENGTH)
            return None
        return asked

    def _findings(self) -> str:
        told = sorted(self._said.items())
        return " ".join(
            text for index, text in told if self.steps[index].image and not self.steps[index].aside
        )

    def _has_room(self, asked: Prompt) -> bool:
        try:
            self._model.room_for(asked, self.spare)
        except PromptTooLong:
            return False
        return True


def _question(prompt: Prompt, index: int, text: str) -> Prompt:
    """The step `index` of `prompt`, with `text`, as a prompt of its own."""
    step = prompt.steps[index]
    return Prompt(prompt.id, text, step.max_new_tokens, prompt.system, image=step.image)


@dataclass(eq=False)
class _Case:
    """One image of a batch whose steps are under way; `pending` counts those that are."""

    item: Item
    answers: _Answers
    pending: int = 0
    summed: bool = False
    began: float = float("inf")
    ids: dict[int, tuple[int, ...]] = field(default_factory=dict)
    prompt_tokens: int = 0

    def add(self, index: int, reply: Reply) -> None:
        """The reply to a step."""
        self.pending -= 1
        self.began = min(self.began, time.monotonic() - reply.seconds)
        self.ids[index] = reply.ids
        self.prompt_tokens += reply.prompt_tokens
        self.answers.note(index, reply.text, reply.stop)

    def step(self, index: int, key: str, prompt: Prompt) -> Item:
        """A step as an item of the batch; a forced length is shared out among the steps."""
        force = self.item.force
        if force is not None:
            force = _share(force, prompt.max_new_tokens, self.item.prompt)
        return Item(key, self.item.seen, prompt, self.item.limit, force, self.answers.spare)

    def reply(self) -> Reply:
        """All of it as one."""
        return Reply(
            key=self.item.key,
            text=self.answers.report,
            ids=tuple(id for _, ids in sorted(self.ids.items()) for id in ids),
            stop=self.answers.stop,
            prompt_tokens=self.prompt_tokens,
            seconds=time.monotonic() - self.began,
        )


class _Cases(Iterator[Item]):
    """Items with their steps in place of those that have some. It has none left as long as only
    answers are missing, and more when `take` got the last of an image's."""

    def __init__(self, model: Model, items: Iterable[Item]) -> None:
        self._model, self._source = model, iter(items)
        self._ready: deque[Item] = deque()
        self._asked: dict[str, tuple[_Case, int]] = {}

    def __next__(self) -> Item:
        if not self._ready:
            item = next(self._source)
            if not item.prompt.steps:
                return item
            self._ask(_Case(item, _Answers(item.prompt, self._model)), image=True)
        return self._ready.popleft()

    def take(self, reply: Reply) -> Reply | None:
        """The whole reply that `reply` completes, if it does."""
        if reply.key not in self._asked:
            return reply
        case, index = self._asked.pop(reply.key)
        case.add(index, reply)
        if not case.pending and not case.summed:
            case.summed = True
            self._ask(case, image=False)
        return None if case.pending else case.reply()

    def _ask(self, case: _Case, image: bool) -> None:
        for index, step in enumerate(case.answers.steps):
            prompt = case.answers.question(index) if step.image is image else None
            if prompt is None:
                continue
            key = f"{case.item.key}/{index}"
            self._asked[key] = case, index
            case.pending += 1
            self._ready.append(case.step(index, key, prompt))
