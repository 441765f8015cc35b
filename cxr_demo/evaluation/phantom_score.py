"""Scores of a phantom run: truth is what was drawn, never a labeler's word."""

from collections.abc import Iterable

from cxr_demo import phantoms
from cxr_demo.findings import FINDINGS, Label, UncertaintyPolicy
from cxr_demo.metrics.f1 import encode, f1_scores
from cxr_demo.store.runs import Prediction


def micro_f1(
    predictions: Iterable[Prediction], policy: UncertaintyPolicy, labeler: str | None = None
) -> float | None:
    """Micro F1 in 0..1 over all findings of a run; None without predictions. An image that failed
    or could not be parsed counts as 14 times "not mentioned". `labeler` defaults to the leading
    one of each prediction."""
    rows = [(_truth(int(each.key)), _said(each, labeler)) for each in predictions]
    if not rows:
        return None
    targets, said = zip(*rows, strict=True)
    return f1_scores(encode(targets), encode(said), policy).micro


def _truth(seed: int) -> list[Label]:
    drawn = phantoms.truth(phantoms.plan(seed))
    return [Label.POSITIVE if drawn[each] else Label.NEGATIVE for each in FINDINGS]


def _said(prediction: Prediction, labeler: str | None) -> list[Label]:
    sets = prediction.labels or {}
    chosen = sets.get(labeler) if labeler else next(iter(sets.values()), None)
    if chosen is None or prediction.unparsed:
        return [Label.NOT_MENTIONED] * len(FINDINGS)
    return [Label(chosen[each]) for each in FINDINGS]
