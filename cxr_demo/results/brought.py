"""Results of runs that came without their images: the aggregates that they brought along."""

from collections.abc import Mapping, Sequence
from typing import Any

from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.results import carried
from cxr_demo.results.records import Answered, Arm, ArmResult, PairResult
from cxr_demo.store.records import ArmRun


def result(arm: Arm, labeler: str, policy: UncertaintyPolicy) -> ArmResult:
    """The arm's figures; without any if it brought none for this labeler."""
    record = _held(arm, labeler, policy).get("arm")
    if record is None:
        return ArmResult(arm, labeler, policy)
    return carried.result_of(arm, labeler, policy, record)


def answered(run: ArmRun, policy: UncertaintyPolicy) -> Answered | None:
    """What a run that came from elsewhere was answered to yes/no questions; None if it was not
    asked, or was measured here."""
    for name, held in (run.facts.get("carried") or {}).items():
        if name.endswith(f"/{policy}") and held.get("answered"):
            return carried.answered_of(held["answered"])
    return None


def slices(arm: Arm, labeler: str, policy: UncertaintyPolicy) -> dict[str, dict[str, ArmResult]]:
    """The points of its slices."""
    return {
        column: {
            value: carried.result_of(arm, labeler, policy, record)
            for value, record in by_value.items()
        }
        for column, by_value in _held(arm, labeler, policy).get("slices", {}).items()
    }


def pairs(results: Sequence[ArmResult]) -> list[PairResult]:
    """The pairs of which both runs were taken in."""
    by_origin = {_origin(each.arm): each for each in results}
    found = []
    for each in results:
        for record in _held(each.arm, each.labeler, each.policy).get("pairs", ()):
            candidate = by_origin.get(record["candidate"])
            reference = by_origin.get(record["reference"])
            if candidate is each and reference is not None:
                found.append(carried.pair_of(candidate, reference, record))
    return found


def _origin(arm: Arm) -> str:
    return str((arm.facts.get("imported") or {}).get("run"))


def _held(arm: Arm, labeler: str, policy: UncertaintyPolicy) -> Mapping[str, Any]:
    found = (arm.facts.get("carried") or {}).get(f"{labeler}/{policy}")
    return found if isinstance(found, dict) else {}
