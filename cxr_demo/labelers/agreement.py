"""Agreement of two labelers on the same reports, per finding."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.records import FindingSet


@dataclass(frozen=True)
class Agreement:
    """Counts over `reports` reports. `same`: equal labels; `opposed`: one says positive and the
    other negative. `kappa`: Cohen's kappa over the four labels, None where it is undefined (both
    gave every report one and the same label)."""

    reports: int
    same: int
    opposed: int
    kappa: float | None

    @property
    def share(self) -> float | None:
        """Share of equal labels in 0..1; None without reports."""
        return self.same / self.reports if self.reports else None


def agreement(
    first: Sequence[FindingSet], second: Sequence[FindingSet]
) -> dict[Finding, Agreement]:
    """Agreement per finding, in the order of `FINDINGS`. The sets belong together by position;
    ValueError if there are not as many on both sides."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} sets against {len(second)}")
    pairs = list(zip(first, second, strict=True))
    return {
        finding: _of([(a[finding].label, b[finding].label) for a, b in pairs])
        for finding in FINDINGS
    }


def disagreements(first: FindingSet, second: FindingSet) -> tuple[Finding, ...]:
    """Findings on which two sets of one report differ, in the order of `FINDINGS`."""
    return tuple(each for each in FINDINGS if first[each].label is not second[each].label)


def _of(pairs: list[tuple[Label, Label]]) -> Agreement:
    same = sum(a is b for a, b in pairs)
    opposed = sum({a, b} == {Label.POSITIVE, Label.NEGATIVE} for a, b in pairs)
    return Agreement(len(pairs), same, opposed, _kappa(pairs, same))


def _kappa(pairs: list[tuple[Label, Label]], same: int) -> float | None:
    total = len(pairs)
    if not total:
        return None
    by_chance = sum(
        sum(a is label for a, _ in pairs) * sum(b is label for _, b in pairs) for label in Label
    ) / (total * total)
    return None if by_chance == 1 else (same / total - by_chance) / (1 - by_chance)
