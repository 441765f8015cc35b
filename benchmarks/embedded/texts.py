"""Prompts and replies as token ids, in the very layout that the processor gives them.

`python -m benchmarks.embedded.texts` learns the vocabulary and writes tokenizer and processor.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Gemma3Processor, GemmaTokenizer

from benchmarks.embedded.recipe import Shape
from benchmarks.embedded.tokenizer import build_processor, build_tokenizer
from cxr_demo import phantoms
from cxr_demo.findings import FINDINGS
from cxr_demo.models.cards import card
from cxr_demo.paths import assets_dir
from cxr_demo.phantoms.cohort import TRAIN_SEEDS
from cxr_demo.records import PipelineKind

REPORT = card("embedded").prompts[PipelineKind.REPORT].text
DIRECT = card("embedded").prompts[PipelineKind.DIRECT].text
QUESTION = "Does this chest X-ray show {finding}? Answer yes or no."
OTHER_REPORT_PROMPTS = (
    "Describe this X-ray",
    "Describe this chest X-ray.",
    "Write the findings section of a report for this chest X-ray.",
)
ANSWERS = ("No", "Yes")
IGNORED = -100


def questions() -> list[str]:
    """Yes/no questions, the 14 findings by name, then the 14 in lower case."""
    names = [finding.value for finding in FINDINGS]
    return [QUESTION.format(finding=name) for name in (*names, *(name.lower() for name in names))]


def vocabulary_texts(count: int = 4_000) -> list[str]:
    """The texts from which the vocabulary is learned: training reports, prompts and answers."""
    prompts = [REPORT, DIRECT, *OTHER_REPORT_PROMPTS, *questions(), *ANSWERS, "user\nmodel\n"]
    reports = [phantoms.write_report(phantoms.plan(seed)) for seed in TRAIN_SEEDS[:count]]
    return reports + prompts * (count // 20 + 3)


def learn_tokenizer(vocab_size: int, count: int = 4_000) -> GemmaTokenizer:
    """The embedded model's tokenizer (the same one every time for the same phantoms)."""
    return build_tokenizer(vocabulary_texts(count), vocab_size)


def prompt_ids(processor: Gemma3Processor, text: str, image_first: bool = True) -> Tensor:
    """(P,) ids of a user turn with one image and `text`, up to where the model's reply begins."""
    parts = [{"type": "image"}, {"type": "text", "text": text}]
    messages = [{"role": "user", "content": parts if image_first else parts[::-1]}]
    rendered = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    whole = rendered.replace(processor.boi_token, processor.full_image_sequence)
    return torch.tensor(processor.tokenizer(whole, add_special_tokens=False)["input_ids"])


def reply_ids(processor: Gemma3Processor, replies: Sequence[str]) -> list[list[int]]:
    """Ids of each reply with the end of the turn behind it."""
    end = processor.tokenizer.convert_tokens_to_ids("<end_of_turn>")
    encoded = processor.tokenizer(list(replies), add_special_tokens=False)["input_ids"]
    return [[*ids, end] for ids in encoded]


def padded(rows: Sequence[Sequence[int]], width: int) -> NDArray[np.int64]:
    """(N, width) ids, `IGNORED` behind the end. Raises ValueError for a longer row."""
    table = np.full((len(rows), width), IGNORED, np.int64)
    for index, row in enumerate(rows):
        if len(row) > width:
            raise ValueError(f"a reply has {len(row)} tokens, only {width} were expected")
        table[index, : len(row)] = row
    return table


def question_table(processor: Gemma3Processor) -> tuple[Tensor, Tensor]:
    """Ids and labels (2, 28, L): for the answers no and yes, every question with its answer."""
    rows: list[list[int]] = []
    starts: list[int] = []
    for answer in ANSWERS:
        reply = reply_ids(processor, [answer])[0]
        for question in questions():
            prompt = prompt_ids(processor, question).tolist()
            rows.append(prompt + reply)
            starts.append(len(prompt))
    ids = torch.from_numpy(padded(rows, max(map(len, rows))))
    before = torch.arange(ids.shape[1])[None] < torch.tensor(starts)[:, None]
    labels = ids.masked_fill(before, IGNORED)
    shape = (len(ANSWERS), len(questions()), -1)
    return ids.clamp_min(0).view(shape), labels.view(shape)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=assets_dir() / "embedded")
    folder = parser.parse_args().out
    shape = Shape()
    tokenizer = learn_tokenizer(shape.vocab_size)
    build_processor(tokenizer, shape.image_size, shape.image_tokens).save_pretrained(folder)


if __name__ == "__main__":
    main()
