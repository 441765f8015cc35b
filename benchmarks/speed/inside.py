"""The stages that share one process: engine and stock beside each other on the same weights.

`python -m benchmarks.speed.inside CALL.json` is started by `benchmarks.speed`, once per model.
"""

import gc
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import batch1, fidelity, kernels, paths, throughput, workload
from benchmarks.speed.results import Call, loaded
from benchmarks.speed.settings import INSIDE
from benchmarks.speed.stock import Stock
from benchmarks.speed.stock import load as load_stock
from cxr_demo import models
from cxr_demo.models.base import Seen
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from cxr_demo.studies import open_study


class Bench:
    """Models of one call, loaded when first asked for."""

    def __init__(self, call: Call, jpegs: Path) -> None:
        self.call = call
        self.files = workload.write_jpegs(jpegs, call.size.images)
        self._engines: dict[Precision, Any] = {}
        self._stocks: dict[Precision, Stock] = {}
        self.best_slots: int | None = None

    def engine(self, precision: Precision) -> Any:
        """The app's model; its checkpoint's hash is done, so that nothing runs beside the clock."""
        if precision not in self._engines:
            found = models.load(card(self.call.model), precision, self.call.device)
            _ = found.weights_sha256
            self._engines[precision] = found
        return self._engines[precision]

    def stock(self, precision: Precision) -> Stock:
        """The same weights for `generate()`."""
        if precision not in self._stocks:
            self._stocks[precision] = load_stock(self.call.model, precision, self.call.device)
        return self._stocks[precision]

    def images(self, count: int) -> list[Seen]:
        """What the model is given of the first `count` files."""
        model = next(iter(self._engines.values()))
        return [model.see(open_study(file)[0]) for file in self.files[:count]]

    def release(self, engines: bool = True, stocks: bool = True) -> None:
        """Free the device's memory."""
        if engines:
            for model in self._engines.values():
                model.close()
            self._engines.clear()
        if stocks:
            self._stocks.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _batch1(bench: Bench, precision: Precision) -> dict[str, Any]:
    model, stock = bench.engine(precision), bench.stock(precision)
    return batch1.measure(model, stock, bench.images(1)[0], bench.call.size)


def _fidelity(bench: Bench, precision: Precision) -> dict[str, Any]:
    model, stock = bench.engine(precision), bench.stock(precision)
    found = fidelity.measure(model, stock, bench.images(bench.call.size.rows), bench.call.size)
    bench.release(engines=False)  # it was widened
    return found


def _throughput(bench: Bench, precision: Precision) -> dict[str, Any]:
    """The engine and stock, each with the device's memory for itself. The number of slots that was
    best in bf16 serves 4 bits too; stock in 4 bits, of which no goal speaks, runs one batch."""
    size = bench.call.size
    bench.release()
    model = bench.engine(precision)
    paths.use(model, paths.available(model)[0])
    slots = size.slots if bench.best_slots is None else (bench.best_slots,)
    found: dict[str, Any] = {
        "lengths": workload.describe(size),
        "workers": throughput.WORKERS,
        "engine": throughput.of_engine(model, bench.files, size, slots),
    }
    bench.best_slots = found["engine"]["best_slots"]
    bench.call.write("throughput", precision, found)  # before stock, which takes as long again
    bench.release()
    batches = size.batches if precision is Precision.BF16 else size.batches[1:2]
    stock = bench.stock(precision)
    # the closed model still opens images and turns ids into text
    found["stock"] = throughput.of_stock(stock, model, model.decode, bench.files, size, batches)
    return found


def _kernels(bench: Bench, precision: Precision) -> dict[str, Any]:
    return kernels.measure(bench.engine(precision), bench.stock(precision), bench.call.size)


STAGES: dict[str, Callable[[Bench, Precision], dict[str, Any]]] = {
    "batch1": _batch1,
    "fidelity": _fidelity,
    "throughput": _throughput,
    "kernels": _kernels,
}


def run(call: Call, jpegs: Path) -> list[str]:
    """Every stage of `call` that belongs here, each precision; the names of those that failed.

    A failure is printed in full and the next stage goes on: device time is short, and one call
    must bring back all that it can."""
    bench = Bench(call, jpegs)
    failed = []
    for stage in (each for each in call.stages if each in INSIDE):
        for precision in call.precisions:
            if not call.time_for(stage, precision):
                continue
            try:
                call.write(stage, precision, STAGES[stage](bench, precision))
            except Exception:  # noqa: BLE001  (told below, and by the exit status)
                traceback.print_exc()
                failed.append(f"{call.model} {stage} {precision.value}")
                bench.release()
    return failed


def main(arguments: list[str]) -> int:
    """Command line: a call's file, and a folder for images."""
    call = loaded(Path(arguments[0]).read_text())
    failed = run(call, Path(arguments[1]))
    for each in failed:
        print(f"FAILED: {each}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
