"""Per finding, the probability of yes against no: 14 questions over one image.

    image + common beginning -> prefill once -> 14 short endings as one batch -> logits

The image is encoded and prefilled once. What is returned is the model's own, uncalibrated
distribution over its first token; it may be shown to readers only after calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cxr_demo.decoding.engine import Engine, Prefix
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import ModelCard
from cxr_demo.records import Prompt, Radiograph


@dataclass(frozen=True)
class Question:
    """A frozen yes/no question; `{finding}` takes the finding's name, in lower case if `lower`."""

    id: str
    text: str
    lower: bool = True

    def prompt(self, finding: Finding) -> Prompt:
        """The question about `finding`; one token is its answer."""
        name = finding.value.lower() if self.lower else finding.value
        return Prompt(self.id, self.text.format(finding=name), max_new_tokens=1)


_CHEXAGENT = Question("chexagent-yesno-1", "Does this chest X-ray show {finding}?")
QUESTIONS: dict[str, Question] = {
    "gemma": Question(
        "gemma-yesno-1", "Does this chest X-ray show {finding}? Answer yes or no.", lower=False
    ),
    "chexagent2": _CHEXAGENT,
    "chexagent8b": _CHEXAGENT,
}
"""By model family. CheXagent was trained on its question in lower case."""


class Asked(Protocol):
    """What a model must offer beyond `models.base.Model` to be asked."""

    card: ModelCard

    @property
    def decoder(self) -> Engine:
        """The decode path."""

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids by token."""

    def see(self, radiograph: Radiograph) -> Seen:
        """The image that the model is given."""

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """Ids of the whole prompt, the image's placeholders included."""

    def prefix(self, seen: Seen, prompt: Prompt) -> Prefix:
        """Image and prompt as one row."""


@dataclass(frozen=True)
class TokenSets:
    """The exact tokens that count as an answer, with their ids."""

    yes: tuple[tuple[str, int], ...]
    no: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Probabilities:
    """`yes`: per finding P(yes) / (P(yes) + P(no)), in 0..1. `mass`: P(yes) + P(no), the share of
    the distribution that answers at all; where it is small, `yes` means little."""

    question: Question
    tokens: TokenSets
    yes: dict[Finding, float]
    mass: dict[Finding, float]


def ask(model: Asked, seen: Seen, findings: Sequence[Finding] = FINDINGS) -> Probabilities:
    """Ask `model` about `findings` on one image. Raises KeyError for a family without a question,
    ValueError if the vocabulary has no yes or no, or if the prompts part before the image ends."""
    question = QUESTIONS[str(model.card.family)]
    tokens = token_sets(model.vocabulary)
    prompts = [question.prompt(finding) for finding in findings]
    ids = [model.prompt_ids(prompt) for prompt in prompts]
    shared = _shared(ids)
    with torch.no_grad():
        beginning = model.prefix(seen, prompts[0]).cut(shared)
    state = model.decoder.prefill(beginning, room=0)
    logits = model.decoder.extend(state, [row[shared:] for row in ids], room=0).logits
    yes, no = (_log_mass(logits, group) for group in (tokens.yes, tokens.no))
    share, mass = torch.sigmoid(yes - no).tolist(), (yes.exp() + no.exp()).tolist()
    return Probabilities(
        question,
        tokens,
        dict(zip(findings, share, strict=True)),
        dict(zip(findings, mass, strict=True)),
    )


def token_sets(vocabulary: dict[str, int]) -> TokenSets:
    """All tokens that spell yes or no, in any case, with or without the mark of a space before."""

    def spelling(word: str) -> tuple[tuple[str, int], ...]:
        marks = "▁Ġ "  # SentencePiece, byte-level BPE, plain
        found = (each for each in vocabulary.items() if each[0].lstrip(marks).lower() == word)
        return tuple(sorted(found, key=lambda each: each[1]))

    sets = TokenSets(spelling("yes"), spelling("no"))
    if not sets.yes or not sets.no:
        raise ValueError("the vocabulary has no token for yes or for no")
    return sets


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """Length of the common beginning that leaves every row at least one id."""
    shortest = min(map(len, rows)) - 1
    for index in range(shortest):
        if len({row[index] for row in rows}) > 1:
            return index
    return shortest


def _log_mass(logits: Tensor, tokens: tuple[tuple[str, int], ...]) -> Tensor:
    logs = logits.float().log_softmax(-1)
    return logs[:, [id for _, id in tokens]].logsumexp(-1)
