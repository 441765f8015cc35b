"""What a run's JSON says of the machine, the batch and the time, put together from measurements."""

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from cxr_demo import pipelines
from cxr_demo.evaluation.host import Host
from cxr_demo.evaluation.session import Use
from cxr_demo.models.base import Model
from cxr_demo.records import Memory
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import TimedImage

NOTE_S = 5.0
"""Seconds between two notes of how far a batch is."""
PARTS = "batch_parts"
"""Key of a run's JSON under which each process keeps its share of the batch."""
_PEAKS = ("slots", "vram_device_peak", "vram_device_baseline", "rss_peak")
_SUMS = ("images", "tokens", "steps", "slot_steps", "idle_slot_steps")
LOOK_S = 2.0
"""Seconds between two looks for other processes on the device."""


def describe(model: Model, synthetic: bool) -> dict[str, Any]:
    """What is known with the loaded model."""
    return {
        "device": model.device,
        "versions": pipelines.versions(),
        "confirmed": model.confirmed,
        "stand_in": model.stand_in,
        "synthetic": synthetic,
    }


def memory(measured: Memory) -> dict[str, Any]:
    """Peaks as the run's JSON has them."""
    return asdict(measured)


def time_per_image(timed: Sequence[TimedImage]) -> dict[str, Any] | None:
    """Mean and deviation (n - 1) of the images timed at batch 1, in seconds; None without any."""
    if not timed:
        return None
    totals = [each.total for each in timed]
    return {
        "mean": statistics.fmean(totals),
        "sd": statistics.stdev(totals) if len(totals) > 1 else None,
        "n": len(totals),
        "mean_tokens": statistics.fmean(each.tokens for each in timed),
        "preprocessing": statistics.fmean(each.preprocessing for each in timed),
        "generation": statistics.fmean(each.generation for each in timed),
        "labelling": statistics.fmean(each.labelling for each in timed),
    }


def per_token(seconds: Sequence[float]) -> dict[str, Any] | None:
    """Mean and deviation of the seconds per token after the first; None without any."""
    if not seconds:
        return None
    deviation = statistics.stdev(seconds) if len(seconds) > 1 else None
    return {"mean": statistics.fmean(seconds), "sd": deviation, "n": len(seconds)}


def together(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One batch from its parts, by "launch/rank": ranks of one launch ran side by side, launches
    one after the other. The rate is all images by all seconds."""
    seconds: dict[str, float] = {}
    for name, part in parts.items():
        launch = name.partition("/")[0]
        seconds[launch] = max(seconds.get(launch, 0.0), part["seconds"])
    sums = {name: sum(each[name] or 0 for each in parts.values()) for name in _SUMS}
    took = sum(seconds.values())
    return {
        **sums,
        "seconds": took,
        "images_per_second": sums["images"] / took if took and sums["images"] else None,
        "ranks": max(Counter(each.partition("/")[0] for each in parts).values(), default=None),
        **{name: _largest(parts.values(), name) for name in _PEAKS},
    }


def _largest(parts: Iterable[dict[str, Any]], name: str) -> Any:
    known = [each[name] for each in parts if each.get(name) is not None]
    return max(known) if known else None


class Batch:
    """Keeps `facts["batch"]` of a run up to date, and looks who else uses the device. Seconds of
    earlier sessions count on."""

    def __init__(self, store: EvaluationStore, run: str, name: str, slots: int, host: Host) -> None:
        self._store, self._run, self._name, self._host = store, run, name, host
        self._slots = slots
        found = store.arm(run)
        self._before = (found.facts if found else {}).get(PARTS, {}).get(self._name, {})
        self._noted = self._looked = time.monotonic()
        self._foreign = False
        self._rate: float | None = None
        host.watch()

    def note(self, use: Use) -> float | None:
        """Note from time to time; the images per second of this session."""
        now = time.monotonic()
        if now - self._looked > LOOK_S:
            self._looked = now
            self._look()
        if now - self._noted > NOTE_S:
            self._noted = now
            self._write(use)
        return use.images / use.seconds if use.seconds else None

    def close(self, use: Use) -> None:
        """Note what stands at the end."""
        self._look()
        self._write(use)

    def _look(self) -> None:
        found = self._host.neighbours()
        if found is not None and not self._foreign:
            self._store.add_note(self._run, "foreign_process", count=found.count, bytes=found.bytes)
        self._foreign = found is not None

    def _write(self, use: Use) -> None:
        seen = self._host.watched()
        self._host.watch()
        before = self._before
        now = {"vram_device_peak": seen.vram_device_peak, "rss_peak": seen.rss_peak}
        part = {
            "slots": self._slots,
            "seconds": before.get("seconds", 0.0) + use.seconds,
            **{name: before.get(name, 0) + getattr(use, name) for name in _SUMS},
            "vram_device_peak": _largest((before, now), "vram_device_peak"),
            "vram_device_baseline": seen.vram_device_baseline,
            "rss_peak": _largest((before, now), "rss_peak"),
        }
        self._before = before | {name: part[name] for name in now}
        found = self._store.arm(self._run)
        parts = dict((found.facts if found else {}).get(PARTS, {})) | {self._name: part}
        self._store.set_facts(self._run, **{PARTS: parts}, batch=together(parts))
