"""Rate of CheXbert: `python -m benchmarks.chexbert_speed --device cuda --json RESULT.json`.

Weights are random, in the published checkpoint's format and full size; reports are made of random
words, none of which repeats as a text, with lengths like those of chest X-ray findings (about 75
tokens in 6 sentences). The time covers tokenizing and labels of the whole and of every sentence.
"""

import argparse
import json
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers
from transformers import BertConfig

from benchmarks import report
from cxr_demo.labelers.chexbert import CHECKPOINT, CheXbert, Network

SEED = 7
CHECKED = 64  # reports whose labels are compared with those of the CPU


def main() -> int:
    """Measure and print; figures only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--reports", type=int, default=30_000)
    parser.add_argument("--threads", type=int, default=2, help="of torch, on the CPU")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        _write_model(Path(folder))
        figures = measure(Path(folder), arguments.device, arguments.reports)
    print(json.dumps(figures, indent=1))
    if arguments.json:
        what = "Rate of CheXbert at full size with RANDOM weights on random words."
        command = f"python -m benchmarks.chexbert_speed --device {arguments.device}"
        report.write(arguments.json, what, f"{command} --reports {arguments.reports}", figures)
    return 0


def measure(folder: Path, device: str, count: int) -> dict[str, object]:
    """Seconds and rates of `count` reports on `device`; on a GPU, labels against the CPU's too."""
    began = time.perf_counter()
    labeler = CheXbert(folder, device)
    loading = time.perf_counter() - began
    reports = _reports(count)
    labeler.classify(reports[:8])  # kernels and memory pools come up
    began = time.perf_counter()
    labeler.classify(reports)
    whole = time.perf_counter() - began
    began = time.perf_counter()
    labelled = labeler.label(reports)
    both = time.perf_counter() - began
    figures: dict[str, object] = {
        "device": torch.cuda.get_device_name(device) if "cuda" in device else platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "reports": count,
        "words_per_report": round(sum(len(each.split()) for each in reports) / count, 1),
        "seconds_loading": round(loading, 2),
        "seconds_whole": round(whole, 2),
        "seconds_whole_and_sentences": round(both, 2),
        "reports_per_second_whole": round(count / whole, 1),
        "reports_per_second_whole_and_sentences": round(count / both, 1),
    }
    if "cuda" in device:
        figures["peak_bytes_allocated"] = torch.cuda.max_memory_allocated(device)
        on_cpu = CheXbert(folder, "cpu").label(reports[:CHECKED])
        pairs = zip(on_cpu, labelled[:CHECKED], strict=True)
        same = sum(
            a == b for one, two in pairs for a, b in zip(one.labels, two.labels, strict=True)
        )
        figures["labels_equal_to_cpu"] = f"{same} of {14 * CHECKED}"
    return figures


def _write_model(folder: Path) -> None:
    """A full-size random checkpoint and a vocabulary of the right size, at the right places."""
    torch.manual_seed(SEED)
    config = BertConfig()
    tensors = {f"module.{name}": each for name, each in Network(config).state_dict().items()}
    torch.save({"model_state_dict": tensors}, folder / CHECKPOINT)
    marks = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 104: "."}
    words = [marks.get(index, f"w{index}") for index in range(config.vocab_size)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def _reports(count: int) -> list[str]:
    chance = random.Random(SEED)
    return [" ".join(_sentence(chance) for _ in range(chance.randint(3, 9))) for _ in range(count)]


def _sentence(chance: random.Random) -> str:
    length = min(40, max(3, round(chance.lognormvariate(2.35, 0.5))))
    return " ".join(f"w{chance.randint(200, 30_000)}" for _ in range(length)).capitalize() + "."


if __name__ == "__main__":
    sys.exit(main())
