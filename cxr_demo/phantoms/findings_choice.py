"""Which findings a phantom shows, how plainly, and where: drawn by lot, none over another."""

from collections.abc import Iterator

import numpy as np

from cxr_demo.findings import Finding
from cxr_demo.phantoms.plan_types import Drawn, Grade, Side, Zone

_NORMAL_SHARE = 0.30
_DEVICE_SHARE = 0.30
_COUNTS = (0.36, 0.36, 0.19, 0.09)
"""Shares of phantoms with one, two, three and four pathologies among those that have any."""

_WEIGHTS = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: 0.85,
    Finding.CARDIOMEGALY: 1.2,
    Finding.LUNG_LESION: 1.15,
    Finding.LUNG_OPACITY: 1.3,
    Finding.EDEMA: 1.0,
    Finding.CONSOLIDATION: 1.15,
    Finding.PNEUMONIA: 1.2,
    Finding.ATELECTASIS: 1.2,
    Finding.PNEUMOTHORAX: 0.9,
    Finding.PLEURAL_EFFUSION: 1.3,
    Finding.PLEURAL_OTHER: 0.85,
    Finding.FRACTURE: 0.85,
}

_SIDES = (Side.RIGHT, Side.LEFT)
_ZONES = (Zone.UPPER, Zone.MIDDLE, Zone.LOWER)
_Slot = tuple[Side, Zone]


def choose(rng: np.random.Generator, grade: Grade) -> Iterator[Drawn]:
    """What a phantom of `grade` shows: nothing, or findings at this grade and plainer ones."""
    free: set[_Slot] = {(side, zone) for side in _SIDES for zone in (*_ZONES, Zone.NONE)}
    if rng.random() >= _NORMAL_SHARE:
        names = list(_WEIGHTS)
        weights = np.array(list(_WEIGHTS.values()))
        count = int(rng.choice(4, p=_COUNTS)) + 1
        picked = rng.choice(len(names), size=count, replace=False, p=weights / weights.sum())
        # large findings first: they take the room that small ones then leave alone
        order = sorted((names[i] for i in picked), key=list(_ROOM).index)
        pinned = int(rng.integers(len(order)))
        for index, finding in enumerate(order):
            own = grade if index == pinned or rng.random() < 0.7 else _at_least(rng, grade)
            drawn = _place(rng, finding, own, free)
            if drawn is not None:
                yield drawn
    if rng.random() < _DEVICE_SHARE:
        yield _devices(rng, grade)


def _at_least(rng: np.random.Generator, grade: Grade) -> Grade:
    return Grade(int(rng.integers(grade, 4)))


_ROOM: dict[Finding, str] = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: "none",
    Finding.CARDIOMEGALY: "none",
    Finding.FRACTURE: "none",
    Finding.PNEUMOTHORAX: "lung",
    Finding.PLEURAL_EFFUSION: "base",
    Finding.EDEMA: "both",
    Finding.ATELECTASIS: "base",
    Finding.CONSOLIDATION: "zone",
    Finding.PNEUMONIA: "zone",
    Finding.LUNG_OPACITY: "zone",
    Finding.LUNG_LESION: "zone",
    Finding.PLEURAL_OTHER: "pleura",
}
"""What each finding occupies, so that no two are drawn over each other."""


def _place(
    rng: np.random.Generator, finding: Finding, grade: Grade, free: set[_Slot]
) -> Drawn | None:
    room = _ROOM[finding]
    if room == "none":
        return _fracture(rng, grade) if finding is Finding.FRACTURE else Drawn(finding, grade)
    if room == "both":
        # the haze lies over all of both lungs but leaves nodules and dense lobes readable
        for side in _SIDES:
            free.discard((side, Zone.MIDDLE))
        return Drawn(finding, grade, Side.BOTH)
    slot = _slot(rng, room, grade, free)
    if slot is None:
        return None
    side, zone = slot
    kind, extent = _variant(rng, finding, grade)
    return Drawn(finding, grade, side, zone, kind, extent)


def _slot(rng: np.random.Generator, room: str, grade: Grade, free: set[_Slot]) -> _Slot | None:
    """A free place of the kind `room`, taken out of `free`."""
    wanted = {
        "lung": [Zone.UPPER, Zone.MIDDLE, Zone.LOWER, Zone.NONE],
        "base": [Zone.LOWER],
        "pleura": [Zone.NONE],
    }
    if room == "zone":
        open_zones = sorted(each for each in free if each[1] is not Zone.NONE)
        if not open_zones:
            return None
        slot = open_zones[int(rng.integers(len(open_zones)))]
        free.discard(slot)
        return slot
    sides = [side for side in _SIDES if all((side, zone) in free for zone in wanted[room])]
    if not sides:
        return None
    side = sides[int(rng.integers(len(sides)))]
    free -= {(side, zone) for zone in wanted[room]}
    if room == "base" and grade is Grade.PLAIN:
        free -= {(side, Zone.MIDDLE), (side, Zone.NONE)}
    return side, Zone.LOWER if room == "base" else Zone.NONE


def between(rng: np.random.Generator, grade: Grade, *ranges: tuple[float, float]) -> float:
    """A number from the range of `grade`; `ranges` holds one for each."""
    low, high = ranges[grade - 1]
    return float(rng.uniform(low, high))


def _variant(rng: np.random.Generator, finding: Finding, grade: Grade) -> tuple[str, float]:
    """(kind, extent) of a finding that has a side."""
    if finding is Finding.LUNG_LESION:
        extent = between(rng, grade, (0.034, 0.044), (0.044, 0.070), (0.080, 0.125))
        return ("mass" if extent > 0.075 else "nodule"), extent
    if finding is Finding.PNEUMOTHORAX:
        return "", between(rng, grade, (0.026, 0.040), (0.050, 0.075), (0.090, 0.150))
    if finding is Finding.PLEURAL_EFFUSION:
        return "", between(rng, grade, (0.065, 0.085), (0.120, 0.170), (0.230, 0.330))
    if finding is Finding.PLEURAL_OTHER:
        kind = ("apical", "lateral", "plaque")[int(rng.integers(3))]
        return kind, between(rng, grade, (0.018, 0.022), (0.025, 0.031), (0.034, 0.044))
    if finding is Finding.ATELECTASIS:
        return "", between(rng, grade, (0.12, 0.15), (0.15, 0.19), (0.18, 0.22))
    return "", between(rng, grade, (0.10, 0.13), (0.12, 0.16), (0.15, 0.19))


def _fracture(rng: np.random.Generator, grade: Grade) -> Drawn:
    side = _SIDES[int(rng.integers(2))]
    kind = "clavicle" if rng.random() < 0.3 else "rib"
    return Drawn(Finding.FRACTURE, grade, side, kind=kind, rib=int(rng.integers(4, 9)))


_DEVICES: dict[Grade, tuple[str, ...]] = {
    Grade.SUBTLE: ("picc", "nasogastric", "endotracheal"),
    Grade.MODERATE: (
        "jugular+endotracheal", "nasogastric+endotracheal", "jugular", "port", "chest_tube",
    ),
    Grade.PLAIN: (
        "pacemaker", "pacemaker+sternotomy", "sternotomy", "jugular+nasogastric+endotracheal",
        "jugular+electrodes+endotracheal",
    ),
}  # fmt: skip


def _devices(rng: np.random.Generator, grade: Grade) -> Drawn:
    kinds = _DEVICES[grade]
    side = _SIDES[int(rng.integers(2))]
    return Drawn(Finding.SUPPORT_DEVICES, grade, side, kind=kinds[int(rng.integers(len(kinds)))])
