"""`python -m cxr_demo.worker.rank GROUP LAUNCH PARENT`: one of several processes of an evaluation.

`accelerate launch` starts it with LOCAL_RANK, RANK and WORLD_SIZE (alone: without). It reads every
WORLD_SIZE-th of the images that are left into a file of its own, and ends with the process PARENT.
"""

from cxr_demo.worker.isolation import seal

seal()  # before anything else is imported, so that no library meets the network

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import psutil  # noqa: E402

from cxr_demo.evaluation import rank_files, ranks  # noqa: E402
from cxr_demo.evaluation.recipe_run import RecipeRun, resumed  # noqa: E402
from cxr_demo.store.evaluations import EvaluationStore  # noqa: E402
from cxr_demo.store.place import store_path  # noqa: E402
from cxr_demo.telemetry import Sampler  # noqa: E402
from cxr_demo.telemetry.neighbours import Neighbours  # noqa: E402
from cxr_demo.worker.engine import DeviceFault, Engine  # noqa: E402
from cxr_demo.worker.host import DeviceHost  # noqa: E402
from cxr_demo.worker.lease import Lease, device_lease, runtime_dir  # noqa: E402

STOPPED, FAULT = 143, 70


class RankEngine(Engine):
    """A GPU is this rank's alone; a processor is shared by all ranks."""

    def __init__(self, gpu: int | None, rank: int) -> None:
        super().__init__(gpu)
        self._rank = rank

    def _take_lease(self, usable: bool) -> None:
        if self._lease is None:
            cpu = Lease(runtime_dir() / f"cpu-rank-{self._rank}.lock")
            self._lease = (device_lease(self._gpu) if usable else cpu).acquire()


def work(group: str, launch: str, parent: int) -> int:
    """Read this rank's share; the exit status."""
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = ranks.choose_gpu(int(os.environ.get("LOCAL_RANK", rank)))
    sampler, neighbours = Sampler(gpu), Neighbours(gpu)
    file = rank_files.rank_file(group, launch, rank)
    signals: list[int] = []  # no Event: a signal inside the handler of another would find it locked
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: signals.append(number))
    with Lease(file.with_suffix(".lock")), EvaluationStore(file) as store:
        lane = rank_files.lane(group, launch, rank, size)  # before it counts as begun
        store.take_group(store_path(), group)
        found = store.group(group)
        if found is None:
            return 1
        host = DeviceHost(RankEngine(gpu, rank), sampler, neighbours, path=file)
        run = RecipeRun(resumed(found), store, group, lane=lane, whole=False)

        def should_stop() -> bool:
            return bool(signals) or not psutil.pid_exists(parent)

        try:
            while run.advance(host, should_stop):
                pass
        except DeviceFault:
            return FAULT
        finally:
            run.end("running")
    return STOPPED if should_stop() else 0


if __name__ == "__main__":
    status = work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.stdout.flush()
    os._exit(status)
