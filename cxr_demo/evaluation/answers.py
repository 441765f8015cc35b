"""What a model answers to its yes/no questions, on its way to a calibration."""

from dataclasses import dataclass
from typing import Any

from cxr_demo.findings import Finding


@dataclass(frozen=True)
class Answers:
    """Raw answers of a model to one yes/no question per finding, `models.probabilities`: `yes` and
    `mass` in 0..1, `tokens` that counted as yes and no (token, id), `seconds` on top of a reading.
    """

    question_id: str
    question: str
    tokens: dict[str, Any]
    yes: dict[Finding, float]
    mass: dict[Finding, float]
    seconds: float
