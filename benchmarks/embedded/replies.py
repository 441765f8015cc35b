"""Greedy replies of a model in memory to many images at once, and their score while it trains."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Gemma3ForConditionalGeneration, Gemma3Processor

from benchmarks.embedded.augment import normalise
from benchmarks.embedded.texts import prompt_ids
from cxr_demo.findings import FINDINGS, UncertaintyPolicy
from cxr_demo.labelers import rules
from cxr_demo.metrics.f1 import encode, f1_scores


@torch.inference_mode()
def reply(
    model: Gemma3ForConditionalGeneration,
    processor: Gemma3Processor,
    images: NDArray[np.uint8],
    prompt: str,
    max_new_tokens: int,
    batch: int = 256,
) -> list[str]:
    """Replies to (N, S, S) preprocessed images, one `prompt` for all."""
    ids = prompt_ids(processor, prompt).to(model.device)
    kinds = (ids == model.config.image_token_id).long()
    texts: list[str] = []
    for start in range(0, len(images), batch):
        part = torch.from_numpy(images[start : start + batch]).to(model.device)
        count = len(part)
        output = model.generate(
            input_ids=ids.expand(count, -1),
            attention_mask=torch.ones(count, len(ids), dtype=torch.long, device=model.device),
            token_type_ids=kinds.expand(count, -1),
            pixel_values=normalise(part.unsqueeze(1).float() / 255).to(model.dtype),
            max_new_tokens=max_new_tokens,
            do_sample=False,
        )
        new = output[:, len(ids) :]
        texts += processor.tokenizer.batch_decode(new, skip_special_tokens=True)
    return texts


def report_codes(reports: Sequence[str]) -> NDArray[np.int8]:
    """(N, 14) label codes that the rule labeler reads in reports."""
    return encode([[each.label for each in rules.label(report).labels] for report in reports])


def answer_codes(answers: Sequence[str]) -> NDArray[np.int8]:
    """(N, 14) label codes of direct answers: 1 where the name stands between commas, else 0."""
    named = [set(answer.split(", ")) for answer in answers]
    return np.array([[int(each.value in names) for each in FINDINGS] for names in named], np.int8)


def micro_f1(codes: NDArray[np.int8], truth: NDArray[np.bool_]) -> float:
    """Micro F1, uncertain as positive, of (N, 14) codes against (N, 14) what was drawn."""
    policy = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
    return f1_scores(truth.astype(np.int8), codes, policy).micro
