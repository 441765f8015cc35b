"""Is the estimate good enough? `python -m benchmarks.fit_judgement [memory.json]`.

Judges it on measured pairs, each model with constants fitted on the others only, and prints the
constants that all pairs give. Fails (1) where a peak is off by more than 5 %, or a batch that was
never fitted by more than 10 %.
"""

import argparse
from pathlib import Path

from benchmarks import report
from cxr_demo.fit.judgement import PAIRS_WITHIN, UNSEEN_WITHIN, Judged, fit, judge
from cxr_demo.units import format_bytes

MEASURED = report.RESULTS / "memory.json"


def allowed(row: Judged) -> float:
    """How far this estimate may be off."""
    return UNSEEN_WITHIN if row.phase == "unseen" else PAIRS_WITHIN


def wrong(rows: list[Judged]) -> list[Judged]:
    """Those that are off by more than is allowed. Single phases are shown and not judged: what has
    to be free is the peak."""
    judged = [row for row in rows if row.phase in ("peak", "unseen")]
    return [row for row in judged if abs(row.error) > allowed(row)]


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the head of this file."""
    parser = argparse.ArgumentParser(prog="benchmarks.fit_judgement", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=MEASURED)
    chosen = parser.parse_args(arguments)
    pairs = report.read(chosen.file)["pairs"]
    rows = judge(pairs)
    for row in rows:
        sizes = f"{format_bytes(row.measured):>9} estimated {format_bytes(row.estimated):>9}"
        work = f"batch {row.work.batch}, {row.work.prompt} + {row.work.new}"
        print(f"{row.model:16} {row.precision:12} {row.phase:8} {sizes} {row.error:+7.1%}  {work}")
    found = fit(pairs)
    print(f"constants of all pairs, which the app takes from there: {found}")
    for row in wrong(rows):
        print(f"OFF: {row.model} {row.precision} {row.phase} {row.error:+.1%}")
    return 1 if wrong(rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
