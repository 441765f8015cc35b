"""The screen "Will it fit?" as plain JSON: what is compared, the table, and the chosen pair."""

from collections.abc import Sequence
from typing import Any

from cxr_demo import fit
from cxr_demo.fit import Answer, Basis, Gpu, Machine, Verdict
from cxr_demo.models.cards import CARDS
from cxr_demo.ui.fitness import Task
from cxr_demo.ui.strings import text
from cxr_demo.units import GIB, format_bytes, format_date, format_seconds

View = dict[str, Any]

COLUMNS = ("model", "precision", "load", "prefill", "decode", "bar", "verdict", "smallest", "basis")
_ICONS = {Verdict.FITS: "✓", Verdict.TIGHT: "!", Verdict.NO: "✕"}


def verdict_view(answer: Answer, language: str) -> View:
    """`{"verdict", "icon", "words"}`: the sign stands beside the word and the colour, never alone.
    What this GPU cannot compute at all is "barred", however small it is."""
    if answer.barred is not None:
        return {"verdict": "barred", "icon": "–", "words": text("fit.barred", language)}
    words = fit.verdict_word(answer.verdict).message(language)
    return {"verdict": str(answer.verdict), "icon": _ICONS[answer.verdict], "words": words}


def gib(count: int, language: str) -> str:
    """Bytes as GiB with one decimal and no unit: the column's head names it."""
    shown = f"{count / GIB:.1f}"
    return shown.replace(".", ",") if language == "pt" else shown


def targets_view(machine: Machine, chosen: Gpu | None, language: str) -> list[View]:
    """What the table can be compared with: this machine's GPUs, or its processor."""
    if not machine.gpus:
        words = text("fit.processor", language)
        return [{"id": "", "words": words, "selected": chosen is None}]
    return [
        {
            "id": str(gpu.index),
            "words": text("fit.this", language, index=gpu.index, name=gpu.name),
            "selected": chosen is not None and not chosen.typed and chosen.index == gpu.index,
        }
        for gpu in machine.gpus
    ]


def memory_view(machine: Machine, chosen: Gpu | None, language: str) -> View:
    """The memory that the table is compared with: `{"words", "used", "note"}`; `used` is the share
    in 0..1 that others hold."""
    if chosen is None:
        free, total = machine.ram_free, machine.ram_total
        note = text("fit.no_gpu", language, **_both(free, total, language))
        return {"words": "", "used": 1 - free / total, "note": note}
    key = "fit.typed_memory" if chosen.typed else "fit.memory"
    words = text(key, language, **_both(chosen.free, chosen.total, language))
    if chosen.capability is not None:
        found = ".".join(map(str, chosen.capability))
        words += " · " + text("fit.capability", language, found=found)
    return {"words": words, "used": 1 - chosen.free / chosen.total, "note": ""}


def columns_view(chosen: Gpu | None, language: str) -> list[View]:
    """Heads of the table, with their unit and the sentence that explains them. A card that was
    typed is not "here"."""
    typed = chosen is not None and chosen.typed
    tips = ("load", "prefill", "decode", "smallest", "basis")
    return [
        {
            "id": each,
            "words": text(f"fit.column.{_head(each, typed)}", language),
            "tip": text(f"fit.tip.{each}", language) if each in tips else "",
            "unit": "GiB" if each in ("load", "prefill", "decode") else "",
        }
        for each in COLUMNS
    ]


def _head(column: str, typed: bool) -> str:
    return "verdict.typed" if typed and column == "verdict" else column


def scale_of(answers: Sequence[Answer]) -> int:
    """What the right end of every bar stands for, in bytes: all bars share it, from 0 on."""
    needed = max((each.need.peak for each in answers), default=GIB)
    free = max((each.free for each in answers), default=0)
    # A card of 141 GiB would press every bar into its left edge: the axis then ends beyond what
    # the largest model needs, and the line of the free memory lies beyond its end.
    return max(needed * 11 // 10, min(free * 21 // 20, needed * 8 // 5))


def axis_view(answers: Sequence[Answer], language: str) -> View:
    """The bars' axis and legend; `free`: its share of the scale, None beyond its end."""
    scale, first = scale_of(answers), next(iter(answers), None)
    free = (
        text("fit.legend.free", language, free=format_bytes(first.free, language)) if first else ""
    )
    return {
        "scale": text("fit.legend.scale", language, scale=gib(scale, language)),
        "free": _share(first.free, scale) if first and first.free <= scale else None,
        "free_words": free,
        "estimate": text("fit.legend.estimate", language),
        "measured": text("fit.legend.measured", language),
    }


def row_view(answer: Answer, scale: int, language: str) -> View:
    """One line of the table."""
    need, estimated = answer.need, answer.basis is Basis.ESTIMATE
    shown = verdict_view(answer, language)
    sign = "≈\u2009" if estimated else ""
    return {
        "precision": str(answer.precision),
        "words": text(f"precision.{answer.precision}", language),
        "load": sign + gib(need.load, language),
        "prefill": sign + gib(need.prefill, language),
        "decode": sign + gib(need.decode, language),
        "highest": max(("load", "prefill", "decode"), key=lambda each: getattr(need, each)),
        "share": _share(need.peak, scale),
        "estimated": estimated,
        "basis": basis_short(answer, language),
        "verdict": shown["verdict"],
        "icon": shown["icon"],
        "verdict_words": shown["words"],
        "smallest": smallest_words(answer.smallest, language),
        "reason": reason(answer, language),
    }


def reason(answer: Answer, language: str) -> str:
    """Why: what bars it, else the numbers."""
    return (answer.barred or answer.reason).message(language)


def basis_short(answer: Answer, language: str) -> str:
    """Where the figures come from, for a narrow column."""
    if answer.basis is Basis.HERE:
        return text("fit.basis.here", language)
    if answer.basis is Basis.ELSEWHERE:
        return str(answer.measured_on)
    return fit.basis_words(answer).message(language)


def smallest_words(size: int | None, language: str) -> str:
    """The class of cards, "8 GB", or that none of the usual ones holds it."""
    if size is None:
        return text("fit.smallest.none", language, size=fit.CLASSES[-1])
    return text("fit.smallest", language, size=size)


def pair_view(answer: Answer, measure: View, language: str) -> View:
    """The chosen pair: `{"title", "icon", "verdict", "words", "reason", "facts", "elsewhere",
    "measure"}`; `elsewhere`: times of another GPU, as a sentence, or None."""
    precision = text(f"precision.{answer.precision}", language)
    elsewhere = fit.times_elsewhere(answer)
    return {
        "title": f"{answer.name} · {precision}",
        **verdict_view(answer, language),
        "reason": reason(answer, language),
        "facts": _facts(answer, language),
        "elsewhere": elsewhere.message(language) if elsewhere else None,
        "measure": measure,
    }


def _facts(answer: Answer, language: str) -> list[list[str]]:
    sign = "≈\u2009" if answer.basis is Basis.ESTIMATE else ""
    need = answer.need
    rows = [
        ("load", sign + format_bytes(need.load, language)),
        ("prefill", sign + format_bytes(need.prefill, language)),
        ("decode", sign + format_bytes(need.decode, language)),
        ("smallest", smallest_words(answer.smallest, language)),
        ("basis", _basis(answer, language)),
    ]
    if answer.basis is not Basis.ESTIMATE:
        rows.append(("estimate", format_bytes(answer.estimate.peak, language)))
    if answer.basis is Basis.HERE:
        rows += [
            ("ttft", format_seconds(answer.ttft, language)),
            ("tpot", format_seconds(answer.tpot, language)),
        ]
    return [[text(f"fit.detail.{key}", language), value] for key, value in rows]


def _basis(answer: Answer, language: str) -> str:
    words = fit.basis_words(answer).message(language)
    if answer.measured_at is None:
        return words
    return text(
        "fit.measured_at", language, basis=words, day=format_date(answer.measured_at, language)
    )


def measure_view(
    answer: Answer, chosen: Gpu | None, machine: Machine, task: Task | None, language: str
) -> View:
    """The button and its state: `{"words", "can", "why", "going", "share", "left", "stop",
    "error"}`."""
    why = _cannot_measure(chosen, machine, language)
    if not why and answer.barred is not None:
        why = answer.barred.message(language)
    found: View = {
        "words": text("fit.measure", language),
        "can": not why,
        "why": why or text("fit.measure.note", language),
        "going": None,
        "error": None,
    }
    if task is None:
        return found
    own = (task.model, task.precision) == (answer.model, answer.precision)
    if not task.measuring.done:
        return found | _measuring(task, own, language)
    if own and task.error is not None:
        found["error"] = task.error.message(language)
    return found


def _cannot_measure(chosen: Gpu | None, machine: Machine, language: str) -> str:
    first = machine.first
    if first is None:
        return text("fit.measure.no_gpu", language)
    if chosen is None or chosen.typed:
        return text("fit.measure.typed", language)
    if chosen.index != first.index:
        return text("fit.measure.other", language, name=first.name)
    return ""


def _measuring(task: Task, own: bool, language: str) -> View:
    if not own:
        name = f"{CARDS[task.model].name} · {text(f'precision.{task.precision}', language)}"
        return {"can": False, "why": text("fit.measure.busy", language, name=name)}
    now = task.measuring.progress
    left = "" if now is None or now.remaining is None else format_seconds(now.remaining, language)
    return {
        "can": False,
        "going": text(f"fit.measure.{now.stage if now else 'waiting'}", language),
        "share": now.fraction if now else None,
        "left": text("fit.remaining", language, time=left) if left else "",
        "stop": text("fit.measure.stop", language),
    }


def _both(free: int, total: int, language: str) -> dict[str, str]:
    return {"free": format_bytes(free, language), "total": format_bytes(total, language)}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)
