"""Slices of a test set: masks over its images by what is known of them. Arrays only."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "unknown"
AGE_BANDS: tuple[tuple[float, str], ...] = (
    (18, "0-17"),
    (40, "18-39"),
    (60, "40-59"),
    (80, "60-79"),
    (float("inf"), "80+"),
)
"""(upper end, name): an age belongs to the first band whose end lies above it."""

Mask = NDArray[np.bool_]


def by_value(values: Sequence[Hashable | None]) -> dict[str, Mask]:
    """(N,) mask per value, by name; what is None is `UNKNOWN`. Empty slices don't appear."""
    names = np.array([UNKNOWN if each is None else str(each) for each in values], dtype=object)
    return {name: names == name for name in sorted(set(names))}


def by_age(ages: Sequence[float | None]) -> dict[str, Mask]:
    """(N,) mask per band of `AGE_BANDS`, and for unknown ages."""
    bands = [None if age is None else next(n for end, n in AGE_BANDS if age < end) for age in ages]
    return by_value(bands)


def slices(
    columns: Mapping[str, Sequence[Hashable | None]], ages: Sequence[float | None] | None = None
) -> dict[str, dict[str, Mask]]:
    """Masks by column ("dataset", "view", "sex", "held_out", ...) and value, and by age."""
    found = {name: by_value(values) for name, values in columns.items()}
    return found if ages is None else found | {"age": by_age(ages)}
