"""What the findings pane shows: 14 rows, the words that carry them, and what contradicts them."""

from collections.abc import Sequence
from typing import Any

from cxr_demo.findings import FINDINGS, Finding, Label, UncertaintyPolicy
from cxr_demo.labelers.agreement import disagreements
from cxr_demo.labelers.policy import apply, counted
from cxr_demo.records import FindingSet, Probabilities, StopReason
from cxr_demo.ui.contradictions import SENTENCES, Remark, remarks
from cxr_demo.ui.readings import leading
from cxr_demo.ui.state import POLICY, Run
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import evidence, finding_state, percent, thousands
from cxr_demo.units import format_date

View = dict[str, Any]

ICONS = {
    "positive": "+",
    "negative": "−",
    "uncertain": "?",
    "not_mentioned": "·",
    "unnamed": "·",
    "unassessed": "",
    "clear": "✓",
    "excluded": "−",
}
"""One sign per state, so that colour never stands alone."""

_COUNTED = {1: "counted.present", 0: "counted.absent", None: "counted.ignored"}


def findings_view(
    run: Run | None,
    language: str,
    runs: Sequence[Run] = (),
    policy: UncertaintyPolicy = POLICY,
) -> View:
    """The 14 rows, in a state of their own until something was assessed, and what does not go
    together: within the set, between the labelers, and with the other `runs` of the image."""
    found = leading(run)
    complete = run is not None and run.reading is not None and run.reading.stop is StopReason.END
    pointed_out = remarks(run, runs, language) if run is not None else []
    said = [each.words for each in pointed_out]
    if found is None and run and run.reading and run.reading.findings:
        said = [text("unparsed", language)]
    elif found is not None and not complete:
        said = [text("incomplete_findings", language), *said]
    return {
        "run": run.id if run else None,
        "labeler": text(f"labeler.{found.labeler}", language) if found else None,
        "agreement": _agreement(run, found, language),
        "calibrated": calibrated(run, language, "calibrated.short"),
        "calibrated_title": calibrated(run, language),
        "policy": _policy_view(found, policy, language),
        "rows": [finding_row(each, run, policy, pointed_out, language) for each in FINDINGS],
        "remarks": said,
    }


def finding_row(
    finding: Finding,
    run: Run | None,
    policy: UncertaintyPolicy,
    pointed_out: Sequence[Remark],
    language: str,
) -> View:
    """One finding: its state as sign and word, how an uncertain one counts, what the other labelers
    say, its probability, and the sentences that carry it."""
    found = leading(run)
    complete = run is not None and run.reading is not None and run.reading.stop is StopReason.END
    row = found[finding] if found else None
    shown = finding_state(row, complete, found.labeler if found else "")
    uncertain = row is not None and row.label is Label.UNCERTAIN
    return {
        "finding": str(finding),
        "name": finding.name_in(language),
        "state": shown,
        "icon": ICONS[shown],
        "word": text(f"label.{shown}", language),
        "counted": text(_COUNTED[counted(Label.UNCERTAIN, policy)], language)
        if uncertain
        else None,
        "differing": _differing(finding, run, complete, language),
        "chance": chance(finding, run, language),
        "contested": [each.words for each in pointed_out if finding in each.findings],
        "evidence": evidence(row, run.report) if row and run else [],
        "others": _other_labelers(finding, run, complete, language),
    }


def _others(run: Run | None) -> list[FindingSet]:
    """Every further labeler that ran; CheXbert's single sentences are none."""
    sets = run.reading.findings[1:] if run and run.reading else ()
    return [each for each in sets if not each.unparsed and each.labeler != SENTENCES]


def _agreement(run: Run | None, found: FindingSet | None, language: str) -> str | None:
    others = _others(run)
    if found is None or not others:
        return None
    same = len(FINDINGS) - len(disagreements(found, others[0]))
    return text(
        "agreement",
        language,
        by=text(f"labeler.short.{others[0].labeler}", language),
        same=same,
        all=len(FINDINGS),
    )


def _policy_view(found: FindingSet | None, policy: UncertaintyPolicy, language: str) -> View | None:
    """The switch, and what it makes of the stored labels; None until there are any."""
    if found is None:
        return None
    numbers = apply(found, policy)
    real = [number for each, number in numbers.items() if each is not Finding.NO_FINDING]
    return {
        "label": text("policy", language),
        "options": [
            {
                "id": str(each),
                "words": text(f"policy.{each}", language),
                "selected": each is policy,
            }
            for each in UncertaintyPolicy
        ],
        "summary": text("policy.summary", language, present=real.count(1)),
    }


def _differing(finding: Finding, run: Run | None, complete: bool, language: str) -> list[str]:
    """What a labeler says that does not say what the leading one says."""
    found = leading(run)
    return [
        text(
            "labeler.says",
            language,
            labeler=text(f"labeler.short.{each.labeler}", language),
            word=text(f"label.{finding_state(each[finding], complete)}", language),
        )
        for each in _others(run)
        if found is not None and each[finding].label is not found[finding].label
    ]


def _other_labelers(finding: Finding, run: Run | None, complete: bool, language: str) -> list[str]:
    """Which further labelers say the same, and what CheXbert makes of the single sentences where
    that is something else."""
    found = leading(run)
    sets = run.reading.findings[1:] if run and run.reading else ()
    return [
        text(
            "labeler.says",
            language,
            labeler=text(f"labeler.{each.labeler}", language),
            word=text(f"label.{finding_state(each[finding], complete)}", language),
        )
        for each in sets
        if found is not None and not each.unparsed
        # equal to the leading one for labelers, unequal for the sentences
        if (found[finding].label is each[finding].label) != (each.labeler == SENTENCES)
    ]


def _probabilities(run: Run | None) -> Probabilities | None:
    return run.reading.probabilities if run and run.reading else None


def chance(finding: Finding, run: Run | None, language: str) -> View | None:
    """A calibrated probability in percent, and what it rests on; None where there is none."""
    known = _probabilities(run)
    value = known[finding] if known else None
    if value is None:
        return None
    return {"percent": percent(value), "title": calibrated(run, language)}


def calibrated(run: Run | None, language: str, key: str = "calibrated") -> str | None:
    """What the probabilities rest on, in one sentence."""
    known = _probabilities(run)
    if known is None:
        return None
    images = thousands(known.images, language)
    key = f"{key}.synthetic" if known.synthetic else key
    return text(key, language, images=images, day=format_date(known.calibrated, language))
