"""How a reading stands, and what it is called."""

from cxr_demo.records import FindingSet, Phase, PipelineKind, StopReason
from cxr_demo.ui.state import Run
from cxr_demo.ui.strings import text


def state(run: Run | None) -> str:
    """ "empty", "queued", "loading", "reading", "writing", "done", "stopped", "cut" or "failed"."""
    if run is None:
        return "empty"
    if run.error is not None:
        return "stopped" if run.error.code == "reading_stopped" else "failed"
    if run.reading is not None:
        ends = {StopReason.END: "done", StopReason.LENGTH: "cut", StopReason.STOPPED: "stopped"}
        return ends[run.reading.stop]
    if run.report:
        return "writing"
    return {Phase.QUEUED: "queued", Phase.LOADING: "loading", Phase.READING: "reading"}[run.phase]


def state_words(run: Run, language: str) -> str:
    """How it stands, for the head of a report."""
    now = state(run)
    tokens = run.reading.timings.tokens if run.reading else len(run.pieces)
    in_steps = run.reading is not None and bool(run.reading.provenance.prompt.steps)
    key = "state.cut_steps" if now == "cut" and in_steps else f"state.{now}"
    return text(key, language, tokens=tokens)


def leading(run: Run | None) -> FindingSet | None:
    """The set of findings that leads, or None while there is none (not assessed)."""
    if run is None or run.reading is None or not run.reading.findings:
        return None
    first = run.reading.findings[0]
    return None if first.unparsed else first


def details(run: Run, language: str) -> str:
    """Precision, what was asked if not the default, and time of day: "4 bits · 07:00:00"."""
    choice = run.choice
    parts = [text(f"precision.{choice.precision}", language), run.started.strftime("%H:%M:%S")]
    if choice.kind is PipelineKind.DIRECT:
        parts.insert(1, text("pipeline.direct", language))
    elif choice.asked.steps:
        parts.insert(1, text("prompt.steps", language))
    return " · ".join(parts)
