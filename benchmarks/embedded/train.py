"""Train the embedded model on phantoms: `python -m benchmarks.embedded.train --out FOLDER`.

On one data-centre GPU this takes minutes. The folder gets model.safetensors, config.json,
generation_config.json and embedded_training.json (command, seeds, versions, curve), written again
at every validation, so that a run cut short still leaves a model.
"""

import argparse
import json
import math
import multiprocessing
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Gemma3ForConditionalGeneration, Gemma3Processor

from benchmarks import report
from benchmarks.embedded.augment import augment
from benchmarks.embedded.data import Cohort
from benchmarks.embedded.model import build_model
from benchmarks.embedded.objective import Heads, Losses, encode, head_losses, text_loss
from benchmarks.embedded.quantise import Rounding
from benchmarks.embedded.recipe import Recipe
from benchmarks.embedded.replies import answer_codes, micro_f1, reply, report_codes
from benchmarks.embedded.texts import (
    DIRECT,
    IGNORED,
    OTHER_REPORT_PROMPTS,
    REPORT,
    padded,
    prompt_ids,
    question_table,
    reply_ids,
)
from benchmarks.embedded.tokenizer import load_processor
from cxr_demo.findings import FINDINGS
from cxr_demo.paths import assets_dir
from cxr_demo.phantoms import PHANTOM_VERSION
from cxr_demo.phantoms.cohort import TRAIN_SEEDS, VALIDATION_SEEDS

WHAT = "training of the embedded model on drawn images; SYNTHETIC, NOT PATIENTS"
REPORT_WIDTH, DIRECT_WIDTH = 128, 64
_REFILL = 25  # steps between two looks at what has been drawn meanwhile


class Store:
    """The examples that are ready, on the training device."""

    def __init__(self, cohort: Cohort, processor: Gemma3Processor, device: torch.device) -> None:
        self.cohort, self.processor = cohort, processor
        self.count = 0
        rows = len(cohort.images)
        self.images = torch.zeros(cohort.images.shape, dtype=torch.uint8, device=device)
        self.maps = torch.zeros(cohort.maps.shape, dtype=torch.bool, device=device)
        self.truth = torch.zeros(cohort.truth.shape, dtype=torch.bool, device=device)
        self.reports = torch.zeros(rows, REPORT_WIDTH, dtype=torch.long, device=device)
        self.directs = torch.zeros(rows, DIRECT_WIDTH, dtype=torch.long, device=device)
        self.widths = {"reports": 0, "directs": 0}  # the longest reply of each kind so far

    def refill(self) -> None:
        """Take over what the cohort has drawn since the last call."""
        self.cohort.wait(0)
        new = slice(self.count, self.cohort.ready)
        if new.start == new.stop:
            return
        for name in ("images", "maps", "truth"):
            getattr(self, name)[new] = torch.from_numpy(getattr(self.cohort, name)[new])
        for name, width in (("reports", REPORT_WIDTH), ("directs", DIRECT_WIDTH)):
            rows = reply_ids(self.processor, getattr(self.cohort, name)[new])
            getattr(self, name)[new] = torch.from_numpy(padded(rows, width))
            self.widths[name] = max(self.widths[name], *map(len, rows))
        self.count = new.stop


class Prompts:
    """Every prompt of the training mix, on the device."""

    def __init__(self, processor: Gemma3Processor, device: torch.device) -> None:
        self.report = prompt_ids(processor, REPORT).to(device)
        others = [prompt_ids(processor, text) for text in (REPORT, *OTHER_REPORT_PROMPTS)]
        others += [prompt_ids(processor, text, image_first=False) for text in (REPORT, DIRECT)]
        *reports, direct_behind = [ids.to(device) for ids in others]
        self.other_reports = reports
        self.directs = [prompt_ids(processor, DIRECT).to(device), direct_behind]
        ids, labels = question_table(processor)
        self.question_ids, self.question_labels = ids.to(device), labels.to(device)
        self.question_start = int((labels != IGNORED).flatten(0, 1).any(0).float().argmax())


class Trainer:
    """One run of `recipe` on `device`, its results in `out`."""

    def __init__(
        self, recipe: Recipe, processor: Gemma3Processor, device: torch.device, out: Path
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.processor, self.device, self.out = recipe, processor, device, out
        self.model = build_model(recipe.shape, processor).to(device)
        self.heads = Heads(recipe.shape.vision_width).to(device)
        self.average = build_model(recipe.shape, processor).to(device)
        self.average.load_state_dict(self.model.state_dict())
        self.rounding = Rounding(self.model)
        self.random = torch.Generator(device).manual_seed(recipe.seed)
        self.choice = np.random.default_rng(recipe.seed)
        self.prompts = Prompts(processor, device)
        self.optimiser = self._optimiser()
        self.curve: list[dict[str, Any]] = []
        self.step = 0
        self.began = 0.0

    def run(self, train: Cohort, validation: Cohort) -> None:
        """Trains until the steps or the minutes are used up, validating about every minute."""
        validation.wait(self.recipe.validation)
        train.wait(self.recipe.start_with)
        store = Store(train, self.processor, self.device)
        self.began = checked = time.monotonic()
        while (done := self.progress()) < 1:
            if self.step % _REFILL == 0:
                store.refill()
            losses = self.train_step(store, done)
            if self.step % 50 == 0:
                self._note(losses, store)
            if time.monotonic() - checked > max(60, self.recipe.minutes * 10):
                self.validate(validation)
                checked = time.monotonic()
        self._note(losses, store)
        self.validate(validation)

    def progress(self) -> float:
        """Share of the run that is done, in 0..1."""
        minutes = (time.monotonic() - self.began) / 60
        return min(1.0, max(self.step / self.recipe.steps, minutes / self.recipe.minutes))

    def train_step(self, store: Store, done: float) -> Losses:
        """One update of the weights and of their running average."""
        recipe = self.recipe
        rows = torch.randint(
            store.count, (recipe.batch,), device=self.device, generator=self.random
        )
        rounded = done >= recipe.quantised_from and self.step % 2 == 0
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(done)
        self.model.train()
        with self.rounding.applied(rounded):
            losses = self._losses(store, rows)
            losses.total(recipe).backward()
        parameters = [*self.model.parameters(), *self.heads.parameters()]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._update_average()
        self.step += 1
        return losses

    def _losses(self, store: Store, rows: Tensor) -> Losses:
        pixels, maps = augment(store.images[rows], store.maps[rows], self.random)
        half = self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            patches, soft = encode(self.model, pixels)
            report = self._report_loss(soft, store.reports[rows, : store.widths["reports"]])
            # the second text of each image: three times in five the names, else one yes or no
            if self.choice.random() < 0.6:
                prompt = self.prompts.directs[int(self.choice.random() < 0.2)]
                second = self._reply_loss(
                    soft, prompt, store.directs[rows, : store.widths["directs"]]
                )
            else:
                second = self._question_loss(soft, store.truth[rows])
            located, present = head_losses(self.heads(patches), maps, store.truth[rows])
        return Losses(report + second, located, present)

    def _report_loss(self, soft: Tensor, replies: Tensor) -> Tensor:
        others = self.prompts.other_reports
        prompt = self.prompts.report
        if self.choice.random() < 0.25:
            prompt = others[int(self.choice.integers(len(others)))]
        return self._reply_loss(soft, prompt, replies)

    def _reply_loss(self, soft: Tensor, prompt: Tensor, replies: Tensor) -> Tensor:
        """`prompt` (P,) and `replies` (B, R), the ignored label behind their ends."""
        front = prompt.expand(len(replies), -1)
        ids = torch.cat([front, replies.clamp_min(0)], 1)
        labels = torch.cat([torch.full_like(front, IGNORED), replies], 1)
        return text_loss(self.model, soft, ids, labels, len(prompt))

    def _question_loss(self, soft: Tensor, truth: Tensor) -> Tensor:
        count = len(truth)
        names = len(FINDINGS)
        # as many questions about what is there as about what is not
        odds = torch.where(truth, 1 / truth.sum(1, keepdim=True).clamp_min(1), 0.0)
        absent = torch.where(~truth, 1 / (~truth).sum(1, keepdim=True), 0.0)
        column = torch.multinomial(odds + absent, 1, generator=self.random).squeeze(1)
        answer = truth[torch.arange(count, device=self.device), column].long()
        lower = torch.randint(2, (count,), device=self.device, generator=self.random) * names
        row = (answer, column + lower)
        ids, labels = self.prompts.question_ids[row], self.prompts.question_labels[row]
        return text_loss(self.model, soft, ids, labels, self.prompts.question_start)

    def _rate(self, done: float) -> float:
        warm = min(1.0, (self.step + 1) / 200, done / self.recipe.warmup + 0.02)
        return self.recipe.learning_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def _optimiser(self) -> torch.optim.Optimizer:
        named = [*self.model.named_parameters(), *self.heads.named_parameters()]
        matrices = [p for _, p in named if p.ndim >= 2]
        vectors = [p for _, p in named if p.ndim < 2]
        groups = [
            {"params": matrices, "weight_decay": self.recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=self.device.type == "cuda")

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.recipe.average, self.step / (self.step + 10))
        old, new = list(self.average.parameters()), list(self.model.parameters())
        torch._foreach_lerp_(old, new, 1 - keep)

    def _note(self, losses: Losses, store: Store) -> None:
        entry = {
            "step": self.step,
            "seconds": round(time.monotonic() - self.began, 1),
            "drawn": store.count,
            "text": round(losses.text.item(), 4),
            "maps": round(losses.maps.item(), 4),
            "image": round(losses.image.item(), 4),
        }
        self.curve.append(entry)
        print(json.dumps(entry), flush=True)

    def validate(self, validation: Cohort) -> None:
        """Scores greedy replies of the average, in bf16 and rounded to NF4; saves everything."""
        published = self.published()
        entry: dict[str, Any] = {
            "step": self.step,
            "seconds": round(time.monotonic() - self.began, 1),
        }
        for name, rounded in (("bf16", False), ("nf4_rounded", True)):
            with Rounding(published).applied(rounded):
                entry[name] = self._scores(published, validation)
        self.curve.append(entry)
        print(json.dumps(entry), flush=True)
        self.out.mkdir(parents=True, exist_ok=True)
        published.save_pretrained(self.out)
        report.write(self.out / "embedded_training.json", WHAT, _command(), self.record())

    def _scores(
        self, model: Gemma3ForConditionalGeneration, validation: Cohort
    ) -> dict[str, float]:
        answers = reply(model, self.processor, validation.images, DIRECT, DIRECT_WIDTH)
        reports = reply(model, self.processor, validation.images, REPORT, REPORT_WIDTH)
        same = [a == b for a, b in zip(reports, validation.reports, strict=True)]
        return {
            "report_f1": round(micro_f1(report_codes(reports), validation.truth), 4),
            "direct_f1": round(micro_f1(answer_codes(answers), validation.truth), 4),
            "same_report": round(float(np.mean(same)), 4),
        }

    def published(self) -> Gemma3ForConditionalGeneration:
        """A copy of the running average in bf16, as it is published."""
        model = build_model(self.recipe.shape, self.processor)
        model.load_state_dict(self.average.state_dict())
        return model.to(self.device, torch.bfloat16).eval()

    def record(self) -> dict[str, Any]:
        """Everything that says how this model came about, JSON-ready."""
        gpu = torch.cuda.get_device_name() if self.device.type == "cuda" else None
        return {
            "recipe": self.recipe.record(),
            "phantom_version": PHANTOM_VERSION,
            "train_seeds": [TRAIN_SEEDS.start, TRAIN_SEEDS.start + self.recipe.train],
            "validation_seeds": [
                VALIDATION_SEEDS.start,
                VALIDATION_SEEDS.start + self.recipe.validation,
            ],
            "parameters": self.model.num_parameters(),
            "device": gpu or platform.processor() or platform.machine(),
            "steps": self.step,
            "minutes": round((time.monotonic() - self.began) / 60, 2),
            "curve": self.curve,
        }


def _command() -> str:
    # folders are of the machine that trained and of no interest elsewhere
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return " ".join(["python -m benchmarks.embedded.train", *words])


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processor", type=Path, default=assets_dir() / "embedded")
    for name in ("minutes", "learning_rate", "quantised_from"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    for name in ("train", "validation", "batch", "steps", "workers", "seed", "start_with"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    given = vars(parser.parse_args(arguments))
    out, folder = given.pop("out"), given.pop("processor")
    train(replace(Recipe(), **{k: v for k, v in given.items() if v is not None}), out, folder)


def train(recipe: Recipe, out: Path, processor: Path) -> Trainer:
    """Draws the phantoms and trains; `processor` is the folder with the tokenizer."""
    # forked before CUDA starts, so that the workers need not import anything again
    with multiprocessing.get_context("fork").Pool(recipe.workers) as pool:
        validation = Cohort(VALIDATION_SEEDS[: recipe.validation], recipe.shape, pool)
        cohort = Cohort(TRAIN_SEEDS[: recipe.train], recipe.shape, pool)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_float32_matmul_precision("high")
        trainer = Trainer(recipe, load_processor(processor), device, out)
        trainer.run(cohort, validation)
    return trainer


if __name__ == "__main__":
    main()
