"""The worker's state and the telemetry, as the page shows them once a second."""

from typing import Any

from cxr_demo import fit
from cxr_demo.errors import CxrError
from cxr_demo.records import GpuMemory, Telemetry
from cxr_demo.ui.state import Choice
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import model_name
from cxr_demo.units import UNKNOWN, format_bytes, format_seconds
from cxr_demo.worker.messages import JobState, JobStatus, WorkerState, WorkerStatus


def live_view(status: WorkerStatus, language: str, choice: Choice | None = None) -> dict[str, Any]:
    """Worker line and telemetry tiles: `{"state", "words", "error", "fraction", "tiles", "note"}`;
    a tile is (key, name, value, share of the whole in 0..1 or None). "wait" says what a reading
    with `choice` would wait for."""
    return {
        "state": str(status.state),
        "words": worker_words(status, language),
        "error": CxrError.from_dict(status.error).message(language) if status.error else None,
        "fraction": status.fraction if status.state is WorkerState.LOADING else None,
        "device": status.device,
        "note": device_note(status, language),
        "tiles": tiles(status.telemetry, language),
        "wait": wait_words(status, choice, language),
    }


def wait_words(status: WorkerStatus, choice: Choice | None, language: str) -> str | None:
    """Told before a reading is asked for: an evaluation goes on with another model. Either
    both fit, or that one leaves the device for the reading and is loaded again."""
    job = status.job
    if job is None or choice is None or job.state is not JobState.RUNNING:
        return None
    if (job.model, job.precision) == (choice.model, choice.precision):
        return None
    precision = text(f"precision.{job.precision}", language)
    name = f"{model_name(job.model, language)} ({precision})"
    if _fit_together(status, job, choice):
        return text("bench.beside", language, name=name)
    wait = ""
    if job.swap_seconds is not None:
        seconds = format_seconds(job.swap_seconds, language)
        wait = text("bench.swap.wait", language, seconds=seconds)
    return text("bench.swap", language, name=name, wait=wait)


def _fit_together(status: WorkerStatus, job: JobStatus, choice: Choice) -> bool:
    """As the worker will judge, from what is free now: the evaluation's model is on the device, and
    the chosen one fits beside it, or is there already."""
    if status.guest and (status.model, status.precision) == (choice.model, choice.precision):
        return True
    if status.telemetry is None or (status.model, status.precision) != (job.model, job.precision):
        return False
    return fit.beside(choice.model, choice.precision, status.telemetry)


def worker_words(status: WorkerStatus, language: str) -> str:
    """One line on what the worker is doing."""
    name = model_name(status.model, language) if status.model else ""
    if status.state is WorkerState.READY and status.model and status.precision:
        precision = text(f"precision.{status.precision}", language)
        return text("worker.loaded", language, model=name, precision=precision)
    return text(f"worker.{status.state}", language, model=name).strip()


def device_note(status: WorkerStatus, language: str) -> str | None:
    """Says so where no NVIDIA GPU is in use; the GPU's name where one is."""
    telemetry = status.telemetry
    if telemetry is None:
        return None
    gpu = telemetry.gpu
    return gpu.name if gpu else text("tele.no_gpu", language)


def tiles(telemetry: Telemetry | None, language: str) -> list[list[Any]]:
    """Memory and load: of the worker's GPU, else of its process under that name."""
    if telemetry is None:
        return []
    gpu = telemetry.gpu
    if gpu is None:
        known = [each for each in (telemetry.rss, telemetry.rss_peak) if each is not None]
        highest = max(known, default=None)  # the two are read one after the other
        return [
            _tile("tele.rss", format_bytes(telemetry.rss, language), None, language),
            _tile("tele.rss_peak", format_bytes(highest, language), None, language),
        ]
    load = UNKNOWN if gpu.load is None else f"{gpu.load * 100:.0f} %"
    peak = telemetry.device_peak
    return [
        _tile("tele.vram", format_bytes(gpu.used, language), _share(gpu.used, gpu), language),
        _tile("tele.vram_peak", format_bytes(peak, language), _share(peak, gpu), language),
        _tile("tele.vram_total", format_bytes(gpu.total, language), None, language),
        _tile("tele.load", load, gpu.load, language),
    ]


def _tile(key: str, value: str, share: float | None, language: str) -> list[Any]:
    return [key, text(key, language), value, share]


def _share(part: int | None, gpu: GpuMemory) -> float | None:
    return part / gpu.total if part is not None and gpu.total else None
