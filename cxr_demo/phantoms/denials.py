"""The part of a phantom's report that says what is not there."""

from collections.abc import Sequence

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.plan import PhantomPlan, truth


def pick(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    """One of `phrases` by lot."""
    return phrases[int(rng.integers(len(phrases)))]


_AIRSPACE = (
    Finding.LUNG_LESION,
    Finding.LUNG_OPACITY,
    Finding.EDEMA,
    Finding.CONSOLIDATION,
    Finding.PNEUMONIA,
    Finding.ATELECTASIS,
)


def denials(rng: np.random.Generator, plan: PhantomPlan, room: int) -> list[str]:
    """At most `room` sentences about what was not drawn (all that apply on a normal phantom)."""
    facts = truth(plan)
    chosen: list[str] = []
    if facts[Finding.NO_FINDING] and rng.random() < 0.5:
        chosen.append(
            pick(rng, ("no acute cardiopulmonary abnormality.", "normal chest radiograph."))
        )
    groups = [_heart_denial, _lung_denial, _pleural_denial, _bone_denial]
    sentences = [group(rng, facts) for group in groups]
    present = [index for index, each in enumerate(sentences) if each]
    kept = present
    if not facts[Finding.NO_FINDING]:
        kept = sorted(rng.permutation(present)[: min(room, 3)])
    return chosen + [sentences[index] for index in kept]


_Facts = dict[Finding, bool]


def _heart_denial(rng: np.random.Generator, facts: _Facts) -> str:
    heart = facts[Finding.CARDIOMEGALY]
    middle = facts[Finding.ENLARGED_CARDIOMEDIASTINUM]
    if not heart and not middle:
        return pick(
            rng,
            ("heart size and mediastinal contours are normal.",
             "the cardiomediastinal silhouette is normal.",
             "the heart is not enlarged and the mediastinum is not widened."),
        )  # fmt: skip
    if not heart:
        return pick(rng, ("heart size is normal.", "the heart is not enlarged."))
    if not middle:
        return pick(rng, ("mediastinal contours are normal.", "the mediastinum is not widened."))
    return ""


def _lung_denial(rng: np.random.Generator, facts: _Facts) -> str:
    if not any(facts[each] for each in _AIRSPACE):
        return pick(
            rng, ("the lungs are clear.", "the lungs are clear without focal consolidation.")
        )
    absent = [
        words
        for finding, words in (
            (Finding.CONSOLIDATION, "focal consolidation"),
            (Finding.EDEMA, "pulmonary edema"),
            (Finding.LUNG_LESION, "nodule"),
            (Finding.PNEUMONIA, "pneumonia"),
        )
        if not facts[finding]
    ]
    if not absent:
        return ""
    order = [absent[index] for index in rng.permutation(len(absent))[:2]]
    return f"no {' or '.join(order)}."


def _pleural_denial(rng: np.random.Generator, facts: _Facts) -> str:
    fluid, air = facts[Finding.PLEURAL_EFFUSION], facts[Finding.PNEUMOTHORAX]
    if not fluid and not air:
        return pick(
            rng,
            ("no pleural effusion or pneumothorax.",
             "there is no pneumothorax or pleural effusion."),
        )  # fmt: skip
    if not air:
        return pick(rng, ("no pneumothorax.", "there is no pneumothorax."))
    if not fluid:
        return pick(rng, ("no pleural effusion.", "there is no pleural effusion."))
    return ""


def _bone_denial(rng: np.random.Generator, facts: _Facts) -> str:
    if facts[Finding.FRACTURE]:
        return ""
    return pick(rng, ("no fracture is seen.", "no acute fracture.", "the bony thorax is intact."))
