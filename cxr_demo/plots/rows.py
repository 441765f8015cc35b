"""Horizontal charts with one line per arm: names to the left, so that they are read without turning
one's head. Lines are numbered from the top; marks of one line stand a little above one another.
"""

from collections.abc import Sequence

from cxr_demo.plots.look import SMALL, Look, Spec, axis, escaped, place
from cxr_demo.records import Precision
from cxr_demo.results import words
from cxr_demo.results.records import Arm, ArmResult

MARKS = ("†", "‡", "§")
"""Beside the name of an arm of which something must be known; the words stand below."""

MANY = 7
"""With more lines than this, each has one line of text."""


def bar(count: int) -> float:
    """Width of each of `count` bars in lines: few of them shall not fill the whole height."""
    return min(0.62, 0.05 + 0.17 * count)


def ordered(results: Sequence[ArmResult]) -> list[ArmResult]:
    """By model, task and precision: what is compared stands side by side."""
    return sorted(
        results,
        key=lambda each: (
            place(each.arm.model),
            each.arm.pipeline != "report",
            each.arm.prompt or "",
            list(Precision).index(each.arm.precision),
            each.arm.created,
        ),
    )


def room(count: int, lines: int = 2) -> int:
    """Pixels that `count` lines need, each with so many lines of text where they are few."""
    return count * (34 if count > MANY else 8 + 20 * max(2, lines))


def names(results: Sequence[ArmResult], signs: Sequence[str], language: str) -> list[str]:
    """The name of each line; where there are many, each in one line of text."""
    compact = len(results) > MANY
    return [name(each, language, sign, compact) for each, sign in zip(results, signs, strict=True)]


def name(result: ArmResult, language: str, mark: str = "", compact: bool = False) -> str:
    """The model; then precision, task and, for a run that goes on, how far it is."""
    arm = result.arm
    parts = [words.precision(arm, language), escaped(words.task(arm, language))]
    if unfinished := words.so_far(result, language):
        parts.append(f"<i>{unfinished}</i>")
    between = " · " if compact else "<br>"
    return f"<b>{escaped(words.model(arm, language))}</b>{mark}{between}{' · '.join(parts)}"


def lines(chosen: Look, names: Sequence[str]) -> Spec:
    """The axis with the names, from the top down."""
    return axis(
        chosen,
        "",
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        fixedrange=True,
        tickfont={"size": SMALL + 1},
        ticklabelstandoff=8,
    )


def scores(chosen: Look, title: str, top: float) -> Spec:
    """The axis of an F1, with room to the right of the longest bar for its figures."""
    end = max(0.1, top) * 1.3
    step = 0.1 if end <= 1 else 0.2
    return axis(
        chosen,
        title,
        range=[0, end],
        tickmode="array",
        tickvals=[round(at * step, 1) for at in range(round(1 / step) + 1) if at * step <= end],
        tickformat=".1f",
    )


def remarks(arms: Sequence[Arm], language: str) -> tuple[list[str], str]:
    """A sign for each arm ("" for none), and what the signs mean, as one text."""
    said_of: dict[str, list[int]] = {}
    for at, arm in enumerate(arms):
        for words_of in words.marks(arm, language):
            said_of.setdefault(words_of, []).append(at)
    signs = [""] * len(arms)
    legend = []
    for number, (text, places) in enumerate(said_of.items()):
        sign = MARKS[number] if number < len(MARKS) else f"({number + 1})"
        legend.append(f"{sign} {escaped(text)}")
        for at in places:
            signs[at] += f" {sign}"
    return signs, " · ".join(legend)


def upright(
    chosen: Look, at: float, text: str, colour: str, dash: str = "dash", level: int = 0
) -> tuple[Spec, Spec]:
    """A vertical line over the whole height at `at`, and its name above; `level` puts the name a
    line higher, so that neighbours don't overlap."""
    line = {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "layer": "below",
    }
    words_above = {
        "text": text,
        "xref": "x",
        "yref": "paper",
        "x": at,
        "y": 1,
        "yanchor": "bottom",
        "yshift": 2 + 18 * level,
        "showarrow": False,
        "font": {"size": SMALL, "color": colour},
        "bgcolor": chosen.ground,
    }
    return line, words_above
