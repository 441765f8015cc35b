"""Calibration files: what turns a model's raw answers to yes/no questions into probabilities.

An evaluation writes one; the reading room shows probabilities only where one exists for the very
model, weights, precision and question. Each is a JSON file in the private folder. No torch.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cxr_demo.errors import ModelError
from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.metrics.calibration import Platt
from cxr_demo.paths import private_dir
from cxr_demo.records import Precision

SCHEMA = 1
SYNTHETIC = "SYNTHETIC"


class CalibrationDamaged(ModelError):
    """A calibration file does not hold what it should."""

    code = "calibration_damaged"
    en = "The calibration of {model} is damaged: run its evaluation again, or delete {file}."
    pt = "A calibração de {model} está danificada: repita a avaliação, ou apague {file}."


@dataclass(frozen=True)
class Key:
    """What a calibration holds for. `question` is the frozen text, with its place for the name."""

    model: str
    weights_sha256: str
    precision: Precision
    question_id: str
    question: str


def key_of(model: str, weights_sha256: str, precision: str, answer: Mapping[str, Any]) -> Key:
    """The key of a stored `answer` to a question (`evaluation.answers.Answers` as JSON)."""
    return Key(
        model, weights_sha256, Precision(precision), answer["question_id"], answer["question"]
    )


@dataclass(frozen=True)
class Scale:
    """The scaling of one finding, and how many of its samples were present and absent. `brier`
    before and after are of the samples that it was fitted on."""

    slope: float
    intercept: float
    present: int
    absent: int
    brier_raw: float
    brier: float


@dataclass(frozen=True)
class Calibration:
    """Per finding a scaling; none where the samples did not suffice or the answers were no guide.
    `images`: samples in the fit; `mark`: "SYNTHETIC" for drawn ones; `tokens`: what counted as yes
    and no, as (token, id); `run`: the evaluation; `created`: ISO time."""

    key: Key
    scales: dict[Finding, Scale]
    images: int
    mark: str | None
    tokens: dict[str, Any]
    run: str
    created: str

    @property
    def synthetic(self) -> bool:
        """Whether it was fitted on drawn images."""
        return self.mark == SYNTHETIC

    def apply(self, raw: dict[Finding, float]) -> tuple[float | None, ...]:
        """Calibrated probabilities in the order of `FINDINGS`, from raw ones in 0..1."""
        return tuple(
            Platt(self.scales[each].slope, self.scales[each].intercept)(raw[each])
            if each in self.scales and each in raw
            else None
            for each in FINDINGS
        )


def path(key: Key) -> Path:
    """Where the calibration for `key` lies; it need not exist."""
    name = hashlib.sha256(json.dumps(asdict(key), sort_keys=True).encode()).hexdigest()[:24]
    return private_dir() / "calibrations" / f"{name}.json"


def write(calibration: Calibration) -> Path:
    """Put the file in its place, whole or not at all; an older one for the same key goes."""
    target = path(calibration.key)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps({"schema": SCHEMA, **asdict(calibration)}, indent=1) + "\n")
    draft.replace(target)
    return target


def stamp() -> int:
    """Another number after any calibration was written; 0 without one."""
    folder = private_dir() / "calibrations"
    return folder.stat().st_mtime_ns if folder.is_dir() else 0


def find(key: Key) -> Calibration | None:
    """The calibration for exactly `key`, or None. Raises CalibrationDamaged."""
    place = path(key)
    try:
        held = json.loads(place.read_text())
        found = _checked(held)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationDamaged(model=key.model, file=str(place)) from error
    if found.key != key:
        raise CalibrationDamaged(model=key.model, file=str(place))
    return found


def _checked(held: dict[str, Any]) -> Calibration:
    if held.pop("schema") != SCHEMA:
        raise ValueError("another schema")
    given = held.pop("key")
    key = Key(**given | {"precision": Precision(given["precision"])})
    scales = {Finding(name): Scale(**scale) for name, scale in held.pop("scales").items()}
    numbers = [number for scale in scales.values() for number in asdict(scale).values()]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("not a number")
    if any(scale.slope <= 0 for scale in scales.values()) or held["images"] < 1:
        raise ValueError("no calibration")
    return Calibration(key=key, scales=scales, **held)
