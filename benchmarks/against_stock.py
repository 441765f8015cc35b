"""What `confirm` compares, on random weights of published size: `python -m benchmarks.against_stock
[--precisions bf16,nf4] [--tiny]`.

The port's greedy tokens beside those of transformers' own `generate()` from the same files. It
confirms nothing, since the weights are random, but it shows on a GPU how many positions are equal
and how often bfloat16 cannot tell two tokens apart (random weights: more often than real ones).
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import torch

from benchmarks import report
from benchmarks.speed import checkpoint
from cxr_demo.models import against_stock
from cxr_demo.models.cards import card
from cxr_demo.paths import assets_dir
from cxr_demo.records import Precision
from cxr_demo.studies import open_study

MODEL = "medgemma-4b-it"


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first lines. 1 if a precision does not agree."""
    parser = argparse.ArgumentParser(prog="benchmarks.against_stock", description=__doc__)
    parser.add_argument("--precisions", default="bf16,nf4")
    parser.add_argument("--tokens", type=int, default=against_stock.TOKENS)
    parser.add_argument("--tiny", action="store_true", help="in a few megabytes, untold")
    parser.add_argument("--folder", type=Path, help="keep the checkpoint here, or use it again")
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    chosen = parser.parse_args(arguments)
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    images = [open_study(each)[0] for each in sorted((assets_dir() / "samples").glob("sample-*"))]
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch) / "models"
        checkpoint.ensure(MODEL, folder, chosen.tiny, None)
        home = Path(scratch) / "home"
        home.mkdir(mode=0o700)
        os.environ.update(checkpoint.environment(folder, home))
        for each in map(Precision, chosen.precisions.split(",")):
            began = time.monotonic()
            agreement, _ = against_stock.compare(card(MODEL), each, images, device, chosen.tokens)
            found[each] = agreement.to_dict() | {"seconds": time.monotonic() - began}
            print(found[each], flush=True)
    if not chosen.tiny:
        what = (
            f"{MODEL} at its published size with RANDOM weights: greedy tokens of this program and "
            "of stock generate(), both loaded from the same files."
        )
        results = {"model": MODEL, "precisions": found}
        path = chosen.out / "against_stock_medgemma.json"
        print(report.write(path, what, "python -m benchmarks.against_stock", results))
    return 0 if all(each["passed"] for each in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
