"""A phantom's report in a radiologist's words, from a small closed vocabulary.

It names everything that was drawn, in the order of a real report (devices, heart, lungs, pleura,
bones), denies some of what was not, and hedges about half of what is drawn at grade 1. The wording
follows the seed, so a phantom always has the same report.
"""

from collections.abc import Callable

import numpy as np

from cxr_demo.findings import FINDINGS, Finding
from cxr_demo.phantoms.denials import denials, pick
from cxr_demo.phantoms.plan import (
    MM_PER_WIDTH,
    PHANTOM_VERSION,
    Drawn,
    Grade,
    PhantomPlan,
    Side,
    truth,
)

_STREAM = 100
_HEDGED_SHARE = 0.5


def write_report(plan: PhantomPlan) -> str:
    """The report of `plan`: English, two to eight sentences, some 20 to 70 words."""
    rng = np.random.default_rng((plan.seed, PHANTOM_VERSION, _STREAM))
    sentences = _opening(rng, plan)
    for finding in _ORDER:
        drawn = plan.find(finding)
        if drawn is not None:
            sentences.append(_sentence(rng, drawn))
    sentences += denials(rng, plan, room=max(1, 5 - len(sentences)))
    return " ".join(each[0].upper() + each[1:] for each in sentences)


def direct_answer(plan: PhantomPlan) -> str:
    """The names of all true findings in the order of `FINDINGS`, separated by ", "."""
    facts = truth(plan)
    return ", ".join(finding.value for finding in FINDINGS if facts[finding])


_ORDER = (
    Finding.SUPPORT_DEVICES,
    Finding.CARDIOMEGALY,
    Finding.ENLARGED_CARDIOMEDIASTINUM,
    Finding.EDEMA,
    Finding.CONSOLIDATION,
    Finding.PNEUMONIA,
    Finding.LUNG_OPACITY,
    Finding.ATELECTASIS,
    Finding.LUNG_LESION,
    Finding.PLEURAL_EFFUSION,
    Finding.PNEUMOTHORAX,
    Finding.PLEURAL_OTHER,
    Finding.FRACTURE,
)


def _opening(rng: np.random.Generator, plan: PhantomPlan) -> list[str]:
    if rng.random() < 0.6:
        return []
    view = plan.exposure.view
    return [pick(rng, (f"{view} view of the chest.", f"{view} chest radiograph."))]


# ---------------------------------------------------------------- what is there


def _sentence(rng: np.random.Generator, drawn: Drawn) -> str:
    if drawn.finding is Finding.SUPPORT_DEVICES:
        return _devices(rng, drawn)
    hedged = drawn.grade is Grade.SUBTLE and rng.random() < _HEDGED_SHARE
    return _WORDS[drawn.finding](rng, drawn, hedged)


def _graded(drawn: Drawn, words: tuple[str, str, str]) -> str:
    return words[drawn.grade - 1]


def _cardiomegaly(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    if hedged:
        return pick(rng, ("possible mild cardiomegaly.", "the heart may be mildly enlarged."))
    size = _graded(drawn, ("mild", "moderate", "marked"))
    return pick(rng, (f"there is {size} cardiomegaly.", f"the heart is {size}ly enlarged."))


def _mediastinum(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    if hedged:
        return pick(
            rng, ("the mediastinum may be mildly widened.", "possible mild mediastinal widening.")
        )
    size = _graded(drawn, ("mild", "moderate", "marked"))
    return pick(
        rng, (f"the mediastinum is {size}ly widened.", f"there is {size} mediastinal widening.")
    )


def _edema(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    if hedged:
        return pick(
            rng, ("possible mild pulmonary edema.", "mild pulmonary edema cannot be excluded.")
        )
    size = _graded(drawn, ("mild", "moderate", "severe"))
    return pick(
        rng,
        (
            f"{size} pulmonary edema with Kerley lines.",
            f"there is {size} bilateral pulmonary edema.",
        ),
    )


def _where(drawn: Drawn) -> str:
    return f"in the {drawn.side} {drawn.zone} lung zone"


def _consolidation(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    where = _where(drawn)
    if hedged:
        return pick(
            rng, (f"possible consolidation {where}.", f"consolidation {where} cannot be excluded.")
        )
    look = _graded(drawn, ("mild", "focal", "dense"))
    return pick(
        rng,
        (
            f"{look} consolidation {where} with air bronchograms.",
            f"there is {look} consolidation {where}.",
        ),
    )


def _pneumonia(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    where = _where(drawn)
    if hedged:
        return pick(
            rng,
            (f"possible early pneumonia {where}.", f"findings {where} may represent pneumonia."),
        )
    look = _graded(drawn, ("mild", "patchy", "extensive"))
    return pick(
        rng,
        (f"{look} pneumonia {where}.", f"findings {where} are consistent with {look} pneumonia."),
    )


def _opacity(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    where = _where(drawn)
    if hedged:
        return pick(
            rng, (f"possible faint opacity {where}.", f"there may be a hazy opacity {where}.")
        )
    look = _graded(drawn, ("faint", "hazy", "large hazy"))
    return pick(rng, (f"there is a {look} opacity {where}.", f"{look} opacity {where}."))


def _atelectasis(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    base = f"at the {drawn.side} base"
    if hedged:
        return pick(
            rng, (f"possible mild atelectasis {base}.", f"there may be mild atelectasis {base}.")
        )
    look = _graded(drawn, ("mild", "linear", "marked linear"))
    return pick(
        rng,
        (
            f"{look} atelectasis {base}.",
            f"there is {look} atelectasis {base} with a raised diaphragm.",
        ),
    )


def _lesion(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    where = _where(drawn)
    length = drawn.extent * MM_PER_WIDTH
    size = f"{round(length / 10)} cm" if drawn.kind == "mass" else f"{2 * round(length / 2)} mm"
    if hedged:
        return pick(
            rng, (f"possible {size} nodule {where}.", f"a small nodule {where} is suspected.")
        )
    return pick(
        rng, (f"there is a round {size} {drawn.kind} {where}.", f"{size} {drawn.kind} {where}.")
    )


def _effusion(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    if hedged:
        return pick(
            rng,
            (
                f"possible small {drawn.side} pleural effusion.",
                f"blunting of the {drawn.side} costophrenic angle may represent a small pleural "
                "effusion.",
            ),
        )
    size = _graded(drawn, ("small", "moderate", "large"))
    return pick(
        rng,
        (
            f"{size} {drawn.side} pleural effusion.",
            f"there is a {size} {drawn.side} pleural effusion with blunting of the costophrenic "
            "angle.",
        ),
    )


def _pneumothorax(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    if hedged:
        return pick(
            rng,
            (
                f"possible small {drawn.side} apical pneumothorax.",
                f"a small {drawn.side} pneumothorax cannot be excluded.",
            ),
        )
    size = _graded(drawn, ("small", "moderate", "large"))
    return pick(
        rng, (f"there is a {size} {drawn.side} pneumothorax.", f"{size} {drawn.side} pneumothorax.")
    )


def _pleura(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    what, where = {
        "apical": ("pleural thickening", f"at the {drawn.side} apex"),
        "lateral": ("pleural thickening", f"along the {drawn.side} chest wall"),
        "plaque": ("calcified pleural plaques", f"on the {drawn.side}"),
    }[drawn.kind]
    if hedged:
        return pick(rng, (f"possible {what} {where}.", f"there may be {what} {where}."))
    size = _graded(drawn, ("mild", "moderate", "marked"))
    if drawn.kind == "plaque":
        return pick(rng, (f"{what} {where}.", f"there are {what} {where}."))
    return pick(rng, (f"{size} {what} {where}.", f"there is {size} {what} {where}."))


_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh",
)  # fmt: skip


def _fracture(rng: np.random.Generator, drawn: Drawn, hedged: bool) -> str:
    bone = _broken_bone(drawn)
    if hedged:
        return pick(rng, (f"possible fracture of {bone}.", f"fracture of {bone} is suspected."))
    if drawn.kind == "rib" and drawn.grade is not Grade.SUBTLE:
        return pick(rng, (f"displaced fractures of {bone}.", f"there are fractures of {bone}."))
    return pick(rng, (f"displaced fracture of {bone}.", f"there is a fracture of {bone}."))


def _broken_bone(drawn: Drawn) -> str:
    if drawn.kind == "clavicle":
        return f"the {drawn.side} clavicle"
    names = [_ORDINALS[drawn.rib - 1 + each] for each in range(drawn.grade)]
    if len(names) == 1:
        return f"the {drawn.side} {names[0]} rib"
    return f"the {drawn.side} {', '.join(names[:-1])} and {names[-1]} ribs"


_WORDS: dict[Finding, Callable[[np.random.Generator, Drawn, bool], str]] = {
    Finding.CARDIOMEGALY: _cardiomegaly,
    Finding.ENLARGED_CARDIOMEDIASTINUM: _mediastinum,
    Finding.EDEMA: _edema,
    Finding.CONSOLIDATION: _consolidation,
    Finding.PNEUMONIA: _pneumonia,
    Finding.LUNG_OPACITY: _opacity,
    Finding.ATELECTASIS: _atelectasis,
    Finding.LUNG_LESION: _lesion,
    Finding.PLEURAL_EFFUSION: _effusion,
    Finding.PNEUMOTHORAX: _pneumothorax,
    Finding.PLEURAL_OTHER: _pleura,
    Finding.FRACTURE: _fracture,
}


def _devices(rng: np.random.Generator, drawn: Drawn) -> str:
    side = drawn.side if drawn.side is not Side.NONE else Side.RIGHT
    names = {
        "endotracheal": "endotracheal tube",
        "nasogastric": "nasogastric tube",
        "jugular": f"{side} central venous catheter",
        "picc": f"{side} PICC line",
        "port": f"{side} chest port",
        "pacemaker": f"{side} pacemaker",
        "sternotomy": "sternotomy wires",
        "chest_tube": f"{side} chest tube",
        "electrodes": "ECG leads",
    }
    parts = [names[kind] for kind in drawn.kinds]
    whole = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    several = len(parts) > 1 or parts[0].endswith("wires")
    return f"{whole} {'are' if several else 'is'} in place."
