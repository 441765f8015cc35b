"""Rule labeler against labels of another labeler: `python -m benchmarks.labeler REPORTS.csv`.

The file has a column `report` and the findings' columns (1, 0, -1 or empty). Reports that occur
more than once are counted once; uncertain counts as negative. Prints a table, and writes figures
only, never text, with `--json`.
"""

import argparse
import csv
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks import report
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.labelers import rules


def main() -> int:
    """Score the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--unrepeated", action="store_true", help="only reports that occur once")
    arguments = parser.parse_args()
    rows = _read(arguments.reports, arguments.unrepeated)
    figures = score(rows)
    _show(figures)
    if arguments.json:
        what = "Rule labeler against the labels that came with the reports."
        options = " --unrepeated" if arguments.unrepeated else ""
        command = f"python -m benchmarks.labeler {arguments.reports.name}{options}"
        report.write(arguments.json, what, command, figures)
    return 0


def score(rows: list[dict[str, str]]) -> dict[str, object]:
    """F1 per finding, micro over 14 and macro over those with ten positives, and the rate
    in reports per second of one core."""
    rules._read_sentence.cache_clear()
    began = time.process_time()
    labelled = [rules.label(row["report"]) for row in rows]
    seconds = time.process_time() - began
    counts = {finding: Counter[str]() for finding in FINDINGS}
    for row, found in zip(rows, labelled, strict=True):
        for finding in FINDINGS:
            truth = row[finding].strip() in ("1", "1.0")
            told = found[finding].label is Label.POSITIVE
            counts[finding][
                "tp" if truth and told else "fn" if truth else "fp" if told else "tn"
            ] += 1
    total = sum(counts.values(), Counter[str]())
    supported = [f for f in FINDINGS if counts[f]["tp"] + counts[f]["fn"] >= 10]
    return {
        "reports": len(rows),
        "reports_per_second": round(len(rows) / seconds),
        "micro_f1_14": round(f1(total), 4),
        "macro_f1_ten_positives": round(sum(f1(counts[f]) for f in supported) / len(supported), 4),
        "findings": {
            f.value: {
                **{k: counts[f][k] for k in ("tp", "fp", "fn")},
                "f1": round(f1(counts[f]), 4),
            }
            for f in FINDINGS
        },
    }


def f1(count: Counter[str]) -> float:
    """F1 of counts `tp`, `fp`, `fn`; 0 where nothing was there and nothing was told."""
    denominator = 2 * count["tp"] + count["fp"] + count["fn"]
    return 2 * count["tp"] / denominator if denominator else 0.0


def _read(path: Path, unrepeated: bool) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    times = Counter(row["report"] for row in rows)
    unique = {row["report"]: row for row in rows if not unrepeated or times[row["report"]] == 1}
    return list(unique.values())


def _show(figures: dict[str, object]) -> None:
    for name, row in figures["findings"].items():  # type: ignore[attr-defined]
        print(
            f"{name:28s} tp {row['tp']:5d} fp {row['fp']:4d} fn {row['fn']:4d} F1 {row['f1']:.3f}"
        )
    for name in ("reports", "reports_per_second", "micro_f1_14", "macro_f1_ten_positives"):
        print(f"{name:28s} {figures[name]}")


if __name__ == "__main__":
    sys.exit(main())
