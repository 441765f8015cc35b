"""What runs and what ran, in the page's language: from the worker's status and the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from cxr_demo.datasets.recipe import Recipe
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.progress import ArmStatus
from cxr_demo.models.cards import named_prompt
from cxr_demo.records import PipelineKind
from cxr_demo.results.words import asked, drawn
from cxr_demo.store.records import ArmRun, Group
from cxr_demo.ui.strings import STRINGS, text
from cxr_demo.ui.wording import model_name, thousands
from cxr_demo.units import UNKNOWN, format_bytes, format_moment, format_rate, format_seconds
from cxr_demo.worker.messages import JobState, JobStatus

View = dict[str, Any]
Key = tuple[str, str, str, str | None]
"""Model, precision, pipeline and prompt (None: the default) of an arm."""

DRAWN, OWN = "phantoms", "local"
"""The recipes whose names say already where their images come from."""
MOST_EARLIER = 12
"""Evaluations in the list of earlier ones."""


def group_title(group: Group, language: str) -> str:
    """ "Preliminary · CheXpert valid, all images": the recipe and the composition of its images."""
    return f"{evaluation_name(group.name, language)} · {composition(group, language)}"


def evaluation_name(name: str, language: str) -> str:
    """The recipe's name in words; a recipe of the user's own keeps its name."""
    key = f"bench.evaluation.{name}"
    return text(key, language) if key in STRINGS else name


def composition(group: Group, language: str) -> str:
    """Which images, in words; the name itself where the recipe is of another version."""
    try:
        draw = Recipe.from_dict(group.recipe).draw
    except (KeyError, TypeError, ValueError):
        return group.composition
    sources = drawn(" + ".join(f"{each.dataset} {each.part}" for each in draw.sources), language)
    parts = [] if group.name in (DRAWN, OWN) else [sources]
    size = text(
        "bench.images_drawn" if draw.size else "bench.images_all",
        language,
        n=thousands(group.images, language),
    )
    more = [text(f"bench.mix.{draw.mix}", language)] if draw.size and len(draw.sources) > 1 else []
    more += [text("bench.views.frontal", language)] if draw.views == "frontal" else []
    return ", ".join([*parts, size, *more])


def arm_name(model: str, precision: str, language: str) -> str:
    """ "MedGemma 4B · 4 bits"."""
    return f"{model_name(model, language)} · {text(f'precision.{precision}', language)}"


# ---------------------------------------------------------------- the one that runs, or ran last


def current_view(
    group: Group,
    arms: Sequence[ArmRun],
    job: JobStatus | None,
    board: str | None,
    language: str,
    by_ranks: bool = False,
) -> View:
    """Progress of `group`; `job` is the worker's status if it is of this group. `by_ranks`: it is
    read by processes that a terminal has started, and can be stopped there only."""
    state = state_of(group, job)
    rows = _arm_rows(arms, job, state, language)
    done, total = (sum(each[name] for each in rows) for name in ("done", "total"))
    failed, unparsed = (sum(each[name] for each in rows) for name in ("failed", "unparsed"))
    timed = job is not None and job.trial and state == "paused"
    facts = [
        ("images", f"{thousands(done, language)} / {thousands(total, language)}"),
        ("rate", _rate(job, state, language)),
        ("left", _left(job, rows, state, language)),
        ("failed", thousands(failed, language)),
        ("unparsed", thousands(unparsed, language)),
    ]
    return {
        "group": group.id,
        "state": state,
        "state_words": _state_words(state, timed, job, language),
        "title": group_title(group, language),
        "synthetic": text("bench.synthetic", language) if group.synthetic else None,
        "share": done / total if total else 0,
        "share_words": text("bench.share", language),
        "facts": [(key, text(f"bench.fact.{key}", language), value) for key, value in facts],
        "notes": [text("bench.ranks", language)] * by_ranks + _notes(arms, timed, language),
        "error": _error(group, job, language),
        "actions": [] if by_ranks else _actions(state, timed, language),
        "board": board,
        "columns": [text(f"bench.column.{each}", language) for each in COLUMNS],
        "arms": rows,
    }


def before_view(job: JobStatus, language: str) -> View:
    """An evaluation whose images are still being looked up or drawn, or could not be had."""
    state = str(job.state)
    error = CxrError.from_dict(job.error).message(language) if job.error else None
    return {
        "group": None,
        "state": state,
        "state_words": _state_words(state, False, job, language),
        "title": evaluation_name(job.name, language),
        "synthetic": None,
        "share": job.fraction,
        "share_words": text("bench.share", language),
        "facts": [],
        "notes": [],
        "error": error,
        "actions": [_action("stop", False, language)] if state == "running" else [],
        "board": None,
        "columns": [],
        "arms": [],
    }


COLUMNS = ("arm", "progress", "images", "rate", "left", "failed", "unparsed")


def state_of(group: Group, job: JobStatus | None) -> str:
    """The worker's word goes before the store's, which a dead worker leaves as "running"."""
    return str(job.state) if job else group.state


def now_words(group: Group, arms: Sequence[ArmRun], job: JobStatus | None, language: str) -> str:
    """One line on what runs, for the other side of the screen."""
    view = current_view(group, arms, job, None, language)
    facts = {key: value for key, _, value in view["facts"]}
    parts = [text("bench.now.images", language, images=facts["images"])]
    if facts["left"] != UNKNOWN:
        parts.append(text("bench.now.left", language, left=facts["left"]))
    return " · ".join(parts)


def _state_words(state: str, timed: bool, job: JobStatus | None, language: str) -> str:
    if timed:
        return text("bench.state.timed", language)
    if state == "running" and job and job.phase and job.phase != "reading":
        words = text(f"bench.phase.{job.phase}", language)
        return words if job.fraction is None else f"{words} · {100 * job.fraction:.0f} %"
    return text(f"bench.state.{state}", language)


def _rate(job: JobStatus | None, state: str, language: str) -> str:
    if job is None or job.rate is None or state != "running" or job.phase != "reading":
        return UNKNOWN
    return text("bench.per_second", language, rate=_figure(job.rate, language))


def _figure(rate: float, language: str) -> str:
    """A rate with two decimals below one, which a large model on a processor is."""
    if rate >= 1:
        return format_rate(rate, language)
    return f"{rate:.2f}".replace(".", "," if language == "pt" else ".")


def _left(job: JobStatus | None, rows: Sequence[View], state: str, language: str) -> str:
    """For all arms; "≥" if one of them has no figure yet."""
    waiting = [each["seconds"] for each in rows if each["state"] not in ("finished", "failed")]
    known = [each for each in waiting if each is not None]
    if state not in ("running", "paused") or not known:
        return UNKNOWN
    about = _about(sum(known), language)
    return about if len(known) == len(waiting) else f"≥ {about}"


def _about(seconds: float, language: str) -> str:
    """Without a precision that an estimate has not: whole seconds, minutes, or hours."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return format_seconds(seconds, language)


def _notes(arms: Sequence[ArmRun], timed: bool, language: str) -> list[str]:
    """What happened to the arms, each sentence once."""
    lines = [text("bench.timed", language)] if timed else []
    return list(dict.fromkeys(lines + [each for arm in arms for each in notes_of(arm, language)]))


def notes_of(arm: ArmRun, language: str) -> list[str]:
    """What happened during a run, one sentence each."""
    return [_note(each, language) for each in arm.facts.get("notes") or ()]


def _note(note: Mapping[str, Any], language: str) -> str:
    key = f"bench.note.{note['code']}"
    if key not in STRINGS:
        error = note.get("error") or {"code": note["code"], "params": {}}
        return CxrError.from_dict(error).message(language)
    return text(
        key, language, **{name: _param(name, each, language) for name, each in note.items()}
    )


def _param(name: str, value: Any, language: str) -> Any:
    if name == "bytes":
        return format_bytes(value, language)
    return format_moment(value, language) if name == "at" else value


def _error(group: Group, job: JobStatus | None, language: str) -> str | None:
    error = (job.error if job else None) or group.error
    return CxrError.from_dict(error).message(language) if error else None


def _actions(state: str, timed: bool, language: str) -> list[View]:
    offered = {
        "running": ("pause", "stop"),
        "paused": ("resume", "stop"),
        "stopped": ("resume",),
        "failed": ("resume",),
    }
    return [_action(act, timed, language) for act in offered.get(state, ())]


def _action(act: str, timed: bool, language: str) -> View:
    key = "bench.start_timed" if timed and act == "resume" else f"bench.{act}"
    kind = "primary" if act == "resume" else "small"
    return {"act": act, "words": text(key, language), "kind": kind}


# ---------------------------------------------------------------- its arms


def _arm_rows(
    arms: Sequence[ArmRun], job: JobStatus | None, state: str, language: str
) -> list[View]:
    """One row per arm: the worker's figures where it has them, else the store's."""
    live = job.arms if job else ()
    stored = {_stored_key(each): each for each in arms if each.current}
    at_work = job.run if job else ""
    rows = [_live_row(each, stored.get(_key(each)), state, at_work, language) for each in live]
    known = {_key(each) for each in live}
    return rows + [_stored_row(each, language) for key, each in stored.items() if key not in known]


def _key(arm: ArmStatus) -> Key:
    return arm.model, str(arm.precision), str(arm.pipeline), arm.prompt


def _stored_key(arm: ArmRun) -> Key:
    prompt = named_prompt(arm.model, PipelineKind(arm.pipeline), arm.prompt)
    return arm.model, arm.precision, arm.pipeline, prompt


def _live_state(arm: ArmStatus, state: str, at_work: str) -> str:
    """What the arm is doing while the evaluation is in `state`. "read": memory and time are still
    to be measured."""
    if arm.state in ("finished", "failed"):
        return arm.state
    if arm.done >= arm.total > 0:
        return "read"
    if state == "running":
        return "running" if arm.run is not None and arm.run == at_work else "waiting"
    return state if arm.done and state in ("paused", "stopped") else "waiting"


def _live_row(
    arm: ArmStatus, stored: ArmRun | None, state: str, at_work: str, language: str
) -> View:
    rate, seconds = arm.rate, arm.remaining if arm.remaining is not None else arm.estimate
    now = _live_state(arm, state, at_work)
    if now in ("finished", "read"):
        rate, seconds = _stored_rate(stored) or rate, None if now == "finished" else 0.0
    elif state not in ("running", "paused"):
        seconds = None  # nothing is under way that could come to an end
    row = _row(arm.run, _key(arm), now, arm.done, arm.total, language)
    counts = {"failed": arm.failed, "unparsed": arm.unparsed, "seconds": seconds}
    cells = _cells(arm.done, arm.total, rate, seconds, arm.failed, arm.unparsed, language)
    error = CxrError.from_dict(arm.error).message(language) if arm.error else None
    return row | counts | {"cells": cells, "error": error}


def _stored_row(arm: ArmRun, language: str) -> View:
    row = _row(arm.id, _stored_key(arm), arm.state, arm.done, arm.total, language)
    counts = {"failed": arm.failed, "unparsed": 0, "seconds": None}
    cells = _cells(arm.done, arm.total, _stored_rate(arm), None, arm.failed, None, language)
    return row | counts | {"cells": cells, "error": None}


def _row(run: str | None, key: Key, state: str, done: int, total: int, language: str) -> View:
    model, precision, pipeline, prompt = key
    return {
        "run": run,
        "name": arm_name(model, precision, language),
        "details": asked(model, PipelineKind(pipeline), prompt, language),
        "state": state,
        "state_words": text(f"bench.arm.{state}", language),
        "share": done / total if total else 0,
        "done": done,
        "total": total,
    }


def _cells(
    done: int,
    total: int,
    rate: float | None,
    seconds: float | None,
    failed: int,
    unparsed: int | None,
    language: str,
) -> list[str]:
    return [
        f"{thousands(done, language)} / {thousands(total, language)}",
        UNKNOWN if rate is None else _figure(rate, language),
        _about(seconds, language) if seconds else UNKNOWN,
        thousands(failed, language),
        UNKNOWN if unparsed is None else thousands(unparsed, language),
    ]


def _stored_rate(arm: ArmRun | None) -> float | None:
    batch = (arm.facts.get("batch") if arm else None) or {}
    rate = batch.get("images_per_second")
    return None if rate is None else float(rate)


# ---------------------------------------------------------------- earlier ones


def earlier_view(group: Group, board: str | None, idle: bool, language: str) -> View:
    """One line of the list; it can go on if nothing runs (`idle`)."""
    left = group.state in ("stopped", "failed", "paused", "running")
    act = {"act": "resume", "words": text("bench.resume", language), "kind": "small"}
    mark = [text("bench.synthetic", language)] if group.synthetic else []
    state = "left" if group.state == "running" else group.state
    return {
        "group": group.id,
        "title": group_title(group, language),
        "details": " · ".join([format_moment(group.created, language), *mark]),
        "state": group.state,
        "state_words": text(f"bench.state.{state}", language),
        "actions": [act] if left and idle else [],
        "board": board,
    }


def is_running(job: JobStatus | None) -> bool:
    """True while the worker evaluates."""
    return job is not None and job.state is JobState.RUNNING
